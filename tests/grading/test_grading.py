"""From submitted notebooks to marks: fair, the same as the stock command gives, and never stopped."""

import html
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from stand_in import CH01, course_folder, solver, submit

from course.grading.example_class import hand_in, students
from course.grading.grade import grade, register
from course.grading.isolation.worker import Worker
from course.grading.pool import LocalPool
from course.paths import ROOT, chapters

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pool():
    with LocalPool(2, Worker) as pool:
        yield pool


def graded(root, pool, chapter=CH01):
    """The results of a chapter, by student."""
    return {r.student: r for r in grade([register(chapter, root)], pool, root)}


def nbgrader(root, *command):
    """Run a stock command in a course folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=root,
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": path},
    )


def points(chapter, code) -> float:
    nb = nbformat.read(chapter.made("source"), as_version=4)
    graded = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade")]
    return sum(c.metadata.nbgrader.points for c in graded if (c.cell_type == "code") == code)


def parsed(page):
    """A page as browsers see it: nbconvert writes it anew."""
    return str(BeautifulSoup(page.read_text(), "html.parser")).strip()


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_the_solution_gets_all_points_and_the_untouched_release_none(chapter, tmp_path, pool):
    root = course_folder(tmp_path, chapter)
    submit(root, "reference", solver(chapter), chapter)
    submit(root, "untouched", chapter=chapter)
    results = graded(root, pool, chapter)
    reference, untouched = results["reference"], results["untouched"]
    assert (reference.error, untouched.error) == (None, None)
    assert (reference.notes, untouched.notes) == ([], [])
    assert reference.score == points(chapter, code=True)
    assert reference.by_hand == points(chapter, code=False)
    assert reference.max_score == 100
    assert reference.mistakes == []
    assert (untouched.score, untouched.by_hand) == (0, 0)


def test_broken_submissions_fail_alone_with_a_reason(tmp_path, pool):
    root = course_folder(tmp_path)
    submit(root, "ada", solver(only=["parameter_counts"]))
    submit(root, "broken").write_text('{"cells": [')
    submit(root, "empty").write_text("")
    (root / "submitted" / "nothing" / CH01.id).mkdir(parents=True)
    submit(root, "zoe", solver(only=["parameter_counts"]))
    results = graded(root, pool)
    assert {s for s, r in results.items() if r.error} == {"broken", "empty", "nothing"}
    assert results["ada"].score == results["zoe"].score == 10
    for student in ("broken", "empty", "nothing"):
        assert not (root / "autograded" / student / CH01.id).exists()
        page = (root / "feedback" / student / CH01.id / "conv1d.html").read_text()
        assert results[student].error in html.unescape(page)


def test_edited_points_flags_and_tests_count_for_nothing(tmp_path, pool):
    def cheat(nb):
        for cell in nb.cells:
            fields = cell.metadata.get("nbgrader", {})
            if fields.get("grade"):
                fields["points"] = 1000
            if fields.get("grade") and cell.cell_type == "code":
                cell.source = "pass"

    root = course_folder(tmp_path)
    submit(root, "cheat", cheat)
    result = graded(root, pool)["cheat"]
    assert (result.score, result.max_score) == (0, 100)
    assert result.notes


def test_stock_nbgrader_gives_the_same_marks_and_pages(tmp_path, pool):
    root = course_folder(tmp_path)
    for student in students(5, seed=3):
        hand_in(CH01, student, 3, root)
    ours = {s: (r.score, r.by_hand) for s, r in graded(root, pool).items()}
    assert len({score for score, _ in ours.values()}) > 1
    pages = {p: parsed(p) for p in (root / "feedback").glob("*/*/conv1d.html")}
    assert len(pages) == 5
    config = (ROOT / "nbgrader_config.py").read_text()
    (root / "nbgrader_config.py").write_text(config)
    nbgrader(root, "generate_feedback", CH01.id, "--force")
    assert {p: parsed(p) for p in pages} == pages
    nbgrader(root, "autograde", CH01.id, "--force")
    assert marks(root) == ours
    # With one line removed everything runs in one kernel, as stock nbgrader does it.
    lines = [line for line in config.splitlines() if "autograde_preprocessors" not in line]
    assert len(lines) == len(config.splitlines()) - 1
    (root / "nbgrader_config.py").write_text("\n".join(lines))
    shutil.rmtree(root / "autograded")
    (root / "gradebook.db").unlink()
    nbgrader(root, "generate_assignment", CH01.id, "--force")
    nbgrader(root, "autograde", CH01.id)
    assert marks(root) == ours


def marks(root):
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "sliding-windows") as gradebook:
        return {
            s.student.id: (
                s.score,
                sum(g.max_score for n in s.notebooks for g in n.grades if g.needs_manual_grade),
            )
            for s in gradebook.assignment_submissions(CH01.id)
        }


def test_a_class_is_the_same_for_the_same_seed_and_its_feedback_names_mistakes(tmp_path):
    first, second = course_folder(tmp_path / "a"), course_folder(tmp_path / "b")
    for root in (first, second):
        for student in students(3, seed=5):
            hand_in(CH01, student, 5, root)
    files = [
        sorted(p.read_bytes() for p in (root / "submitted").rglob("*.ipynb")) for root in (first, second)
    ]
    assert files[0] == files[1]


def test_feedback_shows_messages_and_marks_but_no_test(tmp_path, pool):
    def answer(nb):
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "cross_correlate":
                cell.source = (
                    "def cross_correlate(x, w, stride=1):\n"
                    "    n = (len(x) - len(w)) // stride + 1\n"
                    "    windows = [x[i * stride:i * stride + len(w)] for i in range(n)]\n"
                    "    return np.array([np.dot(v, w[::-1] * 1.0) for v in windows])\n"
                    "'<script>alert(1)</script>'"
                )
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "similarity":
                cell.source = "pass"

    root = course_folder(tmp_path)
    submit(root, "ada", answer)
    result = graded(root, pool)["ada"]
    assert ("cross_correlate", "flips_the_kernel") in [mistake[:2] for mistake in result.mistakes]
    page = (root / "feedback" / "ada" / CH01.id / "conv1d.html").read_text()
    said = html.unescape(page)
    assert "Your result matches a kernel read back to front" in said
    assert "there is no `similarity`: the answer's cell must define it" in said
    assert "<script>" not in page
    assert "data:image/png;base64" in page
    hidden = [
        line.strip()
        for c in nbformat.read(CH01.made("source"), as_version=4).cells
        for part in [c.source.partition("### BEGIN HIDDEN TESTS")[2].partition("### END")[0]]
        for line in part.splitlines()
        if "(" in line and len(line.strip()) > 15
    ]
    assert hidden
    assert [line for line in hidden if line in said] == []
