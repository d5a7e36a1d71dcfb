"""`autograder <verb>`: see `autograder --help`."""

import argparse
import atexit
import gc
import os
import sys
from importlib import import_module

from autograder.errors import GraderError

VERBS = {
    "release": "make the notebook of an assignment, prove its checks, and hand it out",
    "collect": "fetch what students handed in",
    "grade": "judge what was handed in",
    "feedback": "write what students read about their work",
    "report": "one page about a class's work on an assignment",
    "export": "grades as CSV for nbgrader, Canvas or Moodle",
    "selftest": "prove that solutions pass and named mistakes fail",
    "demo": "a made-up class, graded, and its report: the two-minute tour",
}
EXIT = """exit code: 0 done; 1 done, but something needs a look, and the output says what; 2 not done, and the last line
says why; 130 stopped with Ctrl-C: the same command goes on where it stopped"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="autograder", description="Grades notebooks, over nbgrader's folders.", epilog=EXIT
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="verb")
    for verb, words in VERBS.items():
        sub = verbs.add_parser(verb, help=words, description=words.capitalize() + ".", epilog=EXIT)
        import_module(f"autograder.commands.{verb}").add(sub)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; every error that the instructor can mend is one line."""
    # A grammar of addresses, which nbformat's jsonschema would load for a second if it is there, and nothing here uses.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # What is loaded stays: when it is searched for garbage, loading takes a fifth longer, and the end half a second.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    # One thread a process: the cores are used by judging side by side.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    args = parser().parse_args(arguments)
    try:
        return import_module(f"autograder.commands.{args.verb}").run(args)
    except GraderError as error:
        print(f"autograder {args.verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"autograder {args.verb}: stopped; the same command goes on where it stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of the output is gone
        return 0


if __name__ == "__main__":
    sys.exit(main())
