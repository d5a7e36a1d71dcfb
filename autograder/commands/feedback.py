"""`autograder feedback <assignment>`."""

import argparse

from autograder.progress import Progress


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment")
    parser.add_argument(
        "--student", default="*", metavar="ID", help="only this student; a pattern such as 'a*' for several"
    )
    parser.add_argument("--force", action="store_true", help="write again what was written already")


def run(args: argparse.Namespace) -> int:
    from autograder import batch, settings, steps
    from autograder.errors import GraderError

    course = settings.load()
    students = batch.folders(course, "autograded", args.assignment, args.student)
    if not students:
        raise GraderError(f"{course.root}/autograded holds no {args.assignment} of {args.student}: grade first")
    progress = Progress(len(students))
    try:
        failed = steps.feedback(course, args.assignment, students, force=args.force, step=progress.step)
    finally:
        progress.end()
    print(f"{args.assignment}: feedback of {len(students) - len(failed)} submissions in {course.root}/feedback")
    for text in failed:
        print(f"  {text}")
    return 1 if failed else 0
