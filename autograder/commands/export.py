"""`autograder export <assignment>`."""

import argparse
import sys

FORMATS = ("nbgrader", "canvas", "moodle")


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment")
    parser.add_argument(
        "--format", choices=FORMATS, default="nbgrader", help="whose columns (nbgrader's, unless given)"
    )
    parser.add_argument("--to", metavar="FILE", help="<assignment>-<format>.csv, unless given")


def run(args: argparse.Namespace) -> int:
    from nbgrader.api import MissingEntry

    from autograder import export, settings
    from autograder.errors import GraderError
    from autograder.gradebook import Book

    path = args.to or f"{args.assignment}-{args.format}.csv"
    with Book(settings.load()) as book:
        try:
            book.gradebook.find_assignment(args.assignment)
            rows = list(export.rows(book.gradebook, args.assignment))
            with open(path, "w", newline="", encoding="utf-8") as file:
                getattr(export, args.format)(book.gradebook, args.assignment, file)
        except MissingEntry:
            raise GraderError(f"the gradebook knows no assignment {args.assignment}: release it first") from None
        except OSError as error:
            raise GraderError(f"{path} cannot be written ({error.strerror}): name another file with --to") from None
    graded = sum(row.score is not None for row in rows)
    print(f"{args.assignment}: grades of {graded} of {len(rows)} students in {path}")
    if waiting := [row.student.id for row in rows if row.waiting]:
        print(
            f"waiting for a grade by hand: {', '.join(waiting[:10])}{', ...' * (len(waiting) > 10)}",
            file=sys.stderr,
        )
    return 1 if waiting else 0
