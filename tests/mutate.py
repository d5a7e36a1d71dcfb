"""`python -m tests.mutate [CHAPTER ...]`: change the library one place at a time, and see that a test fails each time.

mutmut makes the changes and runs, for each, the tests that call the changed function. What no test notices must stand
in tests/regopt/equivalent/<chapter>.toml, with the reason why none could; so must a timeout, which is no kill.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
EQUIVALENT = ROOT / "tests" / "regopt" / "equivalent"
AIM = 0.95
KILLED = {1, 3}  # a test failed, or could not even be collected


def mutants(chapter):
    """The exit code of the tests for each mutant of a module; None where they were not run."""
    meta = ROOT / "mutants" / "regopt" / f"_{chapter}.py.meta"
    return json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}


def change(mutant):
    """What the mutant changes: the function, the old lines and the new ones."""
    diff = subprocess.run(["mutmut", "show", mutant], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    body = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old, new = ("\n".join(line[1:].strip() for line in body if line[0] == sign) for sign in "-+")
    return function_of(mutant), old, new


def function_of(mutant):
    """regopt._dropout.x__keep__mutmut_3 is a change of _keep."""
    return mutant.rpartition(".")[2].partition("__mutmut_")[0].removeprefix("x_")


def listed(chapter):
    """The changes that no test can notice, as `change` gives them, each with its reason."""
    path = EQUIVALENT / f"{chapter}.toml"
    entries = tomllib.loads(path.read_text())["equivalent"] if path.exists() else []
    return {(entry["function"], entry["old"].strip(), entry["new"].strip()): entry["why"] for entry in entries}


def judge(chapter, codes, show=change):
    """The number killed, and what is wrong: survivors that are not listed, entries of the list without a survivor."""
    known = listed(chapter)
    survivors = {mutant: show(mutant) for mutant, code in codes.items() if code not in KILLED}
    wrong = [
        f"{mutant} survives (exit {codes[mutant]}):\n- {old}\n+ {new}"
        for mutant, (function, old, new) in survivors.items()
        if (function, old, new) not in known
    ]
    wrong += [
        f"{chapter}.toml lists a change of {function} that no longer survives:\n- {old}\n+ {new}"
        for function, old, new in known.keys() - set(survivors.values())
    ]
    return len(codes) - len(survivors), wrong


def main():
    chapters = sys.argv[1:] or sorted(path.stem.removeprefix("_") for path in (ROOT / "regopt").glob("_[a-z]*.py"))
    patterns = [f"regopt._{chapter}.*" for chapter in chapters]
    code = subprocess.call(["mutmut", "run", "--max-children", str(os.cpu_count()), *patterns], cwd=ROOT)
    if code:
        sys.exit(f"mutmut could not run (exit {code}); its message stands above")
    killed = total = 0
    problems = []
    for chapter in chapters:
        codes = mutants(chapter)
        dead, wrong = judge(chapter, codes)
        killed, total, problems = killed + dead, total + len(codes), [*problems, *wrong]
        if codes:
            print(f"{dead:5} of {len(codes):5} killed, {dead / len(codes):6.1%}  {chapter}")
    print("\n\n".join(["", *problems]))
    if not total:
        sys.exit(f"there is nothing to mutate in {', '.join(chapters)}")
    print(f"{killed} of {total} mutants killed, {killed / total:.1%}; {len(problems)} problems")
    sys.exit(bool(problems) or killed < AIM * total)


if __name__ == "__main__":
    main()
