"""A test that could not run is said aloud (where CI=true it is a failure), and each room's time is added up."""

import os
import shutil
from collections import defaultdict

import pytest
from hypothesis import settings
from playwright.sync_api import sync_playwright

from tests.__main__ import BROWSERS, SKIPPED

# Generated inputs are the same in every run, and a busy machine fails no test.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def launch():
    """Starts the machine's Chromium. One playwright serves all rooms, for a process can run only one."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser on PATH: install one of {', '.join(BROWSERS)}")
    always = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        yield lambda *arguments: playwright.chromium.launch(executable_path=path, args=[*always, *arguments])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and in CI nothing may be: {report.longrepr}"
    return report


def pytest_make_parametrize_id(val):
    """A function's name, not its address: both workers must call a test by the same name."""
    return getattr(val, "__qualname__", None) if callable(val) else None


def pytest_terminal_summary(terminalreporter):
    seconds = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                parts = report.nodeid.split("::")[0].split("/")
                seconds[parts[1] if len(parts) > 2 else "house"] += report.duration
    for report in terminalreporter.stats.get("passed", []):
        for name, measured in report.user_properties:  # what a test measured is said, not only that it passed
            terminalreporter.section(f"{name}, measured by {report.nodeid}")
            terminalreporter.write_line(str(measured))
    terminalreporter.section("seconds of test time by room (two run side by side)")
    for room, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{spent:8.1f}  {room}")
    skipped = [
        f"COULD NOT RUN {report.nodeid}: {report.longrepr[-1]}" for report in terminalreporter.stats.get("skipped", [])
    ]
    for line in skipped:
        terminalreporter.write_line(line, red=True)
    SKIPPED.parent.mkdir(exist_ok=True)
    SKIPPED.write_text("\n".join(skipped))
