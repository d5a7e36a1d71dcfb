"""One page about a class's work on an assignment, from its verdict files; it needs no other file and no other host."""

import json
import statistics
import webbrowser
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from autograder.course import Course
from autograder.errors import GraderError
from autograder.summary import Line, line

TEMPLATE = Path(__file__).with_name("report.html.j2")
BARS = 10


@dataclass
class Bar:
    """One bar of a histogram: where it begins, what is counted in it, and its height as a share of the highest."""

    start: str
    words: str
    count: int
    share: float


@dataclass
class Property:
    words: str
    points: float
    failed: float  # share of the submissions


@dataclass
class Exercise:
    name: str
    max_score: float
    mean: float = 0.0
    full: float = 0.0
    properties: list[Property] = field(default_factory=list)
    mistakes: list[tuple[str, int]] = field(default_factory=list)
    causes: list[tuple[str, int]] = field(default_factory=list)


def records(course: Course, assignment: str) -> list[dict[str, Any]]:
    """The verdict files of an assignment, by student."""
    found = []
    for path in sorted((course.root / "verdicts" / assignment).glob("*.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError:
            continue  # cut off by a full disk: the next run of grade writes it again
    if not found:
        raise GraderError(
            f"{course.root}/verdicts holds no verdict on {assignment}: run `autograder grade {assignment}` first"
        )
    return found


def page(assignment: str, verdicts: list[dict[str, Any]]) -> str:
    """The report as HTML."""
    lines = [line(record) for record in verdicts]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    seconds = [record["seconds"] for record in verdicts if "seconds" in record]
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        assignment=assignment,
        lines=lines,
        max_score=lines[0].max_score,
        mean=statistics.mean(each.score for each in lines),
        median=statistics.median(each.score for each in lines),
        scores=score_bars(lines),
        exercises=exercises(verdicts),
        look=[each for each in lines if each.problems],
        repaired=[each for each in lines if each.repairs],
        times=time_bars(seconds),
        slowest=sorted(
            ((record["seconds"], record["student"]) for record in verdicts if "seconds" in record), reverse=True
        )[:5],
        median_seconds=statistics.median(seconds) if seconds else 0.0,
        environment=verdicts[0]["environment"],
        versions=sorted({record["version"] for record in verdicts}),
    )


def score_bars(lines: list[Line]) -> list[Bar]:
    """Scores in ten equal parts of the points; full marks are counted in the last."""
    top = lines[0].max_score or 1.0
    counts = Counter(min(int(BARS * each.score / top), BARS - 1) for each in lines)
    edges = [f"{top * n / BARS:g}" for n in range(BARS + 1)]
    return bars([(edges[n], f"{edges[n]} to {edges[n + 1]} points", counts[n]) for n in range(BARS)])


def time_bars(seconds: list[float]) -> list[Bar]:
    """Times on a scale that doubles from bar to bar."""
    edges = [0.0, *(0.01 * 2**n for n in range(14))]
    counts = [
        sum(low <= each < high for each in seconds) for low, high in zip(edges, [*edges[1:], float("inf")], strict=True)
    ]
    used = [number for number, count in enumerate(counts) if count]
    first, last = (used[0], used[-1]) if used else (0, 0)
    return bars([(f"{edges[n]:g}", f"from {edges[n]:g} s", counts[n]) for n in range(first, last + 1)])


def bars(counted: list[tuple[str, str, int]]) -> list[Bar]:
    highest = max((count for *_, count in counted), default=0) or 1
    return [Bar(start, words, count, count / highest) for start, words, count in counted]


def exercises(verdicts: Iterable[dict[str, Any]]) -> list[Exercise]:
    """What became of each exercise, in the order of the notebook."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in verdicts:
        for notebook in record["notebooks"].values():
            for verdict in notebook["verdicts"]:
                by_name[verdict["exercise"]].append(verdict)
    return [_exercise(name, found) for name, found in by_name.items()]


def _exercise(name: str, verdicts: list[dict[str, Any]]) -> Exercise:
    top = verdicts[0]["max_score"]
    made = Exercise(name, top)
    made.mean = statistics.mean(verdict["score"] for verdict in verdicts)
    made.full = sum(verdict["score"] >= top for verdict in verdicts) / len(verdicts)
    passed: Counter[str] = Counter()
    words: dict[str, tuple[str, float]] = {}
    for verdict in verdicts:
        if verdict["cause"] == "unreadable":
            continue  # nothing was asked of it, so nothing passed
        for each in verdict["properties"]:
            words.setdefault(each["name"], (each["words"], each["points"]))
            passed[each["name"]] += each["passed"]
    made.properties = [Property(*words[key], 1 - passed[key] / len(verdicts)) for key in words]
    made.mistakes = Counter(mistake["words"] for verdict in verdicts for mistake in verdict["mistakes"]).most_common()
    made.causes = Counter(verdict["cause"] for verdict in verdicts if verdict["cause"]).most_common()
    return made


def write(course: Course, assignment: str, to: str | None = None) -> Path:
    """The report as a file."""
    path = Path(to or f"{assignment}-report.html")
    text = page(assignment, records(course, assignment))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GraderError(f"{path} cannot be written ({error.strerror}): name another file with --to") from None
    return path.resolve()


def show(path: Path) -> None:
    """Open a page in the browser, where there is one."""
    if not webbrowser.open(path.as_uri()):
        print(f"there is no browser to open: see {path}")
