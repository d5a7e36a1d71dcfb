"""Which pages count towards a reader's progress, and which quizzes each has: `_static/quizzes.js`, read by book.js."""

import json
import re
from pathlib import Path

QUIZ = re.compile(r'<div class="quiz" id="([^"]+)"')


def write(app) -> None:
    html = Path(app.outdir)
    found = {}
    for name in sorted(app.env.found_docs):
        path = html / f"{name}.html"
        if path.is_file() and not name.startswith("chapters/appendices/") and name != app.config.root_doc:
            found[name] = QUIZ.findall(path.read_text())
    (html / "_static" / "quizzes.js").write_text(f"window.courseQuizzes = {json.dumps(found)};\n")
