"""What students get holds no solution, no hidden test and no mark scheme, and what learners read is whole."""

import ast
import re

import nbformat
import pytest

from course.build import text
from course.paths import Chapter, chapters

SAID_IN_PUBLIC = 12  # lines shorter than this, such as "return y", say nothing


def lines_between(source: str, region: str) -> list[str]:
    found = re.findall(rf"BEGIN {region}[^\n]*\n(.*?)\n[^\n]*END {region}", source, flags=re.DOTALL)
    return [
        line.strip() for part in found for line in part.splitlines() if len(line.strip()) >= SAID_IN_PUBLIC
    ]


def secrets(chapter: Chapter) -> list[str]:
    """Every line of a solution, hidden test, mark scheme or model answer that the chapter doesn't say in public."""
    nb = text.read(chapter.text.read_text("utf-8"))
    found, public = [], ""
    for cell in nb.cells:
        fields = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and fields.get("solution"):
            found += [line for line in cell.source.splitlines() if len(line) >= SAID_IN_PUBLIC]
            continue
        hidden = [
            line
            for r in ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
            for line in lines_between(cell.source, r)
        ]
        found += hidden
        public += re.sub(
            r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME).*?END \1", "", cell.source, flags=re.DOTALL
        )
    return [line for line in found if line not in public]


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_the_release_holds_nothing_of_the_teachers(chapter):
    found = secrets(chapter)
    assert len(found) > 20
    released = "\n".join(c.source for c in nbformat.read(chapter.made("release"), as_version=4).cells)
    assert [line for line in found if line in released] == []
    assert "HIDDEN TESTS" not in released
    assert "MARK SCHEME" not in released


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_what_ships_beside_the_release_holds_no_solution(chapter):
    """exercises.py goes to students with the kit: oracles and mistakes in torch, and no line of a numpy solution."""
    shipped = (chapter.text.parent / "exercises.py").read_text("utf-8")
    telling = [line for line in secrets(chapter) if re.search(r"\bnp\.|\brange\(|\+=", line)]
    assert [line for line in telling if line in shipped] == []


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_solutions_ran_without_error_and_are_for_reading(chapter):
    nb = nbformat.read(chapter.made("solutions"), as_version=4)
    outputs = [o for c in nb.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    source = "\n".join(c.source for c in nb.cells)
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)", source)
    assert "YOUR ANSWER HERE" not in source


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_notebooks_import_only_what_students_have(chapter):
    nb = text.read(chapter.text.read_text("utf-8"))
    cells = [ast.parse(c.source).body for c in nb.cells if c.cell_type == "code"]
    imported = [n for body in cells for n in body if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {n.module if isinstance(n, ast.ImportFrom) else a.name for n in imported for a in n.names}
    ours = {n for n in names if n.split(".")[0] == "course"}
    shipped = ("course.kit", f"course.chapters.{chapter.id}.exercises")
    assert [n for n in ours if not n.startswith(shipped)] == []
    assert not {n.split(".")[0] for n in names} & {"torch", "scipy", "skimage", "sklearn"}


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_links_lead_somewhere(chapter):
    release = chapter.made("release")
    cells = [c.source for c in nbformat.read(release, as_version=4).cells if c.cell_type == "markdown"]
    links = re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", "\n".join(cells))
    missing = [link for link in links if not (release.parent / link.split("#")[0]).resolve().exists()]
    assert [link for link in missing if not _is_a_later_chapter(link)] == []


def _is_a_later_chapter(link: str) -> bool:
    """The course grows from the front; the last chapter so far already points to the next."""
    last = chapters()[-1].id
    match = re.search(r"/(ch\d\d_\w+)/", link)
    return bool(match) and match[1] > last
