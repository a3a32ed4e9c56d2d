"""From submitted notebooks to marks, through nbgrader: fair, the same as the stock command, and never stopped."""

import html
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from course.build.text import without_markers
from course.grading.example_class import hand_in, students
from course.grading.grade import grade, grade_one, register
from course.paths import ROOT, Chapter, chapters

pytestmark = pytest.mark.slow
CH01 = Chapter("ch01_conv1d")


def course_folder(root: Path, chapter: Chapter) -> Path:
    """A course folder with one built chapter and nothing graded."""
    for folder in ("source", "release"):
        path = chapter.made(folder, root)
        path.parent.mkdir(parents=True)
        shutil.copy(chapter.made(folder), path)
    return root


def submit(root: Path, chapter: Chapter, student: str, change=lambda nb: None) -> Path:
    """Hand in the release notebook after a change to it."""
    nb = nbformat.read(chapter.made("release", root), as_version=4)
    change(nb)
    path = root / "submitted" / student / chapter.id / f"{chapter.notebook}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nb, path)
    return path


def solver(chapter: Chapter, only=None):
    """Fill in the course's own solutions, or only those of some exercises."""
    source = nbformat.read(chapter.made("source"), as_version=4)
    answers = {
        c.metadata.nbgrader.grade_id: without_markers(c.source)
        for c in source.cells
        if c.metadata.get("nbgrader", {}).get("solution")
    }

    def change(nb):
        for cell in nb.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in answers and (only is None or name in only):
                cell.source = answers[name]

    return change


def points(chapter: Chapter, code: bool) -> float:
    nb = nbformat.read(chapter.made("source"), as_version=4)
    graded = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade")]
    return sum(c.metadata.nbgrader.points for c in graded if (c.cell_type == "code") == code)


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_the_solution_gets_all_points_and_the_untouched_release_none(chapter, tmp_path):
    root = course_folder(tmp_path, chapter)
    submit(root, chapter, "reference", solver(chapter))
    submit(root, chapter, "untouched")
    register(chapter, root)
    reference, untouched = grade(chapter, root)
    assert (reference.error, untouched.error) == (None, None)
    assert reference.score == points(chapter, code=True)
    assert reference.by_hand == points(chapter, code=False)
    assert reference.max_score == 100
    assert reference.mistakes == []
    assert (untouched.score, untouched.by_hand) == (0, 0)


def test_broken_submissions_fail_alone_with_a_reason(tmp_path):
    root = course_folder(tmp_path, CH01)
    submit(root, CH01, "ada", solver(CH01, only=["parameter_counts"]))
    submit(root, CH01, "broken").write_text('{"cells": [')
    submit(root, CH01, "empty").write_text("")
    (root / "submitted" / "nothing" / CH01.id).mkdir(parents=True)
    submit(root, CH01, "zoe", solver(CH01, only=["parameter_counts"]))
    register(CH01, root)
    results = {r.student: r for r in grade(CH01, root)}
    assert {s for s, r in results.items() if r.error} == {"broken", "empty", "nothing"}
    assert results["ada"].score == results["zoe"].score == 10
    assert "JSON" in results["broken"].error
    assert "there is no conv1d.ipynb" in results["nothing"].error
    assert not (root / "autograded" / "broken" / CH01.id).exists()


def test_edited_points_flags_and_tests_count_for_nothing(tmp_path):
    def cheat(nb):
        for cell in nb.cells:
            fields = cell.metadata.get("nbgrader", {})
            if fields.get("grade"):
                fields["points"] = 1000
            if fields.get("grade") and cell.cell_type == "code":
                cell.source = "pass"

    root = course_folder(tmp_path, CH01)
    submit(root, CH01, "cheat", cheat)
    register(CH01, root)
    result = grade_one(CH01, "cheat", root)
    assert (result.score, result.max_score) == (0, 100)


def test_stock_nbgrader_gives_the_same_marks(tmp_path):
    root = course_folder(tmp_path, CH01)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    source = CH01.made("source", root)
    source.parent.mkdir(parents=True, exist_ok=True)
    for student in students(5, seed=3):
        hand_in(CH01, student, 3, root)
    register(CH01, root)
    ours = {r.student: (r.score, r.by_hand) for r in grade(CH01, root)}
    shutil.rmtree(root / "autograded")
    (root / "gradebook.db").unlink()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in (
        ["generate_assignment", CH01.id, "--force"],
        ["autograde", CH01.id],
        ["generate_feedback", CH01.id],
    ):
        subprocess.run(
            [sys.executable, "-m", "nbgrader", *command],
            cwd=root,
            check=True,
            capture_output=True,
            env=os.environ | {"PATH": path},
        )
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "sliding-windows") as gradebook:
        stock = {
            s.student.id: (
                s.score,
                sum(g.max_score for n in s.notebooks for g in n.grades if g.needs_manual_grade),
            )
            for s in gradebook.assignment_submissions(CH01.id)
        }
    assert ours == stock
    assert len({score for score, _ in ours.values()}) > 1
    assert list((root / "feedback").glob("*/*/conv1d.html"))


def test_a_class_is_the_same_for_the_same_seed_and_its_feedback_names_mistakes(tmp_path):
    first, second = course_folder(tmp_path / "a", CH01), course_folder(tmp_path / "b", CH01)
    for root in (first, second):
        for student in students(3, seed=5):
            hand_in(CH01, student, 5, root)
    files = [
        sorted(p.read_bytes() for p in (root / "submitted").rglob("*.ipynb")) for root in (first, second)
    ]
    assert files[0] == files[1]


def test_feedback_shows_messages_and_marks_but_no_test(tmp_path):
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

    root = course_folder(tmp_path, CH01)
    submit(root, CH01, "ada", answer)
    register(CH01, root)
    result = grade_one(CH01, "ada", root)
    assert ("cross_correlate", "flips_the_kernel") in result.mistakes
    page = (root / "feedback" / "ada" / CH01.id / "conv1d.html").read_text()
    said = html.unescape(page)
    assert "Your result matches a kernel read back to front" in said
    assert "NameError: name 'similarity' is not defined" in said
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
