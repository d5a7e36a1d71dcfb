"""What stands below a cell of an autograded notebook, and so in formgrader and in the feedback."""

from html import escape
from typing import Any

from autograder import feedback
from autograder.check import Verdict


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    """The verdict, below its test cell: as a short page, and as plain text."""
    data = {"text/plain": feedback.words(verdict), "text/html": _page(verdict)}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def of_stop(cause: str) -> dict[str, Any]:
    """Below a cell that could not be run to its end."""
    text = f"The grader could not run this cell to its end. {_cause(cause)}\n"
    return {"output_type": "stream", "name": "stderr", "text": text}


def _cause(cause: str) -> str:
    return feedback.CAUSES.get(cause, f"It was stopped ({cause}).")


def _page(verdict: Verdict) -> str:
    parts = [f"<p><b>{escape(verdict.exercise)}: {verdict.score:g} of {verdict.max_score:g} points</b></p>"]
    if verdict.error:
        parts.append("<p>The check itself failed here. This is not your fault: your instructor sees why.</p>")
    if verdict.cause:
        parts.append(f"<p>{escape(_cause(verdict.cause))}</p>")
    rows = []
    for each in verdict.properties:
        sign, colour = ("✓", "#1a7f37") if each.passed else ("✗", "#b3261e")
        points = f"{each.points if each.passed else 0:g} of {each.points:g}"
        cells = f'<td style="color: {colour}"><b>{sign}</b></td>'
        cells += f'<td style="white-space: nowrap; padding: 0 .75em; text-align: right">{points}</td>'
        rows.append(f'<tr>{cells}<td style="text-align: left">{escape(each.words)}</td></tr>')
    if rows:
        parts.append(f"<table>{''.join(rows)}</table>")
    parts += [f"<p>{escape(mistake.words)}</p>" for mistake in verdict.mistakes]
    if verdict.counter_example:
        parts.append("<p>The smallest example that shows it:</p>")
        parts.append(f'<pre style="white-space: pre-wrap">{escape(verdict.counter_example)}</pre>')
    return "\n".join(parts)
