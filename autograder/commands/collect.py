"""`autograder collect <assignment>`."""

import argparse


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment")


def run(args: argparse.Namespace) -> int:
    from autograder import batch, settings, steps

    course = settings.load()
    told = steps.collect(course, args.assignment)
    count = len(batch.folders(course, "submitted", args.assignment))
    print(f"{args.assignment}: {count} submissions in {course.root}/submitted")
    for text in told:
        print(f"  {text}")
    return 1 if told else 0
