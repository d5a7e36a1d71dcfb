"""The command line: every verb, what it prints, its exit code, and one line for whatever the instructor can mend."""

import io
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest
from nbgrader.apps import NbGraderApp

from autograder import progress
from autograder.__main__ import VERBS, main, parser
from autograder.masters import ROOT
from tests.autograder.small_course import NAME, RIGHT, find, notebook_of, open_course, released, submit
from tests.autograder.test_as_nbgrader import BIN

DOUBLES_WRONGLY = "def double(x):\n    return x"
LOOPS = "def double(x):\n    while True:\n        pass"
COMMAND = [sys.executable, "-m", "autograder"]


@pytest.fixture
def here(course, tmp_path, monkeypatch):
    """In the folder of a released course's nbgrader_config.py."""
    monkeypatch.chdir(tmp_path / "c")
    return course


@pytest.fixture
def said(capfd):
    """Runs a command; its exit code, and what it printed to standard output and error."""

    def run(*arguments):
        code = main([*arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="module")
def graded_once(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graded") / "c"
    shutil.copytree(made, folder)
    course = open_course(folder)
    submit(course, "ada")
    submit(course, "bob", notebook_of(course, **{**RIGHT, "double_solution": DOUBLES_WRONGLY}))
    submit(course, "eve", b"{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["grade", NAME]) == 1
    return folder


@pytest.fixture
def graded(graded_once, tmp_path, monkeypatch):
    """Three submissions, graded: one right, one wrong, one unreadable."""
    shutil.copytree(graded_once, tmp_path / "g")
    monkeypatch.chdir(tmp_path / "g")
    return open_course(tmp_path / "g")


def break_config(course):
    (course.root.parent / "nbgrader_config.py").write_text("c = nothing\n")


def break_gradebook(course):
    (course.root / "gradebook.db").write_bytes(b"no database " * 100)


def take_config_away(course):
    (course.root.parent / "nbgrader_config.py").unlink()


def break_seed(course):
    submit(course, "ada")
    (course.root / "secret_seed").write_text("x")


def set_budget(course):
    submit(course, "ada")
    with open(course.root.parent / "nbgrader_config.py", "a") as file:
        file.write("c.Autograder.budgets = {'small': {'cpu_second': 2}}\n")


def leave(course):
    """A course as it was released."""


ERRORS = {
    "grade nothing": (leave, ["grade", NAME], r"submitted holds no submission of small by \*: collect first"),
    "grade a typo": (leave, ["grade", "smal"], r"holds no submission of smal by \*: collect first"),
    "grade nobody": (leave, ["grade", NAME, "--student", "zed"], "no submission of small by zed: collect first"),
    "feedback early": (leave, ["feedback", NAME], r"autograded holds no small of \*: grade first"),
    "report early": (leave, ["report", NAME], "no verdict on small: run `autograder grade small` first"),
    "export a typo": (leave, ["export", "smal"], "the gradebook knows no assignment smal: release it first"),
    "export nowhere": (leave, ["export", NAME, "--to", "no/a.csv"], r"no/a.csv cannot be written \(No such file"),
    "collect early": (leave, ["collect", NAME], r"inbound, where students hand in: run `autograder release small`"),
    "release a typo": (leave, ["release", "smal"], r"no notebook in .*source/smal, and no solutions/smal.md"),
    "selftest a typo": (leave, ["selftest", "smal"], r"no solutions/smal.md: name one of .*soft_thresholding"),
    "demo elsewhere": (leave, ["demo", "--folder", "."], "something else than a demo: name another folder"),
    "no config": (take_config_away, ["grade", NAME], "no nbgrader_config.py in .*: go to the folder that has it"),
    "broken config": (break_config, ["grade", NAME], r"cannot be run \(NameError: name 'nothing' is not defined\)"),
    "unknown budget": (set_budget, ["grade", NAME], "sets cpu_second for small: it must be one of cpu_seconds"),
    "broken gradebook": (break_gradebook, ["export", NAME], r"gradebook.db cannot be used \(file is not a database"),
    "broken seed": (break_seed, ["grade", NAME], "secret_seed holds no whole number: delete it"),
}


@pytest.mark.parametrize(("prepare", "arguments", "expected"), ERRORS.values(), ids=ERRORS)
def test_what_the_instructor_can_mend_is_one_line_and_exit_code_2(here, said, prepare, arguments, expected):
    prepare(here)
    code, out, err = said(*arguments)
    assert code == 2
    assert out == ""
    assert re.fullmatch(rf"autograder {arguments[0]}: .*{expected}.*\n", err)


def told():
    """The commands that the book tells people to give."""
    for page in ("for_students", "for_instructors"):
        text = (ROOT / "chapters" / f"{page}.md").read_text()
        text = text.replace("{include} ../CONTRIBUTING.md", (ROOT / "CONTRIBUTING.md").read_text())
        yield from re.findall(r"^(?:\$ )?((?:autograder|nbgrader) .+)$", text, re.M)
        yield from re.findall(r"`(autograder [^`<]+)`", text)


@pytest.mark.parametrize("command", sorted(set(told())))
def test_commands_in_the_book_are_as_they_are(command):
    name, *arguments = shlex.split(command)
    if name == "autograder":
        assert not arguments[1:] or parser().parse_args(arguments).verb == arguments[0]
        assert arguments[0] in VERBS
    else:
        known, words = NbGraderApp(), [each for each in arguments if not each.startswith("-")]
        assert words[0] in known.subcommands


WRONG_ARGUMENTS = {
    "no verb": ([], "required: verb"),
    "unknown verb": (["mark"], "invalid choice: 'mark'"),
    "no assignment": (["grade"], "required: assignment"),
    "no jobs": (["grade", NAME, "--jobs", "0"], "argument --jobs: must be 1 or more, got 0"),
    "jobs in words": (["grade", NAME, "--jobs", "two"], "argument --jobs: invalid positive value: 'two'"),
    "unknown format": (["export", NAME, "--format", "excel"], "invalid choice: 'excel'"),
}


@pytest.mark.parametrize(("arguments", "expected"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_wrong_arguments(said, capfd, arguments, expected):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert expected in capfd.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_says_what_it_does_and_what_its_exit_code_means(capfd, verb):
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    text = " ".join(capfd.readouterr().out.split())
    assert VERBS[verb].capitalize() in text
    assert "exit code: 0 done" in text


class TestGrade:
    def test_right_work_is_exit_code_0(self, here, said):
        submit(here, "ada")
        submit(here, "bob", notebook_of(here, **{**RIGHT, "double_solution": DOUBLES_WRONGLY}))
        code, out, _ = said("grade", NAME)
        assert code == 0
        assert re.match(r"small: 2 judged in \d+ s, [\d.]+ a second; 0 had a verdict already\n", out)
        assert "mean 3.5 of 5 points, without what is graded by hand" in out
        assert "look at these" not in out

    def test_the_summary_names_what_went_wrong_for_whom(self, here, said):
        with open(here.root.parent / "nbgrader_config.py", "a") as file:
            file.write("c.Autograder.budgets = {'small': {'cpu_seconds': 1}}\n")
        submit(here, "ada")
        submit(here, "eve", b'{"cells": [')
        submit(here, "kay", notebook_of(here, **{**RIGHT, "double_solution": LOOPS}))
        twice = notebook_of(here)
        twice["cells"].append(find(twice, "mean_solution"))
        submit(here, "lou", twice)
        code, out, _ = said("grade", NAME)
        assert code == 1
        look, repaired = out.split("look at these:")[1].split("repaired:")
        assert look.split("\n")[1:3] == [
            "  eve: small.ipynb was not graded: it is not JSON: it may have been cut off, or saved by another program",
            "  kay: stopped in double: time",
        ]
        assert "lou: the cell mean_solution was there 2 times" in repaired
        assert "ada" not in look + repaired

    def test_what_has_a_verdict_is_judged_again_with_force_alone(self, graded, said):
        code, out, _ = said("grade", NAME, "--student", "ada")
        assert code == 0
        assert re.match(r"small: 0 judged in \d+ s; 1 had a verdict already\n", out)
        code, out, _ = said("grade", NAME, "--student", "[ab]*", "--force", "--jobs", "1")
        assert code == 0
        assert re.match(r"small: 2 judged .*; 0 had a verdict already\n", out)

    def test_json(self, graded, said):
        code, out, err = said("grade", NAME, "--json")
        assert (code, err) == (1, "")
        summary = json.loads(out)
        assert (summary["assignment"], summary["judged"], summary["kept"]) == (NAME, 0, 3)
        scores = {each["student"]: (each["score"], each["max_score"]) for each in summary["submissions"]}
        assert scores == {"ada": (5.0, 5.0), "bob": (2.0, 5.0), "eve": (0.0, 5.0)}
        problems = {each["student"]: each["problems"] for each in summary["submissions"]}
        assert problems["ada"] == problems["bob"] == []
        assert "holds no cells" in problems["eve"][0]

    def test_unconfined_is_loud_and_recorded(self, graded, said):
        code, out, err = said("grade", NAME, "--student", "ada", "--force", "--unconfined")
        assert code == 1
        assert "UNCONFINED: students' code runs with all your rights" in err
        assert "ada: it was judged WITHOUT confinement" in out
        assert json.loads(graded.verdict("ada", NAME).read_text())["unconfined"] is True

    def test_without_a_terminal_there_are_plain_lines(self, monkeypatch):
        monkeypatch.setattr(progress, "EVERY", 0.0)
        stream = io.StringIO()
        shown = progress.Progress(3, stream)
        for student in ("ada", "bob", "eve"):
            shown.step(student)
        assert re.fullmatch(r"([123] of 3, [\d.]+ a second, \d+ s left\n){3}", stream.getvalue())

    def test_on_a_terminal_there_is_a_bar_that_goes_away(self, graded):
        leader, follower = pty.openpty()
        done = subprocess.run([*COMMAND, "grade", NAME], stdout=subprocess.PIPE, stderr=follower, check=False)
        os.close(follower)
        shown = os.read(leader, 100_000).decode()
        os.close(leader)
        assert done.returncode == 1
        assert re.search(r"\r\x1b\[K\[#{30}\] 3 of 3, [\d.]+ a second, 0 s left  \w+", shown)
        assert shown.endswith("\r\x1b[K")
        assert b"[#" not in done.stdout

    def test_ctrl_c_says_how_to_go_on(self, here):
        submit(here, "kay", notebook_of(here, **{**RIGHT, "double_solution": f"{LOOPS}\ndouble(1)"}))
        # Where a shell started the tests in the background, Ctrl-C is not heard unless asked for.
        hears = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
        code = f"{hears}; from autograder.__main__ import main; sys.exit(main(['grade', '{NAME}']))"
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, process_group=0, env=on_path()) as running:
            while running.poll() is None and not (here.root / ".grading").exists():
                time.sleep(0.1)
            time.sleep(0.5)
            os.killpg(running.pid, signal.SIGINT)
            _, err = running.communicate()
        assert running.returncode == 130
        assert err == "autograder grade: stopped; the same command goes on where it stopped\n"


def on_path():
    return {**os.environ, "PATH": BIN + os.pathsep + os.environ["PATH"]}


class TestFeedback:
    def test_it_is_written_once(self, graded, said):
        code, out, _ = said("feedback", NAME, "--student", "[ab]*")
        assert (code, out) == (0, f"small: feedback of 2 submissions in {graded.root}/feedback\n")
        page = graded.folder("feedback", "bob", NAME) / f"{NAME}.html"
        text = page.read_text()
        assert "double: 0 of 3 points" in text
        assert "34567" not in text
        page.write_text("kept")
        said("feedback", NAME, "--student", "bob")
        assert page.read_text() == "kept"
        assert said("feedback", NAME, "--student", "bob", "--force")[0] == 0
        assert page.read_text() == text

    def test_one_that_cannot_be_written_is_named_and_stops_nobody(self, graded, said):
        shutil.rmtree(graded.folder("autograded", "ada", NAME))
        graded.folder("autograded", "ada", NAME).mkdir()
        (graded.folder("autograded", "ada", NAME) / f"{NAME}.ipynb").write_text("{")
        code, out, _ = said("feedback", NAME)
        assert code == 1
        assert "feedback of 2 submissions" in out
        assert re.search(r"\n  nbgrader could not write the feedback of ada: .+\n$", out)
        assert (graded.folder("feedback", "bob", NAME) / f"{NAME}.html").exists()


class TestRelease:
    def test_it_is_handed_out_once(self, here, said):
        code, out, _ = said("release", NAME)
        assert (code, out.startswith(f"small is in {here.root}/release")) == (0, True)
        assert (here.root / "exchange" / "test" / "outbound" / NAME / f"{NAME}.ipynb").exists()
        code, _, err = said("release", NAME)
        assert code == 2
        assert "add --force" in err
        assert said("release", NAME, "--force")[0] == 0

    def test_a_source_whose_solution_fails_is_not_handed_out(self, here, said):
        path = here.root / "source" / NAME / f"{NAME}.ipynb"
        path.write_text(path.read_text().replace("return 2 * x", "return 2 + x"))
        code, _, err = said("release", NAME)
        assert code == 2
        assert re.search(r"double: the solution gets 0 of 3 points in the sandbox: .+", err)
        assert not (here.root / "exchange" / "test" / "outbound").exists()


class TestCollect:
    def hand_in(self, course, name):
        """As `nbgrader submit` leaves it."""
        folder = course.root / "exchange" / "test" / "inbound" / name
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(json.dumps(released(course)))
        (folder / "timestamp.txt").write_text("2026-01-02 12:00:00.000000 UTC")
        return folder

    def test_submissions_are_fetched(self, here, said):
        said("release", NAME)
        self.hand_in(here, f"root+{NAME}+2026-01-02 12:00:00 UTC")
        code, out, _ = said("collect", NAME)
        assert (code, out) == (0, f"small: 1 submissions in {here.root}/submitted\n")
        assert (here.folder("submitted", "root", NAME) / f"{NAME}.ipynb").exists()

    def test_what_is_worth_a_look_is_told(self, here, said):
        said("release", NAME)
        folder = self.hand_in(here, f"root+{NAME}+2026-01-02 12:00:00 UTC")
        (folder / "data.csv").symlink_to("/etc/hostname")
        late = self.hand_in(here, f"kay+{NAME}+2026-01-02 12:00:00 UTC")
        (late / "timestamp.txt").write_text("tomorrow")
        code, out, _ = said("collect", NAME)
        assert code == 1
        assert "data.csv is a link, which could lead into your files; it was left out" in out
        assert "kay: timestamp.txt holds no time; the submission counts as not late" in out
        assert not (here.folder("submitted", "root", NAME) / "data.csv").exists()


def test_selftest_of_what_is_sound(said, monkeypatch):
    monkeypatch.setattr("autograder.proof.in_a_course_of_its_own", lambda assignment: [])
    assert said("selftest", "soft_thresholding") == (0, "soft_thresholding: no problems\n", "")


def test_selftest_lists_what_is_wrong(said, monkeypatch):
    """The checks' own proof is tested elsewhere; here the release is made and judged, with nothing wrong in it."""
    monkeypatch.setattr("autograder.proof.selftest", lambda assignment: ["ista: it has 2 mistakes"])
    code, out, _ = said("selftest", "soft_thresholding")
    assert (code, out) == (1, "soft_thresholding: 1 problem\n  ista: it has 2 mistakes\n")


def test_a_closed_pipe_is_no_error(graded):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*COMMAND, "grade", NAME], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
