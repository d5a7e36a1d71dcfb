"""Attacks by the notebook file and the folder around it: nbgrader's marks, other files, script for the instructor."""

# ruff: noqa: E501  an attack's lines are easier to read whole

import base64
import json
import os
from copy import deepcopy

from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.autograder.attacks.attack import NAME, Attack
from tests.autograder.small_course import find

SCRIPT = "<img src=x onerror=\"document.title='HIT'\"><script>document.title='HIT'</script>"
PASSES = "points = 8\nassert True\npoints"


def change(grade_id, **what):
    """Put this into the cell's mark."""
    return lambda notebook: find(notebook, grade_id)["metadata"]["nbgrader"].update(what)


def every_cell(**metadata):
    return lambda notebook: [cell["metadata"].update(deepcopy(metadata)) for cell in notebook["cells"]]


def rewrite(grade_id, source):
    return lambda notebook: find(notebook, grade_id).update(source=source)


def twice(notebook):
    """A second test cell of the same name, which asks nothing, before and after the first."""
    easy = deepcopy(find(notebook, "shrink")) | {"source": PASSES, "id": "easy"}
    place = notebook["cells"].index(find(notebook, "shrink"))
    notebook["cells"][place:place] = [easy]
    notebook["cells"].append(deepcopy(easy) | {"id": "easy-2"})


def without(grade_id):
    return lambda notebook: notebook["cells"].remove(find(notebook, grade_id))


def as_text(notebook):
    cell = find(notebook, "shrink")
    cell.update(cell_type="markdown", source="8 of 8 points")
    for key in ("outputs", "execution_count"):
        cell.pop(key, None)


def already_run(notebook):
    """Outputs that say that all has passed, stored in the file."""
    output = {"output_type": "execute_result", "data": {"text/plain": "8"}, "metadata": {}, "execution_count": 1}
    find(notebook, "shrink").update(outputs=[output], execution_count=1)


def of_another_program(notebook):
    notebook["metadata"]["kernelspec"] = {
        "name": "../../evil",
        "argv": ["/bin/sh"],
        "language": "bash",
        "env": {"A": "B"},
    }
    notebook["metadata"]["language_info"] = {"name": SCRIPT}


def widgets(notebook):
    state = {"state": {"a": {"model_module": "evil", "model_name": SCRIPT, "state": {"value": SCRIPT}}}}
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/html": SCRIPT}
    notebook["cells"][3]["outputs"] = [{"output_type": "display_data", "data": view, "metadata": {}}]


def script_in_answer(notebook):
    find(notebook, "derive")["source"] = f"Because $a<b$. {SCRIPT} [x](javascript:document.title='HIT')"
    notebook["cells"].append(new_markdown_cell(SCRIPT))
    notebook["cells"].append({"cell_type": "raw", "metadata": {"format": "text/html"}, "source": SCRIPT, "id": "raw"})


def attached(notebook):
    page = base64.b64encode(SCRIPT.encode()).decode()
    find(notebook, "derive")["attachments"] = {"a.png": {"image/png": page}, '"><script>': {"text/html": SCRIPT}}


def strange_names(notebook):
    """Marks that end a line, a string or a page wherever they are printed."""
    cell = new_code_cell("pass", metadata={"nbgrader": {"grade_id": "\x1b[2J\x9b2J\u2028" + SCRIPT}})
    notebook["cells"].append(cell | {"id": "</script>" * 9})


def points_above(notebook):
    for cell in notebook["cells"]:
        if "points" in cell["metadata"].get("nbgrader", {}):
            cell["metadata"]["nbgrader"]["points"] = 1000


def shadows(folder):
    """Modules and settings that Python, IPython, pytest and nbgrader would read from the folder that they are in."""
    evil = f"open({str(folder / 'executed')!r}, 'w')\n"
    names = ("numpy.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "autograder.py", "nbgrader_config.py",
             "jupyter_config.py", "ipython_config.py", "json.py", "small.py")  # fmt: skip
    for name in names:
        (folder / name).write_text(evil)
    for startup in (".ipython/profile_default/startup", "profile_default/startup"):
        (folder / startup).mkdir(parents=True)
        (folder / startup / "00.py").write_text(evil)
    (folder / "source").mkdir()
    (folder / "source" / f"{NAME}.ipynb").write_text("{}")


def linked(folder):
    """In the place of the notebook, a link to a classmate's."""
    (folder / f"{NAME}.ipynb").unlink()
    (folder / f"{NAME}.ipynb").symlink_to(folder.parents[1] / "h-000" / NAME / f"{NAME}.ipynb")


def to_device(folder):
    (folder / f"{NAME}.ipynb").unlink()
    os.mkfifo(folder / f"{NAME}.ipynb")


def with_file(data, size=None):
    def place(folder):
        path = folder / f"{NAME}.ipynb"
        path.write_bytes(data)
        if size:
            os.truncate(path, size)  # a hole: nothing is written

    return place


def evil_time(folder):
    (folder / "timestamp.txt").write_text(f"2026-01-01 12:00:00 UTC\n{SCRIPT}")
    (folder / "submission_secret.txt").write_text("../../../h-000")


def false_pictures(folder):
    (folder / "plot.png").write_text(SCRIPT)
    (folder / "plot.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg' onload='x'>{SCRIPT}</svg>")
    (folder / "page.html").write_text(SCRIPT)
    (folder / "link.png").symlink_to(folder.parents[2] / "secret_seed")


ZERO = {"shrink": 0, "scale": 0, "mean": 0}
UNREAD = {"scores": ZERO, "why": "unreadable"}

MARKS = [
    Attack("metadata", "tags", "Every cell is tagged to be skipped, or to be allowed to raise.",
           edit=every_cell(tags=["skip-execution", "raises-exception", "nbgrader-ignore"], deletable=False)),
    Attack("metadata", "points", "The cells are worth a thousand points.", edit=points_above),
    Attack("metadata", "not graded", "The test says that it is none.", edit=change("shrink", grade=False, locked=False)),
    Attack("metadata", "a solution", "The test says that it is the student's to edit.",
           edit=lambda notebook: (change("shrink", solution=True, locked=False)(notebook), rewrite("shrink", PASSES)(notebook))),
    Attack("metadata", "schema of the future", "The marks are of a version that nobody knows, and checksums fit.",
           edit=every_cell(nbgrader={"schema_version": 99, "grade_id": "shrink", "checksum": "0", "grade": True, "points": 8}),
           says="shrink was there 10 times"),
    Attack("tests", "edited", "The read-only test asks nothing.", edit=rewrite("shrink", PASSES),
           says="shrink is read-only and had been changed"),
    Attack("tests", "helper edited", "The read-only helper of the tests finds no difference.",
           edit=rewrite("helper", "GRID = np.zeros(0)\ndef gap(a, b):\n    return 0.0"),
           answers={"scale_solution": "def scale(x):\n    return None"}, scores={"scale": 0},
           says="helper is read-only and had been changed"),
    Attack("tests", "two of one name", "Two more tests of the same name ask nothing.", edit=twice, says="shrink was there 3 times"),
    Attack("tests", "taken out", "There is no test.", edit=without("shrink"), says="shrink was missing"),
    Attack("tests", "made text", "The test is text now.", edit=as_text, says="shrink had become a markdown cell"),
    Attack("tests", "before the work", "All cells stand in the opposite order.",
           edit=lambda notebook: notebook["cells"].reverse(), says="changed their order"),
    Attack("tests", "already run", "The file holds the output of a test that passed.", edit=already_run),
]  # fmt: skip

FILES = [
    Attack("files", "shadows", "Python, IPython and nbgrader would read these files if they ran in the folder.", place=shadows),
    Attack("files", "a classmate's", "The notebook is a link to a classmate's.", place=linked, says="is a link", **UNREAD),
    Attack("files", "a pipe", "The notebook is a pipe from which nothing ever comes.", place=to_device, says="a device", **UNREAD),
    Attack("files", "200 MB", "The notebook is 200 MB large.", place=with_file(b"{", 200 << 20), says="200 MB", **UNREAD),
    Attack("files", "deep", "The notebook is a hundred thousand lists in each other.", place=with_file(b"[" * 100_000), says="JSON", **UNREAD),
    Attack("files", "many parts", "Two million empty cells, small in the file, are large in memory.",
           place=with_file(b'{"cells":[' + b"{}," * 2_000_000 + b"{}]}"), says="more than 1000000 parts", **UNREAD),
    Attack("files", "long number", "A number in the file has a million digits.",
           place=with_file(b'{"cells":[' + b"9" * 10**6 + b"]}"), says="JSON", **UNREAD),
    Attack("files", "cells of no shape", "The cells are numbers, lists and other things, and the marks are lists.",
           place=with_file(json.dumps({"cells": [1, None, [], {}, {"source": 5}, {"source": "x", "cell_type": [], "metadata": 3},
                                                 {"source": [[1]], "cell_type": "code", "metadata": {"nbgrader": [1]}}]}).encode()),
           scores=ZERO, why="missing", says="is not a cell"),
    Attack("timestamps", "script", "The time of submission is script, and the secret leads into another's folder.", place=evil_time),
]  # fmt: skip

BROWSER = [
    Attack("browser", "markdown", "Script in an answer, in other text and in raw cells waits for the instructor.", edit=script_in_answer),
    Attack("browser", "widgets", "Script in the state of widgets and in outputs stored in the file.", edit=widgets),
    Attack("browser", "attachments", "A page is attached as a picture.", edit=attached),
    Attack("browser", "kernel", "The notebook asks for a program of its own as its kernel.", edit=of_another_program,
           says="written in bash"),
    Attack("browser", "names", "A cell's name clears the terminal, ends the line and the page.", edit=strange_names),
    Attack("browser", "pictures", "Pages and links among the submission's files are called pictures.", place=false_pictures),
    Attack("browser", "outputs", "Cells display script in every form that a notebook knows.",
           "from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display\nimport ipywidgets\n"
           f"bad = {SCRIPT!r}\nfor kind in (HTML, Markdown, Javascript, Latex): display(kind(bad))\n"
           "display(HTML('<svg onload=x>' + bad + '</svg>'), ipywidgets.HTML(bad))\n"
           "display({'text/html': bad, 'application/javascript': bad, 'text/x-evil': bad}, raw=True)\n"
           "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"><script>x()</script></svg>'))\n"
           "class Evil(Exception): pass\nEvil.__name__ = bad\n"
           "def shrink(x, lam):\n    raise Evil(bad)\nraise Evil(bad)"),
    Attack("browser", "slow to read", "Text that takes hours to be made safe, where it is searched again and again.",
           edit=lambda notebook: notebook["cells"].extend(
               new_markdown_cell("<b>" + part * (300_000 // len(part))) for part in ("\\", "\\begin{a}", "[", "$$a"))),
]  # fmt: skip

ATTACKS = [*MARKS, *FILES, *BROWSER]
