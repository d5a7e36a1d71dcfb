"""`autograder selftest [<assignment> ...]`."""

import argparse


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "assignments", nargs="*", metavar="assignment", help="all that have a text in solutions/, if none is named"
    )


def run(args: argparse.Namespace) -> int:
    from autograder import proof
    from autograder.errors import GraderError
    from autograder.masters import assignments

    if unknown := [each for each in args.assignments if each not in assignments()]:
        raise GraderError(f"there is no solutions/{unknown[0]}.md: name one of {', '.join(assignments())}")
    failed = False
    for assignment in args.assignments or assignments():
        problems = proof.in_a_course_of_its_own(assignment)
        print(f"{assignment}: {len(problems) or 'no'} problem{'s' * (len(problems) != 1)}")
        for problem in problems:
            print(f"  {problem}")
        failed |= bool(problems)
    return 1 if failed else 0
