"""What `make test` runs: the style, the types and every test, each timed."""

import subprocess
import sys
import time

STEPS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "book": [sys.executable, "-m", "book", "build"],
    "pytest": [sys.executable, "-m", "pytest", "-n", "2", "--durations=20"],
}


def main():
    took = {}
    for name, command in STEPS.items():
        start = time.monotonic()
        code = subprocess.call(command)
        took[name] = time.monotonic() - start
        if code:
            sys.exit(f"make test: {name} failed (exit {code}); its message stands above")
    print("\n".join(f"{seconds:7.1f} s  {name}" for name, seconds in took.items()))


if __name__ == "__main__":
    main()
