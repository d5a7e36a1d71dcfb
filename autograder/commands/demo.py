"""`autograder demo`."""

import argparse
import os
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=Path("_build/demo"), help="where the made-up course is made")


def run(args: argparse.Namespace) -> int:
    from autograder import demo, report, settings
    from autograder.__main__ import main

    demo.prepare(args.folder)
    os.chdir(args.folder)
    print(f"a class of {demo.CLASS} hands in {demo.ASSIGNMENT}:")
    demo.hand_in(settings.load(), lambda line: print(f"  {line}"))
    print("\nautograder grade", demo.ASSIGNMENT)
    if (code := main(["grade", demo.ASSIGNMENT])) > 1:
        return code
    path = report.write(settings.load(), demo.ASSIGNMENT)
    print(f"\nthe report: {path}\nin formgrader: jupyter lab, started in {Path.cwd()}")
    report.show(path)
    return 0
