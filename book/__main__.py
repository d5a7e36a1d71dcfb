"""`python -m book build` and `python -m book serve`."""

import subprocess
import sys


def build():
    return subprocess.call(["jupyter-book", "build", ".", "-W", "-n", "--keep-going"])


if __name__ == "__main__":
    sys.exit(build())
