"""What a verdict file says, for an instructor: the score, and what went wrong with a submission."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Line:
    """One submission: points given by the grader of those that it gives, and what needs a look."""

    student: str
    score: float
    max_score: float
    problems: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)


def line(record: dict[str, Any]) -> Line:
    """A submission in short. A wrong answer is no problem; a lost process, an unread file or a failed check is."""
    found = Line(record["student"], 0.0, 0.0)
    found.repairs += record["notes"]
    stopped: dict[str, list[str]] = {}
    for name, notebook in record["notebooks"].items():
        if notebook["reason"]:
            found.problems.append(f"{name}.ipynb was not graded: {notebook['reason']}")
        found.repairs += notebook["repairs"]
        found.problems += notebook["stopped"]
        for verdict in notebook["verdicts"]:
            found.score += verdict["score"]
            found.max_score += verdict["max_score"]
            if verdict["error"]:
                found.problems.append(f"the check of {verdict['exercise']} failed: {verdict['error']}")
            elif verdict["cause"] not in (None, "missing", "unreadable"):
                stopped.setdefault(verdict["cause"], []).append(verdict["exercise"])
    found.problems += [f"stopped in {', '.join(names)}: {cause}" for cause, names in stopped.items()]
    if record["unconfined"]:
        found.problems.append("it was judged WITHOUT confinement (--unconfined)")
    return found
