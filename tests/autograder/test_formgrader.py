"""Formgrader in a browser, on a course that this grader graded: it works as ever, and no student's script runs."""

import contextlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.autograder.small_course import NAME, RIGHT, find, notebook_of, open_course, submit
from tests.autograder.test_as_nbgrader import BIN, run
from tests.autograder.test_sanitise import HOSTILE, PIXEL

SHOWS_SCRIPT = """def mean(x):
    return sum(x) / len(x)
from IPython.display import HTML, SVG, Javascript, Markdown, display
display(HTML("<img src=x onerror=\\"document.title='HIT'\\"><table><tr><td>honest table</td></tr></table>"))
display(Javascript("document.title='HIT'"))
display(Markdown("<script>document.title='HIT'</script>"))
display({"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' onload=\\"document.title='HIT'\\"/>"}, raw=True)
"""


def hostile_notebook(course):
    """Right work around every way to write a script that the sanitiser's tests know, in cells of one's own."""
    notebook = notebook_of(course, **{**RIGHT, "mean_solution": SHOWS_SCRIPT})
    find(notebook, "derive")["source"] = (
        f"Because $a<b$. ![p](data:image/png;base64,{PIXEL})\n\n{HOSTILE['img onerror']}"
    )
    for number, source in enumerate(HOSTILE.values()):
        notebook["cells"].append({"cell_type": "markdown", "id": f"h{number}", "metadata": {}, "source": source})
    attached = {"a.png": {"image/png": PIXEL}, "b.svg": {"image/svg+xml": "PHN2ZyBvbmxvYWQ9YWxlcnQoMSkvPg=="}}
    picture = {
        "cell_type": "markdown",
        "id": "p",
        "metadata": {},
        "source": "![a](attachment:a.png)",
        "attachments": attached,
    }
    raw = {"cell_type": "raw", "id": "r", "metadata": {"raw_mimetype": "text/html"}, "source": HOSTILE["script"]}
    notebook["cells"] += [picture, raw]
    notebook["metadata"]["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"x": "</script><script>1</script>"}
    }
    notebook["metadata"]["title"] = HOSTILE["script"]
    return notebook


@pytest.fixture(scope="module")
def graded(made, tmp_path_factory):
    """Two submissions, graded by `autograder grade`; the folder of nbgrader_config.py."""
    folder = tmp_path_factory.mktemp("formgrader") / "c"
    shutil.copytree(made, folder)
    course = open_course(folder)
    submit(course, "ada")
    submit(course, "eve", hostile_notebook(course))
    answer = run(folder, "autograder", "grade", NAME)
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.fixture(scope="module")
def server(graded, tmp_path_factory):
    """A Jupyter server with formgrader; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "PATH": BIN + os.pathsep + os.environ["PATH"], "HOME": str(home)}
    environment |= {"JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data")}
    command = [sys.executable, "-m", "jupyter", "server", "--allow-root", "--no-browser", f"--port={port}"]
    command += ["--ServerApp.token=t", f"--ServerApp.root_dir={graded}", "--ServerApp.port_retries=0"]
    with open(home / "log", "w") as log:
        process = subprocess.Popen(command, cwd=graded, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/api", timeout=2)
            break
        time.sleep(0.3)
    else:
        process.kill()
        pytest.fail((home / "log").read_text())
    yield address
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def page(server, launch):
    browser = launch()
    page = browser.new_page()
    page.route(
        lambda url: not url.startswith((server, "file:", "data:")), lambda route: route.abort()
    )  # no other host, here
    page.set_default_timeout(60_000)
    page.goto(f"{server}/formgrader/manage_assignments?token=t")
    yield page
    browser.close()


def gradebook(graded, query):
    with sqlite3.connect(graded / "course" / "gradebook.db") as rows:
        return rows.execute(query).fetchall()


def scores(graded):
    return gradebook(
        graded,
        """select s.student_id, c.name, g.auto_score, g.manual_score from grade g join base_cell c on c.id = g.cell_id
        join submitted_notebook n on n.id = g.notebook_id join submitted_assignment s on s.id = n.assignment_id
        order by 1, 2""",
    )


def test_the_assignment_is_listed(page, server):
    page.goto(f"{server}/formgrader/manage_assignments")
    row = page.locator("tr", has_text=NAME)
    assert row.locator(".num-submissions").inner_text().strip() == "2"


def test_submissions_are_listed_as_graded_with_their_scores(page, server):
    page.goto(f"{server}/formgrader/manage_submissions/{NAME}")
    row = page.locator("tr", has_text="ada")
    assert "5 / 9" in row.inner_text()
    assert "needs manual grading" in row.inner_text()


def test_the_autograde_button_gives_the_same_verdict(page, server, graded):
    before = scores(graded)
    written = (graded / f"course/autograded/ada/{NAME}/{NAME}.ipynb").read_bytes()
    page.goto(f"{server}/formgrader/manage_submissions/{NAME}")
    page.locator("tr", has_text="ada").locator(".autograde a").click()
    page.locator("#success-modal").wait_for(timeout=120_000)
    assert scores(graded) == before
    assert (graded / f"course/autograded/ada/{NAME}/{NAME}.ipynb").read_bytes() == written
    verdict = json.loads((graded / f"course/verdicts/{NAME}/ada.json").read_text())
    assert verdict["unconfined"] is False


def open_submission(page, server, graded, student):
    query = f"""select n.id from submitted_notebook n join submitted_assignment s on s.id = n.assignment_id
        where s.student_id = '{student}'"""
    page.goto(f"{server}/formgrader/submissions/{gradebook(graded, query)[0][0]}/")
    page.wait_for_function(
        "typeof formgrader === 'undefined' || formgrader.grades === undefined || formgrader.grades.loaded"
    )


def test_a_grade_given_by_hand_and_a_comment_are_saved(page, server, graded):
    open_submission(page, server, graded, "ada")
    page.locator("#derive").fill("3.5")
    page.locator("#derive").blur()
    page.locator("#derive-comment").fill("Nearly")
    page.locator("#derive-comment").blur()
    for _ in range(100):
        if ("ada", "derive", None, 3.5) in scores(graded):
            break
        page.wait_for_timeout(100)
    assert ("ada", "derive", None, 3.5) in scores(graded)


def test_the_verdict_is_shown(page, server, graded):
    open_submission(page, server, graded, "eve")
    text = page.inner_text("body")
    assert "double: 3 of 3 points" in text
    assert "honest table" in text


def test_no_script_of_a_student_runs(page, server, graded):
    """Every tag is looked at, every link pressed, and the pointer moved over everything."""
    open_submission(page, server, graded, "eve")
    page.wait_for_timeout(1000)
    page.evaluate(
        """() => { for (const each of document.querySelectorAll('#notebook *')) {
            for (const kind of ['mouseover', 'focus', 'toggle', 'error', 'load'])
                each.dispatchEvent(new Event(kind, {bubbles: true})); } }"""
    )
    links = page.evaluate("() => [...document.querySelectorAll('#notebook a')].map(each => each.href)")
    assert not [link for link in links if not re.match(r"https?:|mailto:", link)]
    assert page.title() == NAME
    assert not page.evaluate(
        """() => [...document.querySelectorAll('#notebook *')].some(each => /^(script|iframe|object|embed|form)$/i
            .test(each.tagName) || [...each.attributes].some(a => /^on/i.test(a.name)))"""
    )
    assert not page.evaluate(
        """() => [...document.querySelectorAll('#notebook *')].some(
            each => /fixed|sticky/.test(getComputedStyle(each).position))"""
    )


def test_mathematics_and_pictures_are_there(page, server, graded):
    open_submission(page, server, graded, "eve")
    assert page.locator(f"#notebook img[src='data:image/png;base64,{PIXEL}']").count() >= 2
    assert "$a<b$" in page.inner_text("#notebook")
    assert page.locator("#derive").count() == 1


def test_feedback_by_the_button(page, server, graded):
    page.goto(f"{server}/formgrader/manage_submissions/{NAME}")
    page.locator("tr", has_text="eve").locator(".generate-feedback a").click()
    page.locator("#success-modal").wait_for(timeout=120_000)
    page.goto((graded / f"course/feedback/eve/{NAME}/{NAME}.html").as_uri())
    page.wait_for_timeout(500)
    assert page.title() == NAME
    text = page.inner_text("body")
    assert "double: 3 of 3 points" in text
    assert "BEGIN HIDDEN TESTS" not in page.content()
    assert "34567" not in page.content()
