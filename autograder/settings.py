"""What an instructor may set in `nbgrader_config.py`, and how nbgrader itself is set to grade with this grader."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from traitlets import Dict, List
from traitlets.config import Configurable

from autograder.course import Course
from autograder.errors import GraderError

BUDGET = {"cpu_seconds": 10, "wall_seconds": 120, "memory_mb": 1024, "processes": 16, "file_mb": 16, "output_kb": 512}
NEEDED = "c.Autograder in nbgrader_config.py"
_NBGRADER: Any = find_spec("nbgrader")  # found, not loaded: see early.py
FORMGRADER = Path(_NBGRADER.origin).parent / "server_extensions" / "formgrader"
# How feedback pages are made, by section of nbgrader_config.py.
PAGE: dict[str, dict[str, Any]] = {
    "GenerateFeedback": {"exporter_class": "autograder.page.FeedbackPage"},
    "FeedbackPage": {
        "template_name": "page",
        "extra_template_basedirs": [str(Path(__file__).with_name("templates"))],
        # Where nbgrader's own template is, and the style sheet that it writes into the page.
        "extra_template_paths": [
            str(FORMGRADER / "templates"),
            str(FORMGRADER / "static" / "node_modules" / "bootstrap" / "dist" / "css"),
        ],
    },
}


class Autograder(Configurable):
    """How submissions are run."""

    budgets = Dict(
        help=f"By assignment, what differs from {BUDGET} for a cell or an exercise: {{'adamw': {{'cpu_seconds': 20}}}}"
    ).tag(config=True)
    torch: List = List(
        help="The assignments whose notebooks may import torch; the others have numpy and matplotlib."
    ).tag(config=True)

    def budget(self, assignment: str) -> dict[str, int]:
        own = self.budgets.get(assignment, {})
        if unknown := own.keys() - BUDGET.keys():
            raise GraderError(f"{NEEDED} sets {min(unknown)} for {assignment}: it must be one of {', '.join(BUDGET)}")
        if wrong := [name for name, value in own.items() if not isinstance(value, int | float) or value <= 0]:
            raise GraderError(
                f"{NEEDED} sets {wrong[0]} = {own[wrong[0]]!r} for {assignment}: it must be a number above 0"
            )
        return {**BUDGET, **own}

    def capability(self, assignment: str) -> str:
        return "torch" if assignment in self.torch else "numpy"


def configure(c: Any, root: Path, course_id: str) -> None:
    """Set nbgrader up for a course in the folder `root`, graded by this grader alone."""
    # nbgrader calls `alembic` by name when it makes a gradebook, and without it leaves a half-made one.
    here = str(Path(sys.executable).parent)
    if here not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", "")])
    if not root.exists() or not any(root.iterdir()):
        _make(root)
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.course_id = course_id
    c.Exchange.root = str(root / "exchange")
    c.Autograde.sanitize_preprocessors = ["autograder.nbgrader_plugins.Judge"]
    c.Autograde.autograde_preprocessors = []
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "autograder.nbgrader_plugins.HideTests",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    for section, values in PAGE.items():
        for name, value in values.items():
            c[section][name] = value


def _make(root: Path) -> None:
    """The instructor's folder: others may go through it to the exchange, and see nothing else."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o711)
    for step in ("source", "release", "submitted", "autograded", "feedback", "verdicts"):
        (root / step).mkdir(mode=0o700)
    (root / "exchange").mkdir()
    (root / "exchange").chmod(0o777)  # as nbgrader wants it; it gives each folder in it its own rights
    os.close(os.open(root / "gradebook.db", os.O_CREAT | os.O_WRONLY, 0o600))


def load() -> Course:
    """The course that `nbgrader_config.py` in this folder describes, read as nbgrader itself reads it."""
    from nbgrader.apps import NbGrader
    from nbgrader.coursedir import CourseDirectory

    if not Path("nbgrader_config.py").exists():
        raise GraderError(f"there is no nbgrader_config.py in {Path.cwd()}: go to the folder that has it")
    app = NbGrader(raise_config_file_errors=True)
    try:
        app.load_config_file()
    except Exception as error:  # the file is Python, so anything can be wrong in it
        raise GraderError(f"nbgrader_config.py cannot be run ({type(error).__name__}: {error}): correct it") from None
    directory = CourseDirectory(config=app.config)
    return Course(directory.root, directory.db_url, directory.course_id, app.config)
