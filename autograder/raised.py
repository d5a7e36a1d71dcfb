"""Exceptions of a submission, in the checker: StudentError, and also of the builtin type that was raised."""

import builtins

from autograder.errors import StudentError


def student_error(names: list[str], text: str) -> StudentError:
    """For an exception whose builtin types, most special first, have these names."""
    return next((KINDS[name] for name in names if name in KINDS), StudentError)(text)


def _kind(builtin):
    def __init__(self, text):
        self.args = (text,)

    def __str__(self):
        return self.args[0]

    return type(builtin.__name__, (StudentError, builtin), {"__init__": __init__, "__str__": __str__})


# Not those that mean something to whoever they pass through, or that cannot be made from a text alone.
_STRANGE = StopIteration, StopAsyncIteration, UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError, SyntaxError
KINDS = {
    name: _kind(builtin)
    for name, builtin in vars(builtins).items()
    if isinstance(builtin, type)
    and issubclass(builtin, Exception)
    and builtin is not Exception
    and not issubclass(builtin, (*_STRANGE, BaseExceptionGroup))
}
