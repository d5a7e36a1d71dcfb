"""`autograder release <assignment>`."""

import argparse


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment")
    parser.add_argument(
        "--force", action="store_true", help="hand it out again, in the place of what was handed out before"
    )


def run(args: argparse.Namespace) -> int:
    from autograder import check, examples, masters, proof, settings, steps

    course = settings.load()
    if (masters.SOLUTIONS / f"{args.assignment}.md").exists():  # else it is a plain nbgrader assignment in source/
        proof.of_checks(args.assignment)
        masters.write_source(args.assignment, course.root)
    steps.generate(course, args.assignment)
    proof.of_release(course, args.assignment)
    examples.find(course, args.assignment, check.exercises(args.assignment))
    steps.hand_out(course, args.assignment, force=args.force)
    print(f"{args.assignment} is in {course.root}/release, and in the exchange for students to fetch")
    return 0
