# Read by nbgrader, formgrader and the autograder. What may be set: `nbgrader --help-all` and autograder/settings.py
from pathlib import Path

from autograder.settings import configure

c = get_config()  # noqa: F821  nbgrader puts it there
configure(c, Path(__file__).parent / "course", course_id="regularization")

# A late submission loses a tenth of its points for every day that has begun since it was due.
c.AssignLatePenalties.plugin_class = "autograder.late.TenthADay"
