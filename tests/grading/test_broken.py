"""Broken submissions, from the bytes that were handed in to marks: each costs no more than what is broken."""

import copy
import json

import matplotlib.pyplot as plt
import nbformat
import pytest

from course.build.text import without_markers
from course.grading.intake import find_notebook
from course.grading.record import Record
from course.grading.restore import restored
from course.grading.work import Folder, Lesson
from course.paths import Chapter

CH02 = Chapter("ch02_conv2d")
SOURCE = nbformat.read(CH02.made("source"), as_version=4)
LESSON = Lesson(CH02.id, CH02.notebook, Record.of_notebook(SOURCE))
ANSWERS = {n for n, c in LESSON.record.cells.items() if c.solution and c.kind == "code"}
ALL = sum(c.points for c in LESSON.record.cells.values() if c.is_test)


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def place(nb, wanted):
    return next(i for i, c in enumerate(nb.cells) if name(c) == wanted)


def solved():
    """The release notebook with the course's own answers, without cells that only draw."""
    nb = nbformat.read(CH02.made("release"), as_version=4)
    answers = {name(c): without_markers(c.source) for c in SOURCE.cells if name(c)}
    for cell in nb.cells:
        if name(cell) in ANSWERS:
            cell.source = answers[name(cell)]
    nb.cells = [c for c in nb.cells if name(c) or c.cell_type == "markdown"]
    return nb


def graded(nb):
    """What each test is worth when the cells run one after the other, and the notes."""
    data = json.dumps(nb).encode()
    found, _, noticed = find_notebook(Folder({"conv2d.ipynb": data}), LESSON)
    after, repairs = restored(found, LESSON.record)
    space, points = {}, {}
    for cell in after.cells:
        if cell.cell_type != "code":
            continue
        try:
            exec(compile(cell.source, cell.id, "exec"), space)
            right = True
        except Exception:
            right = False
        if cell.metadata.get("nbgrader", {}).get("grade"):
            points[name(cell)] = cell.metadata.nbgrader.points * right
    plt.close("all")
    return points, noticed + repairs


def change_none(nb):
    pass


def delete(*names):
    return lambda nb: setattr(nb, "cells", [c for c in nb.cells if name(c) not in names])


def strip(nb):
    for cell in nb.cells:
        cell.metadata = {}


def rename(nb):
    for number, cell in enumerate(nb.cells):
        if name(cell):
            cell.metadata.nbgrader.grade_id = f"cell-{number}"


def retype(nb):
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.cell_type = "raw"
            del cell["outputs"], cell["execution_count"]


def halve_points(nb):
    for cell in nb.cells:
        if name(cell):
            cell.metadata.nbgrader.update(points=0.5, solution=False, locked=False, grade=False)


def skip_tests(nb):
    for cell in nb.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]


def edit_tests(nb):
    for cell in nb.cells:
        if name(cell) and name(cell) not in ANSWERS:
            cell.source = "raise SystemError" if cell.cell_type == "code" else "edited"


def answers_last(nb):
    answers = [c for c in nb.cells if name(c) in ANSWERS]
    nb.cells = [c for c in nb.cells if name(c) not in ANSWERS] + answers


def backwards(nb):
    nb.cells.reverse()


def all_twice(nb):
    nb.cells = [copy.deepcopy(c) for cell in nb.cells for c in (cell, cell)]


def stubs_behind(nb):
    """Every answer cell is followed by an empty copy of it, as after an undo."""
    for wanted in ANSWERS:
        stub = copy.deepcopy(nb.cells[place(nb, wanted)])
        stub.source = LESSON.record.cells[wanted].source
        nb.cells.insert(place(nb, wanted) + 1, stub)


def split(nb):
    """JupyterLab's split leaves the metadata on both halves, others only on the first."""
    for wanted, both in (("cross_correlate2d", True), ("conv2d", False)):
        i = place(nb, wanted)
        first, second = copy.deepcopy(nb.cells[i]), copy.deepcopy(nb.cells[i])
        first.source = "import math\nlimit = math.inf"
        second.source = second.source.replace("):\n", ", limit=limit):\n", 1)
        if not both:
            second.metadata = {}
        nb.cells[i : i + 1] = [first, second]


def from_scratch(nb):
    code = [c.source for c in nb.cells if name(c) in ANSWERS]
    nb.cells = [nbformat.v4.new_code_cell("\n\n".join(code))]


def a_cell_each(nb):
    code = [c.source for c in nb.cells if name(c) in ANSWERS]
    nb.cells = [nbformat.v4.new_code_cell(c) for c in code]


def own_cells_below(nb):
    """Written into new cells at the end; those of the course stay empty."""
    for cell in list(nb.cells):
        if name(cell) in ANSWERS:
            nb.cells.append(nbformat.v4.new_code_cell(cell.source))
            cell.source = LESSON.record.cells[name(cell)].source


FREE = {  # what costs nothing, and what the notes say
    "nothing": (change_none, None),
    "the setup deleted": (delete("setup"), "`setup` was missing"),
    "tests deleted": (
        delete("cross_correlate2d-hidden", "conv2d-examples"),
        "were missing and have been put back",
    ),
    "metadata stripped": (strip, "lost their names"),
    "cells renamed": (rename, "lost their names"),
    "cells retyped": (retype, "were no longer of the course's type"),
    "points and flags edited": (halve_points, "other points or settings"),
    "tests told to be skipped": (skip_tests, None),
    "tests edited": (edit_tests, "not as the course gives them"),
    "answers behind all tests": (answers_last, "out of order"),
    "all backwards": (backwards, "out of order"),
    "all cells twice": (all_twice, "more than once"),
    "empty copies behind the answers": (stubs_behind, "more than once"),
    "answers split": (split, "`cross_correlate2d` was there more than once"),
    "one cell from scratch": (from_scratch, "stand in other cells"),
    "a cell each from scratch": (a_cell_each, "lost their names"),
    "own cells at the end": (own_cells_below, "were still empty"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FREE)
def test_what_can_be_mended_costs_nothing_and_is_said(case):
    nb = solved()
    change, said = FREE[case]
    change(nb)
    points, notes = graded(nb)
    assert sum(points.values()) == ALL, points
    assert (said is None) == (notes == []), notes
    assert said is None or any(said in note for note in notes)


def unfinished(nb):
    """A bracket is missing."""
    nb.cells[place(nb, "conv2d")].source += "\n("


COSTLY = {  # what costs one exercise, and what the notes say
    "an answer deleted": (
        delete("conv2d"),
        "conv2d",
        "`conv2d` was missing and has been put back, without an answer",
    ),
    "an exercise deleted": (
        delete(
            "conv2d", "conv2d-examples", *(n for n in LESSON.record.cells if n.startswith("conv2d-hidden"))
        ),
        "conv2d",
        "`conv2d` was missing and has been put back, without an answer",
    ),
    "code that doesn't parse": (unfinished, "conv2d", None),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", COSTLY)
def test_what_is_lost_costs_its_own_exercise_alone(case):
    nb = solved()
    change, exercise, said = COSTLY[case]
    change(nb)
    points, notes = graded(nb)
    lost = {
        n
        for n, c in LESSON.record.cells.items()
        if c.is_test and n.startswith((f"{exercise}-examples", f"{exercise}-hidden"))
    }
    assert {n for n, p in points.items() if not p} - {"why-im2col"} == lost
    assert said is None or any(said in note for note in notes)
