"""A class of 40 made-up submissions in a course of its own, graded: the instructor's two-minute tour."""

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from nbgrader.api import Gradebook

from autograder import made_up, steps
from autograder.course import Course
from autograder.errors import GraderError
from autograder.masters import write_source

ASSIGNMENT = "soft_thresholding"
CLASS = 40
NAMES = (
    *("Ada", "Amir", "Bea", "Bo", "Chen", "Clara", "Dag", "Dina", "Eli", "Emmy", "Femi", "Finn", "Gita", "Hana"),
    *("Hugo", "Ida", "Ines", "Ivan", "Jun", "Kai", "Lea", "Leo", "Lin", "Maya", "Milo", "Mona", "Nils", "Noor"),
    *("Olga", "Otto", "Pia", "Rahul", "Ravi", "Rosa", "Sara", "Sven", "Tara", "Tom", "Uma", "Yusuf"),
)
CONFIG = """# Made by `autograder demo`. Start `jupyter lab` in this folder to see the class in formgrader.
from pathlib import Path

from autograder.settings import configure

c = get_config()
configure(c, Path(__file__).parent / "course", course_id="demo")
c.Autograder.budgets = {"soft_thresholding": {"cpu_seconds": 2}}
"""


def prepare(folder: Path) -> None:
    """An empty folder with the configuration of a course; a demo that stands there is replaced, nothing else is."""
    config = folder / "nbgrader_config.py"
    if folder.exists() and any(folder.iterdir()):
        if not config.exists() or "autograder demo" not in config.read_text():
            raise GraderError(f"{folder} holds something else than a demo: name another folder with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(CONFIG)


def hand_in(course: Course, tell: Callable[[str], None]) -> None:
    """Release the assignment, and let the class submit."""
    write_source(ASSIGNMENT, course.root)
    steps.generate(course, ASSIGNMENT)
    released = json.loads((course.root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text(encoding="utf-8"))
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for name, (what, notebook) in zip(NAMES, submissions(released), strict=True):
            gradebook.update_or_create_student(name.lower(), first_name=name, last_name=what.capitalize())
            folder = course.folder("submitted", name.lower(), ASSIGNMENT)
            folder.mkdir(parents=True)
            (folder / f"{ASSIGNMENT}.ipynb").write_text(notebook, encoding="utf-8")
            (folder / "timestamp.txt").write_text("2026-01-12 09:30:00.000000 UTC\n")
            tell(f"{name.lower()}: {what}")


def submissions(released: dict) -> Iterator[tuple[str, str]]:
    """What each of the class handed in: a word for it, and the file."""
    answer = "Because $|u|$ has a kink at zero, and $|x| < \\lambda$ stays below it."
    made: list[tuple[str, str]] = []

    def add(what: str, code: dict[str, str], said: str | None = answer) -> None:
        made.append((what, json.dumps(made_up.notebook(released, code, said))))

    for mistakes, code in made_up.wrong(ASSIGNMENT):
        add("wrong: " + ", ".join(mistakes), code)
    for code in made_up.lazy(ASSIGNMENT):
        add("lazy", code, None)
    for attack, code in made_up.hostile(ASSIGNMENT):
        add("hostile: " + attack, code)
    add("hostile: script in an answer", made_up.right(ASSIGNMENT), made_up.SCRIPT)
    made.append(("a file that was cut off", made[0][1][:2000]))
    for variant in range(CLASS - len(made)):
        add("right", made_up.right(ASSIGNMENT, variant))
    yield from islice(made, CLASS)
