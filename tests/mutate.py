"""`python -m tests.mutate [CHAPTER ...]`: change the library one place at a time, and see that a test fails each time.

mutmut makes the changes. The tests are collected once, torch imported once; each change is judged in a fork of that
process, by the tests that call the changed function, until one of them fails. What no test notices must stand in
tests/regopt/equivalent.toml, with the reason why none could; so must a timeout, which is no kill.
"""

import gc
import importlib
import multiprocessing
import os
import signal
import sys
import time
import tomllib
from collections import defaultdict
from multiprocessing.connection import wait
from pathlib import Path

import hypothesis
import pytest

from autograder.mutate import mutants

ROOT = Path(__file__).parents[1]
EQUIVALENT = ROOT / "tests" / "regopt" / "equivalent.toml"
NOT_JUDGES = ("evidence", "bench", "bench_optimizers", "mutate")  # tests of the tools around the library
AIM = 0.95
SECONDS = 5.0  # of CPU for a test, and fifty times what it takes without a mutant
fork = multiprocessing.get_context("fork")


class Mutation:
    """A pytest plugin: judges mutants with the tests, where pytest would run them."""

    def __init__(self, modules):
        self.modules = modules  # name of the module -> its file
        self.survived = {}  # chapter -> {(function, change): how its tests ended}
        self.made = {}  # chapter -> number of mutants

    def pytest_collection(self):
        """Once the tests' conftest has spoken: no shrinking of counterexamples, and no haste on a busy machine."""
        hypothesis.settings.register_profile(
            "mutate",
            parent=hypothesis.settings(),
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutate")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.session, self.items = session, session.items
        if session.testsfailed:
            sys.exit("the tests could not be collected")
        queue = fork.SimpleQueue()
        process = fork.Process(target=quietly, args=(lambda: queue.put(self.watch()),))
        process.start()
        self.seconds, self.callers, failed = queue.get()
        process.join()
        if failed:
            sys.exit("without a mutant these tests fail: " + " ".join(failed))
        print(f"{len(self.items)} tests took {sum(self.seconds):.0f} s", flush=True)
        gc.freeze()  # a collection in a fork would copy all memory
        for chapter, (module, path) in self.modules.items():
            self.judge(chapter, module, path)
        return True

    def watch(self):
        """The seconds of each test, the tests that call each function, and the tests that fail, without a mutant."""
        files = {str(path): chapter for chapter, (_, path) in self.modules.items()}
        seconds, callers, failed = [], defaultdict(set), []
        for number, item in enumerate(self.items):
            seen = set()
            sys.setprofile(lambda frame, event, _, seen=seen: event == "call" and seen.add(frame.f_code))
            start, failures = time.process_time(), self.session.testsfailed
            self.run(number)
            seconds.append(time.process_time() - start)
            sys.setprofile(None)
            if self.session.testsfailed > failures:
                failed.append(item.nodeid)
            for code in seen:
                if code.co_filename in files:
                    callers[files[code.co_filename], code.co_name].add(number)
        return seconds, dict(callers), failed

    def run(self, number):
        self.items[number].config.hook.pytest_runtest_protocol(item=self.items[number], nextitem=None)

    def judge(self, chapter, module, path):
        """Judge every mutant of a module, as many at a time as there are cores."""
        todo = list(mutants(path.read_text()))
        self.made[chapter], self.survived[chapter] = len(todo), {}
        start, killers, running = time.time(), defaultdict(list), {}
        while todo or running:
            while todo and len(running) < len(os.sched_getaffinity(0)):
                mutant = todo.pop(0)
                tests = self.tests_of(chapter, mutant.function, killers[mutant.function])
                killer = fork.RawValue("i", -1)
                process = fork.Process(target=quietly, args=(self.trial, module, mutant, tests, killer))
                process.start()
                running[process.sentinel] = process, mutant, killer, bool(tests)
            for sentinel in wait(running):
                process, mutant, killer, called = running.pop(sentinel)
                process.join()
                if killer.value >= 0:
                    first = killers[mutant.function]
                    first[:] = [killer.value, *(each for each in first if each != killer.value)][:20]
                    continue
                how = "no test notices" if process.exitcode == 0 else f"exit {process.exitcode}"
                how = how if called else "no test calls it"
                self.survived[chapter][mutant.function, mutant.change] = how
                print(f"    {chapter} {mutant.function}, {how}: {mutant.change}", flush=True)
        dead = self.made[chapter] - len(self.survived[chapter])
        print(f"{dead} of {self.made[chapter]} killed in {time.time() - start:.0f} s: {chapter}", flush=True)

    def tests_of(self, chapter, function, killers):
        """The tests that call a function: those that killed another mutant of it, the chapter's own, the quick ones."""
        tests = self.callers.get((chapter, function), set())
        own = {number for number in tests if chapter in self.items[number].nodeid}
        return sorted(
            tests,
            key=lambda number: (
                killers.index(number) if number in killers else len(killers),
                number not in own,
                self.seconds[number],
            ),
        )

    def trial(self, module, mutant, tests, killer):
        """In a process of its own: put the mutant into the function's place, and run tests until one fails."""
        names = dict(vars(module))
        try:
            exec(compile(mutant.code, mutant.function, "exec"), names)
        except Exception:
            killer.value = 0  # the module cannot even be imported
            return
        function, changed = getattr(module, mutant.function), names[mutant.function]
        for part in ("__code__", "__defaults__", "__kwdefaults__"):
            setattr(function, part, getattr(changed, part))
        for number in tests:
            allowed = SECONDS + 50 * self.seconds[number]
            signal.setitimer(signal.ITIMER_PROF, allowed)  # of CPU, and the signal ends the process
            signal.alarm(int(60 + 10 * allowed))  # for one that waits for ever
            self.run(number)
            if self.session.testsfailed:
                killer.value = number
                return


def quietly(work, *args):
    """Run `work` with nothing on the screen."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    work(*args)


def complaints(survived, listed):
    """What is wrong: survivors that are not listed, entries of the list without a survivor."""
    for chapter, found in survived.items():
        reasons = {
            (name, change): why for name, each in listed.get(chapter, {}).items() for change, why in each.items()
        }
        for function, change in found.keys() - reasons:
            yield f"{chapter} {function}, {found[function, change]}: test it, or list it as equivalent: {change}"
        for function, change in reasons - found.keys():
            yield f"{chapter} {function}: does not survive, take it off the list: {change}"


def main(chapters):
    if os.environ.get("OMP_NUM_THREADS") != "1":
        sys.exit("OMP_NUM_THREADS must be 1, as make mutate sets it: a fork of a process with threads may hang")
    sys.path.insert(0, str(ROOT))
    files = {path.stem.removeprefix("_"): path for path in sorted((ROOT / "regopt").glob("_[a-z]*.py"))}
    modules = {name: (importlib.import_module(f"regopt._{name}"), files[name]) for name in chapters or files}
    mutation = Mutation(modules)
    ignored = [f"--ignore=tests/regopt/test_{name}.py" for name in NOT_JUDGES]
    options = ["-n0", "-qq", "-p", "no:cacheprovider", "--tb=no", "--assert=plain", "--capture=no"]
    code = pytest.main([*options, *ignored, "tests/regopt"], plugins=[mutation])
    if code:
        sys.exit(f"pytest could not judge (exit {code})")
    killed = sum(mutation.made.values()) - sum(map(len, mutation.survived.values()))
    print(f"{killed} of {sum(mutation.made.values())} mutants killed, {killed / sum(mutation.made.values()):.1%}")
    wrong = list(complaints(mutation.survived, tomllib.loads(EQUIVALENT.read_text())))
    for chapter, made in mutation.made.items():
        if len(mutation.survived[chapter]) > (1 - AIM) * made:
            wrong.append(f"{chapter}: less than {AIM:.0%} of its mutants are killed")
    print(*wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(sys.argv[1:])
