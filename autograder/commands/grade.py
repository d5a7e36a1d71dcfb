"""`autograder grade <assignment>`."""

import argparse
import json
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from autograder.progress import Progress, duration
from autograder.summary import Line, line

if TYPE_CHECKING:
    from autograder.launch import Nursery


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment")
    parser.add_argument(
        "--student", default="*", metavar="ID", help="only this student; a pattern such as 'a*' for several"
    )
    parser.add_argument("--force", action="store_true", help="judge again what has a verdict already")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N", help="submissions at a time")
    parser.add_argument("--json", action="store_true", help="the summary as JSON on standard output")
    parser.add_argument(
        "--unconfined", action="store_true", help="run students' code without confinement: it can do what you can"
    )


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def run(args: argparse.Namespace) -> int:
    from autograder import early

    begun = [] if args.unconfined else early.begin(args.assignment, args.student, args.jobs)
    try:
        return grade(args, begun)
    finally:
        for nursery in begun:
            nursery.close()


def grade(args: argparse.Namespace, begun: "list[Nursery]") -> int:
    from autograder import batch, settings
    from autograder.assignment import load, open_sandbox
    from autograder.errors import GraderError
    from autograder.gradebook import Book

    course = settings.load()
    students = batch.folders(course, "submitted", args.assignment, args.student)
    if not students:
        raise GraderError(
            f"{course.root}/submitted holds no submission of {args.assignment} by {args.student}: collect first"
        )
    if args.unconfined:
        print("UNCONFINED: students' code runs with all your rights. Each verdict says so.", file=sys.stderr)
    began, lines, judged = time.monotonic(), [], 0
    progress = Progress(len(students), quiet=args.json)
    with batch.alone(course), Book(course) as book:
        book.assert_writable()
        assignment = load(course, book, args.assignment)
        writer = book.writer(args.assignment)
        sandbox = partial(open_sandbox, course, args.assignment, unconfined=args.unconfined)
        options = {"jobs": args.jobs, "force": args.force, "begun": begun}
        try:
            for result in batch.run(course, assignment, students, writer, sandbox, **options):
                lines.append(line(result.record))
                judged += result.judged
                progress.step(result.record["student"])
        finally:
            progress.end()
    lines.sort(key=lambda each: each.student)
    tell(args, lines, judged, time.monotonic() - began)
    return 1 if any(each.problems for each in lines) else 0


def tell(args: argparse.Namespace, lines: list[Line], judged: int, seconds: float) -> None:
    """The summary."""
    if args.json:
        submissions = [vars(each) for each in lines]
        content = {"assignment": args.assignment, "judged": judged, "kept": len(lines) - judged, "seconds": seconds}
        print(json.dumps({**content, "submissions": submissions}, indent=1))
        return
    rate = f", {judged / seconds:.1f} a second" if judged else ""
    print(
        f"{args.assignment}: {judged} judged in {duration(seconds)}{rate}; {len(lines) - judged} had a verdict already"
    )
    mean = sum(each.score for each in lines) / len(lines)
    print(f"mean {mean:.1f} of {lines[0].max_score:g} points, without what is graded by hand")
    for title, name in (("look at these", "problems"), ("repaired", "repairs")):
        told = [(each.student, text) for each in lines for text in getattr(each, name)]
        if told:
            print(f"\n{title}:")
        for student, text in told:
            print(f"  {student}: {text}")
