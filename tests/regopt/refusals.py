"""What each function says when it refuses: refusals.json, read by a person once and held by a test.

`python -m tests.regopt.refusals` writes it anew from the illegal values of tests/regopt/cases.
"""

import json
from pathlib import Path

from tests.regopt.test_contract import BAD, FUNCTIONS, bound, cases_of, refusal

PATH = Path(__file__).with_name("refusals.json")


def refusals(name):
    """The messages of a function, each once."""
    found = set()
    for case in cases_of(name):
        unknown = [(key, BAD[type(value)]) for key, value in bound(case).arguments.items() if type(value) in BAD]
        found |= {str(refusal(case, key, value)) for key, value in [*case.illegal, *unknown]}
    return sorted(found)


if __name__ == "__main__":
    PATH.write_text(json.dumps({name: refusals(name) for name in sorted(FUNCTIONS)}, indent=1) + "\n")
