"""What `make test` runs: style, types, the book and every test, each timed; not again where no file changed."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PASSED = ROOT / "_build" / "tests-passed"
SKIPPED = ROOT / "_build" / "tests-skipped"  # written by tests/conftest.py
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STEPS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "book": [sys.executable, "-m", "book", "build"],
    "pytest": [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "--durations=25"],
}


def fingerprint():
    """Of every file that git tracks or would track, and of the environment; None outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        return None
    machine = [sys.version, os.environ.get("CI"), *map(shutil.which, BROWSERS)]
    digest = hashlib.sha256(str(machine).encode())
    for name in sorted(filter(None, listed.stdout.decode().split("\0"))):
        if (ROOT / name).is_file():
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def run_steps():
    """Run every step; what each took, and what could not run, as text."""
    took = {}
    for name, command in STEPS.items():
        start = time.monotonic()
        code = subprocess.call(command, cwd=ROOT)
        took[name] = time.monotonic() - start
        if code:
            sys.exit(f"make test: {name} failed (exit {code}); its message stands above")
    return "\n".join([*(f"{seconds:7.1f} s  {name}" for name, seconds in took.items()), SKIPPED.read_text()])


def main():
    now = fingerprint()
    if now and PASSED.exists() and PASSED.read_text().partition("\n")[0] == now:
        print(PASSED.read_text().partition("\n")[2])
        print(f"All passed, and no file changed since; to run again all the same: rm {PASSED.relative_to(ROOT)}")
        return
    summary = run_steps()
    print(summary)
    if now and now == fingerprint():
        PASSED.write_text(f"{now}\n{summary}\n")


if __name__ == "__main__":
    main()
