import doctest
import importlib
import pkgutil

import pytest

import regopt

MODULES = [module.name for module in pkgutil.iter_modules(regopt.__path__, "regopt.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module)
    assert results.failed == 0
    assert results.attempted >= len(module.__all__)
