"""`autograder report <assignment>`."""

import argparse


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment")
    parser.add_argument("--to", metavar="FILE", help="<assignment>-report.html, unless given")
    parser.add_argument("--open", action="store_true", help="show it in the browser")


def run(args: argparse.Namespace) -> int:
    from autograder import report, settings

    path = report.write(settings.load(), args.assignment, args.to)
    print(f"{args.assignment}: report in {path}")
    if args.open:
        report.show(path)
    return 0
