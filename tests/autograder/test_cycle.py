"""A term in one test: an assignment is released, a made-up class hands in, is graded, reads its feedback; then someone
is late, has an extension, hands in again, and a check is corrected. With nbgrader's own commands and folders."""

import ast
import contextlib
import csv
import datetime
import gc
import getpass
import json
import re
from dataclasses import replace
from functools import lru_cache

import pytest
from jupyter_core.application import NoStart
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderApp

from autograder import made_up, settings
from autograder.__main__ import main
from autograder.check import exercises, judge
from autograder.masters import ROOT, example_code, solution_code
from tests.autograder.test_as_nbgrader import run

NAME = "soft_thresholding"
ME = getpass.getuser()  # whom nbgrader lets hand in here; the others' files are put where nbgrader puts them
DUE = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0) + datetime.timedelta(days=3)
CONFIG = """from pathlib import Path
from autograder.settings import configure
c = get_config()
configure(c, Path(__file__).parent / "course", course_id="regularization")
c.AssignLatePenalties.plugin_class = "autograder.late.TenthADay"
c.Autograder.budgets = {"soft_thresholding": {"cpu_seconds": 2}}
"""
OF_A_STUDENT = """c = get_config()
c.Exchange.root = {exchange!r}
c.CourseDirectory.course_id = "regularization"
"""
ROSTER = f"id,first_name,last_name\n{ME},Ada,Right\nhal,Hal,Half-Done\nlen,Len,Late\n"
ANSWER = "Because $|u|$ has a kink at zero."


class Term:
    """A course in its folder, and the folder of the student who sits at this machine."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.student, self.patch = folder, folder / "student", monkeypatch
        self.student.mkdir()
        (folder / "nbgrader_config.py").write_text(CONFIG)
        monkeypatch.setenv("JUPYTER_DATA_DIR", str(folder / "data"))
        monkeypatch.chdir(folder)
        self.course = settings.load()
        exchange = str(self.course.root / "exchange")
        (self.student / "nbgrader_config.py").write_text(OF_A_STUDENT.format(exchange=exchange))

    def nbgrader(self, *arguments, of_student=False):
        """One of nbgrader's commands, in this process: half of what it takes is starting Python."""
        NbGraderApp.clear_instance()
        with self.patch.context() as patch:
            patch.chdir(self.student if of_student else self.folder)
            app = NbGraderApp.instance()
            app.initialize([*arguments, "--log-level=ERROR"])
            with contextlib.suppress(NoStart):  # its subcommand has done it
                app.start()
        NbGraderApp.clear_instance()
        gc.collect()

    def released(self):
        return json.loads((self.course.root / "release" / NAME / f"{NAME}.ipynb").read_text())

    def hand_in(self, student, code, at, answer=ANSWER):
        """As `nbgrader submit` leaves it in the exchange."""
        stamp = f"{at:%Y-%m-%d %H:%M:%S.%f} UTC"
        folder = self.course.root / "exchange" / "regularization" / "inbound" / f"{student}+{NAME}+{stamp}+a1"
        folder.mkdir()
        (folder / f"{NAME}.ipynb").write_text(json.dumps(made_up.notebook(self.released(), code, answer)))
        (folder / "timestamp.txt").write_text(stamp)
        (folder / "submission_secret.txt").write_text(student * 8)

    def collect_and_grade(self, capfd):
        """The summary of `autograder grade`, after nbgrader has collected; submissions that are newer, too."""
        self.nbgrader("collect", NAME, "--update", "--ExchangeCollect.check_owner=False")
        capfd.readouterr()
        assert main(["grade", NAME, "--json"]) in (0, 1)
        return json.loads(capfd.readouterr().out)

    def scores(self):
        """By student and exercise, the points of the gradebook."""
        with Gradebook(self.course.db_url, self.course.course_id) as book:
            return {
                each.student.id: {
                    grade.name: grade.auto_score if grade.manual_score is None else grade.manual_score
                    for grade in each.notebooks[0].grades
                }
                for each in book.assignment_submissions(NAME)
            }

    def exported(self, form="nbgrader"):
        """By student, a row of the exported grades."""
        main(["export", NAME, "--format", form, "--to", "grades.csv"])
        with open(self.folder / "grades.csv", newline="", encoding="utf-8") as file:
            return {row["student_id"]: row for row in csv.DictReader(file)}

    def points(self, exercise, functions):
        return judge(exercise, functions, self.course.seed).score

    def feedback_of(self, student):
        return (self.course.folder("feedback", student, NAME) / f"{NAME}.html").read_text()


@pytest.fixture
def term(tmp_path, monkeypatch):
    return Term(tmp_path, monkeypatch)


@lru_cache
def secret_lines():
    """The lines of code that nobody may read: of the solutions, the checks and the library, without their words."""
    texts, found = [*solution_code(NAME).values()], []
    for path in (f"autograder/checks/{NAME}.py", f"regopt/_{NAME}.py"):
        texts.append((ROOT / path).read_text())
    shown = "\n".join(example_code(NAME).values()) + stubs()
    for text in texts:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node):
                node.body[0] = ast.Pass()
        for line in ast.unparse(tree).split("\n"):
            code = line.strip()
            if len(code) > 15 and code not in shown and not code.startswith(("def ", "import ")):
                found.append(code)
    return found


def stubs():
    """What is shown of the solutions: all but what stands between their marks."""
    texts = [
        re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", text, flags=re.S) for text in solution_code(NAME).values()
    ]
    return "\n".join(texts)


def given_away(text, own=""):
    plain = text.replace("&#39;", "'").replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
    plain = re.sub(r"</?span[^>]*>", "", plain).replace("&amp;", "&")
    return [line for line in secret_lines() if line in plain and line not in own]


def expected_of(term, mistakes):
    """What a submission with these mistakes has in each exercise, when its functions are called in this process."""
    left = list(mistakes)
    found = {}
    for name, exercise in exercises(NAME).items():
        answers = [each for each in exercise.mistakes if left and each.name == left[0]]
        if answers:
            left.pop(0)
        found[name] = term.points(exercise, (answers or exercise.solutions)[0].functions)
    assert not left
    return found


def release(term, monkeypatch):
    monkeypatch.setattr("autograder.proof.selftest", lambda assignment: [])  # tests/solutions runs it
    term.nbgrader("db", "assignment", "add", NAME, f"--duedate={DUE} UTC")
    (term.folder / "roster.csv").write_text(ROSTER)
    term.nbgrader("db", "student", "import", "roster.csv")
    assert main(["release", NAME]) == 0
    outbound = term.course.root / "exchange" / "regularization" / "outbound" / NAME
    assert [path.name for path in outbound.iterdir()] == [f"{NAME}.ipynb"]
    assert len(given_away("\n".join(solution_code(NAME).values()))) > 10  # so that nothing found means something
    assert given_away("\n".join("".join(cell["source"]) for cell in term.released()["cells"])) == []
    assert "hypothesis" not in (outbound / f"{NAME}.ipynb").read_text()


def work_and_hand_in(term):
    """The student at this machine fetches, validates what is not written and what is, and hands in."""
    term.nbgrader("fetch_assignment", NAME, of_student=True)
    path = term.student / NAME / f"{NAME}.ipynb"
    said = run(term.student, "nbgrader", "validate", str(path)).stdout
    assert "VALIDATION FAILED ON 7 CELL(S)" in said
    assert "To do: write soft_threshold\n" in said
    path.write_text(json.dumps(made_up.notebook(json.loads(path.read_text()), made_up.right(NAME), ANSWER)))
    said = run(term.student, "nbgrader", "validate", str(path)).stdout
    assert "Success! Your notebook passes all the tests." in said
    term.nbgrader("submit", NAME, of_student=True)


def the_class_hands_in(term):
    """Each mistake in some submission, half of the work, and three with other wishes; {student: its mistakes}."""
    before = DUE - datetime.timedelta(days=1)
    mistakes = {}
    half = dict([*solution_code(NAME).items()][:3])
    for number, (names, code) in enumerate(made_up.wrong(NAME)):
        mistakes[f"wrong{number}"] = names
        term.hand_in(f"wrong{number}", code, before)
    term.hand_in("hal", half, before)
    hostile = dict(made_up.hostile(NAME))
    term.hand_in("pat", hostile["patches the assertions"], before)
    term.hand_in("eve", hostile["ends its process"], before)
    term.hand_in("moe", made_up.right(NAME), before, made_up.SCRIPT)
    term.hand_in("len", made_up.right(NAME, 1), DUE + datetime.timedelta(hours=30))
    return mistakes


def grade_the_class(term, capfd, mistakes):
    summary = term.collect_and_grade(capfd)
    assert summary["judged"] == len(mistakes) + 6
    scores = term.scores()
    top = {name: each.points for name, each in exercises(NAME).items()}
    for student, names in mistakes.items():
        assert {name: scores[student][name] for name in top} == expected_of(term, names), student
    for student in (ME, "moe", "len"):
        assert {name: scores[student][name] for name in top} == top
    assert {name: scores["hal"][name] for name in top} == {**top, "ista": 0, "lasso_path": 0}
    # What stands before a right solution in the first cell takes that cell's function; the others are honest.
    assert scores["pat"] == scores["eve"] | {name: scores["pat"][name] for name in top}
    assert all(scores[student]["l1_subgradient"] == 0 for student in ("pat", "eve"))
    assert [each["student"] for each in summary["submissions"] if each["problems"]] == ["eve"]
    return scores


def nbgrader_itself_gives_the_same_verdict(term, student):
    before = term.scores()
    done = run(term.folder, "nbgrader", "autograde", NAME, f"--student={student}", "--force")
    assert done.returncode == 0, done.stderr
    assert term.scores() == before


def grade_by_hand(term, student, points):
    with Gradebook(term.course.db_url, term.course.course_id) as book:
        for grade in book.find_submission_notebook(NAME, NAME, student).grades:
            if grade.name in points:
                grade.manual_score, grade.needs_manual_grade = points[grade.name], False
        book.db.commit()


def give_feedback(term, mistakes):
    term.nbgrader("generate_feedback", NAME)
    term.nbgrader("release_feedback", NAME)
    term.nbgrader("fetch_feedback", NAME, of_student=True)
    (mine,) = term.student.glob(f"{NAME}/feedback/*/{NAME}.html")
    assert "soft_threshold: 10 of 10 points" in mine.read_text()
    for student in (ME, "hal", "pat", "eve", "moe", *mistakes):
        own = (term.course.folder("submitted", student, NAME) / f"{NAME}.ipynb").read_text()
        own = "\n".join("".join(cell["source"]) for cell in json.loads(own)["cells"])
        assert given_away(term.feedback_of(student), own) == [], student
        assert not re.search(r"<script>document|<\w[^>]*\sonerror=", term.feedback_of(student))
    words = " ".join(re.sub(r"<[^>]+>", "", term.feedback_of("wrong2")).split())
    hard = next(each for each in exercises(NAME)["soft_threshold"].mistakes if each.name == "hard_threshold")
    assert "hard_threshold" in mistakes["wrong2"]
    assert hard.words.split(":")[0] in words
    assert "The smallest example that shows it" in words


# nbgrader leaves its files to be closed by the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_whole_cycle(term, monkeypatch, capfd):
    release(term, monkeypatch)
    work_and_hand_in(term)
    mistakes = the_class_hands_in(term)
    scores = grade_the_class(term, capfd, mistakes)
    nbgrader_itself_gives_the_same_verdict(term, "wrong2")
    grade_by_hand(term, ME, {"where_the_kink_holds": 4, "what_the_paths_do": 5})
    give_feedback(term, mistakes)

    rows = term.exported()
    assert float(rows[ME]["score"]) == 59
    assert float(rows["wrong2"]["score"]) == sum(points or 0 for points in scores["wrong2"].values())
    assert float(rows["hal"]["score"]) == 26

    # Two days that have begun cost a fifth; an extension of two days gives it back, without judging again.
    assert (float(rows["len"]["raw_score"]), float(rows["len"]["score"])) == (50, 40)
    with Gradebook(term.course.db_url, term.course.course_id) as book:
        book.grant_extension(NAME, "len", days=2)
    assert term.collect_and_grade(capfd)["judged"] == 0
    assert float(term.exported()["len"]["score"]) == 50

    # Who hands in again is judged again, alone.
    term.hand_in("hal", made_up.right(NAME), DUE - datetime.timedelta(hours=1))
    assert term.collect_and_grade(capfd)["judged"] == 1
    assert float(term.exported()["hal"]["score"]) == 50

    correct_a_check(term, monkeypatch, capfd)


def correct_a_check(term, monkeypatch, capfd):
    """A check is found to be too strict, and corrected: all are judged again, and grades given by hand stay."""
    before = term.scores()
    exercise = exercises(NAME)["soft_threshold"]
    strict = exercise.properties[0]
    mild = replace(strict, check=lambda *args: None)
    monkeypatch.setattr(exercise, "properties", [mild, *exercise.properties[1:]])
    monkeypatch.setattr("autograder.assignment.check_version", lambda module: "corrected")
    summary = term.collect_and_grade(capfd)
    after = term.scores()
    assert (summary["judged"], summary["kept"]) == (len(before), 0)
    for student, old in before.items():
        changed = {name: points - old[name] for name, points in after[student].items() if points != old[name]}
        assert changed in ({}, {"soft_threshold": strict.points}), student
    assert after["wrong2"]["soft_threshold"] == before["wrong2"]["soft_threshold"] + strict.points
    assert after[ME] == before[ME]
    with Gradebook(term.course.db_url, term.course.course_id) as book:
        grades = {grade.name: grade for grade in book.find_submission_notebook(NAME, NAME, ME).grades}
    assert grades["where_the_kink_holds"].manual_score == 4
