"""The walls between the rooms, and the siblings: one name finds one thing everywhere."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import regopt
from tests.curriculum import CHAPTERS

ROOT = Path(__file__).parents[1]
UNWRITTEN = "tests/unwritten.txt"  # siblings that do not exist yet; the list may only shrink
ROOMS = ("regopt", "explore", "book", "autograder")


def modules_imported(path):
    """Dotted names that a Python file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write absolute imports"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of(room):
    return {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / room).rglob("*.py")
        for name in modules_imported(path)
    }


def reachable(module):
    """Project modules that are loaded once `module` is imported."""
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        path = ROOT / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name in seen or not path.exists():
            continue
        seen.add(name)
        parents = [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
        todo += [*parents, *modules_imported(path)]
    return seen


class TestWalls:
    def test_regopt_is_numpy_only(self):
        allowed = {"numpy", "regopt", *sys.stdlib_module_names}
        assert not {(path, name) for path, name in imports_of("regopt") if name.split(".")[0] not in allowed}

    @pytest.mark.parametrize("room", ["explore", "book"])
    def test_the_book_side_knows_neither_the_library_nor_the_grader(self, room):
        foreign = {"regopt", "autograder", "chapters", "solutions", "tests", "torch"}
        assert not {(path, name) for path, name in imports_of(room) if name.split(".")[0] in foreign}

    @pytest.mark.parametrize("room", ROOMS)
    def test_nothing_imports_chapters_or_tests(self, room):
        assert not {(path, name) for path, name in imports_of(room) if name.split(".")[0] in {"chapters", "tests"}}

    def test_only_checks_use_the_library(self):
        users = {path for path, name in imports_of("autograder") if name.split(".")[0] == "regopt"}
        assert not {path for path in users if not path.startswith("autograder/checks/")}

    def test_what_runs_a_student_reaches_neither_library_nor_checks(self):
        loaded = reachable("autograder.nursery")
        assert "autograder.nursery" in loaded
        assert not {
            name
            for name in loaded
            if name.startswith(("regopt", "autograder.check", "autograder.judge", "autograder.feedback"))
        }


def siblings(chapter):
    names = CHAPTERS[chapter]
    yield f"chapters/{chapter}.md"
    yield f"chapters/terms/{chapter}.md"
    yield f"chapters/references/{chapter}.bib"
    if names:
        yield f"regopt/_{chapter}.py"
        yield f"tests/regopt/test_{chapter}.py"
    if any(names.values()):
        yield f"solutions/{chapter}.md"
        yield f"autograder/checks/{chapter}.py"


def chapters_in_toc():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = re.findall(r"'file': 'chapters/(\w+)'", str(toc))
    return [name for name in files if name in CHAPTERS]


def unwritten():
    return set((ROOT / UNWRITTEN).read_text().split())


def written(path):
    """Chapters for which the file `path` (with {} for the name) is not in the list of unwritten ones."""
    return [chapter for chapter in CHAPTERS if path.format(chapter) in {*siblings(chapter)} - unwritten()]


class TestSiblings:
    def test_what_is_missing_is_what_the_list_says(self):
        missing = {path for chapter in CHAPTERS for path in siblings(chapter) if not (ROOT / path).exists()}
        assert missing == unwritten(), (
            f"correct {UNWRITTEN}: add nothing, remove {unwritten() - missing}, write {missing - unwritten()}"
        )

    def test_the_list_only_shrinks(self):
        log = subprocess.run(
            ["git", "log", "--format=%H", "--", UNWRITTEN], cwd=ROOT, capture_output=True, text=True
        ).stdout.split()
        versions = [
            set(
                subprocess.run(
                    ["git", "show", f"{commit}:{UNWRITTEN}"], cwd=ROOT, capture_output=True, text=True
                ).stdout.split()
            )
            for commit in reversed(log)
        ]
        for older, newer in zip(versions, [*versions[1:], unwritten()], strict=False):
            assert newer <= older, f"{UNWRITTEN} grew by {newer - older}"

    def test_a_written_chapter_is_in_the_book_has_its_label_and_speaks_of_each_of_its_names(self):
        for chapter in written("chapters/{}.md"):
            text = (ROOT / "chapters" / f"{chapter}.md").read_text()
            assert chapter in chapters_in_toc()
            assert f"({chapter})=" in text, f"chapters/{chapter}.md needs the label ({chapter})="
            silent = [name for name in CHAPTERS[chapter] if not re.search(rf"\b{name}\b", text)]
            assert not silent, f"chapters/{chapter}.md never speaks of {silent}"

    def test_the_library_has_each_name(self):
        for chapter in written("regopt/_{}.py"):
            missing = [name for name in CHAPTERS[chapter] if not callable(getattr(regopt, name, None))]
            assert not missing, f"regopt/_{chapter}.py lacks {missing}"

    def test_each_graded_name_is_an_exercise_cell_and_a_check(self):
        for chapter in written("solutions/{}.md"):
            master = (ROOT / "solutions" / f"{chapter}.md").read_text()
            checks = (ROOT / "autograder" / "checks" / f"{chapter}.py").read_text()
            for name in (name for name, graded in CHAPTERS[chapter].items() if graded):
                assert re.search(rf"^:solution: {name}$", master, re.M), f"solutions/{chapter}.md has no cell {name}"
                assert re.search(rf"\b{name}\b", checks), f"autograder/checks/{chapter}.py does not check {name}"
