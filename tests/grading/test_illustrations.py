"""Copying what a cell of the course's own shows changes no mark, and shows what running it would have shown."""

from base64 import b64decode
from dataclasses import replace
from io import BytesIO

import nbformat
import pytest
from nbformat import NotebookNode
from PIL import Image
from walk import grade_id

from course.grading.example_class import Student, hand_in
from course.grading.isolation.illustrations import Illustrations, _parts
from course.grading.isolation.worker import Worker
from course.grading.record import Record
from course.grading.restore import restored
from course.grading.work import Lesson
from course.paths import ROOT, Chapter, chapters


@pytest.fixture(scope="module")
def worker():
    with Worker() as worker:
        yield worker


def lesson_of(chapter: Chapter) -> Lesson:
    source, solved = chapter.made("source"), chapter.made("solutions")
    record = Record.of_notebook(nbformat.read(source, as_version=4))
    return Lesson(chapter.id, chapter.notebook, record, source.read_bytes(), solved.read_bytes())


def handed_in(chapter: Chapter, skill: float, seed: int, root) -> NotebookNode:
    for folder in ("source", "release"):
        if not (root / folder).exists():
            (root / folder).symlink_to(ROOT / folder)
    path = hand_in(chapter, Student("s", skill, 1.0), seed, root)
    return restored(nbformat.read(path, as_version=4), lesson_of(chapter).record)[0]


def run_both_ways(worker: Worker, chapter: Chapter, nb: NotebookNode) -> list[tuple]:
    """Pairs of cells: run with copying, and with everything executed."""
    lesson = lesson_of(chapter)
    copying = worker.execute(lesson, nb).notebook
    running = worker.execute(replace(lesson, source=b"", solved=b""), nb).notebook
    return [(a, b) for a, b in zip(copying.cells, running.cells, strict=True) if a.cell_type == "code"]


def errors(cell: NotebookNode) -> list[tuple[str, str]]:
    return [(o.ename, o.evalue) for o in cell.outputs if o.output_type == "error"]


def pictures(cell: NotebookNode) -> list[bytes]:
    """Pixels: a kernel compresses them in another way."""
    files = [b64decode(o.data["image/png"]) for o in cell.outputs if "image/png" in o.get("data", {})]
    return [Image.open(BytesIO(file)).tobytes() for file in files]


@pytest.mark.slow
@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_marks_and_errors_are_those_of_running_everything(worker, chapter, tmp_path):
    nb = handed_in(chapter, 0.6, seed=3, root=tmp_path)
    for copying, running in run_both_ways(worker, chapter, nb):
        # A right answer in nested lists gets full marks, and may still break a picture that slices it.
        if not copying.metadata.get("course_copied"):
            assert errors(copying) == errors(running), grade_id(running) or running.source
            assert pictures(copying) == pictures(running), grade_id(running) or running.source


@pytest.mark.slow
@pytest.mark.parametrize("chapter", chapters()[2:9:3], ids=lambda c: c.id)
def test_right_answers_show_what_the_solution_shows(worker, chapter):
    nb = nbformat.read(chapter.made("source"), as_version=4)
    pairs = run_both_ways(worker, chapter, nb)
    copied = [
        (a, b)
        for a, b in pairs
        if a.metadata.get("course_copied") and "timing" not in b.metadata.get("tags", [])
    ]
    assert len(copied) > 5
    assert all(pictures(a) == pictures(b) for a, b in copied)


CHAPTER = Chapter("ch02_conv2d")


def illustration_ids(change) -> set[str]:
    """The cells of ch02 that may be copied, after `change` has been made to the solution."""
    nb = nbformat.read(CHAPTER.made("source"), as_version=4)
    change(nb)
    illustrations = Illustrations.of(nb, lesson_of(CHAPTER))
    return {nb.cells[place].id for place in illustrations.cells}


def test_a_cell_that_a_student_has_changed_is_never_copied():
    def change(nb):
        cell = next(c for c in nb.cells if c.id == "cell-012")
        cell.source += "\nprint(1)"

    assert illustration_ids(lambda _: None) - illustration_ids(change) == {"cell-012"}


def test_a_cell_is_run_where_an_answer_reads_what_it_binds():
    def change(nb):
        answer = next(c for c in nb.cells if grade_id(c) == "convolve2d")
        answer.source += "\nprint(spot)"  # of cell-012

    assert illustration_ids(lambda _: None) - illustration_ids(change) == {"cell-012"}


PARTS = {  # a cell, and of what it binds, what can be run without the rest
    "a = f()\nfigures.grid(a)\nb = g(a)": ["a = f()", "b = g(a)"],
    "fig, ax = plt.subplots()\nax.plot(x)\ny = 2 * x": ["fig, ax = plt.subplots()\nax.plot(x)\ny = 2 * x"],
    "y = x\nx = 2": ["y = x\nx = 2"],
    "rng = np.random.default_rng(0)\na = rng.normal()\nb = rng.normal()": [
        "rng = np.random.default_rng(0)\na = rng.normal()\nb = rng.normal()"
    ],
    "plt.show()\nprint(x)": [],
    "print(rng)": [],
}


@pytest.mark.parametrize("source", PARTS)
def test_of_a_cell_that_was_left_out_only_what_is_needed_is_run_later(source):
    assert [part.source for part in _parts(source, frozenset({"plt", "figures", "np"}))] == PARTS[source]


def test_what_is_owed_is_run_once_and_in_order():
    nb = nbformat.read(CHAPTER.made("source"), as_version=4)
    illustrations = Illustrations.of(nb, lesson_of(CHAPTER))
    at = {cell.id: place for place, cell in enumerate(nb.cells)}
    everything = frozenset(grade_id(cell) for cell in nb.cells) - {""}
    for cell in ("cell-012", "cell-030"):
        assert illustrations.copied(at[cell], set(), set(everything), everything) is not None
    owed = illustrations.owed(at["cell-045"])  # reads blurred_difference
    assert [source.partition(" = ")[0] for source in owed] == ["blur", "blurred_difference"]
    assert illustrations.owed(at["cell-045"]) == []


def test_an_import_that_the_course_makes_as_well_changes_nothing(worker):
    nb = nbformat.read(CHAPTER.made("source"), as_version=4)
    copied = []
    for line in ("import numpy as np", "import numpy.linalg as np"):
        own = nbformat.v4.new_code_cell(line)
        after = next(i for i, cell in enumerate(nb.cells) if grade_id(cell) == "setup") + 1
        changed = nbformat.from_dict({**nb, "cells": [*nb.cells[:after], own, *nb.cells[after:]]})
        cells = worker.execute(lesson_of(CHAPTER), changed).notebook.cells
        copied.append(sum("course_copied" in cell.metadata for cell in cells))
    assert copied[0] > 10 > copied[1]
