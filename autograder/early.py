"""Nurseries that begin while the program that will use them is still being loaded: nbgrader takes a second.

Nothing here imports nbgrader.
"""

import os
from contextlib import suppress
from pathlib import Path

from traitlets.config import PyFileConfigLoader

from autograder.errors import GraderError
from autograder.launch import Nursery
from autograder.settings import Autograder


def begin(assignment: str, students: str, jobs: int) -> list[Nursery]:
    """One for each job, if this folder's `nbgrader_config.py` says at once what is needed; whoever uses them checks."""
    try:
        config = PyFileConfigLoader("nbgrader_config.py", os.getcwd()).load_config()
        root = Path(config.CourseDirectory.root)
        found = sum(1 for _ in root.glob(f"submitted/{students}/{assignment}"))
        capability = Autograder(config=config).capability(assignment)
    except Exception:  # whatever is wrong is said by those who read the file as nbgrader does
        return []
    begun: list[Nursery] = []
    with suppress(GraderError):  # a machine that cannot confine: said by who needs one
        for place in range(min(jobs, found)):
            begun.append(Nursery(capability, unconfined=False, core=core_of(place)))
    return begun


def core_of(place: int) -> int:
    """Of a worker and its nursery: a check and whom it asks take turns, and to wake another core takes longer."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[place % len(cores)]
