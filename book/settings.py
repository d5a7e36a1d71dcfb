"""_config.yml, read and checked before anything is built."""

import re
from pathlib import Path
from typing import Any

import yaml

from book.errors import BookError

REPOSITORY = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def read_yaml(path: Path) -> Any:
    """What the file holds; BookError with the line where it is not YAML."""
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise BookError(f"{path.name}{line} is not YAML ({getattr(error, 'problem', error)}): correct it") from None


def settings(root: Path) -> dict:
    config = read_yaml(root / "_config.yml")
    address = config["repository"]["url"]
    if address and not REPOSITORY.fullmatch(address):
        raise BookError(
            f"repository url in _config.yml must be https://github.com/OWNER/NAME, or empty, got {address}: "
            "Colab and Binder open notebooks from there"
        )
    return config
