"""A notebook that lost cells or metadata gets them back, each with a note; what is whole stays as it is."""

import copy
import shutil

import nbformat
import pytest

from course.converters import settings
from course.grading.grade import register
from course.grading.restore import NOTES, RestoreCells
from course.paths import Chapter

CH01 = Chapter("ch01_conv1d")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    path = CH01.made("source", folder)
    path.parent.mkdir(parents=True)
    shutil.copy(CH01.made("source"), path)
    register(CH01, folder)
    return folder


@pytest.fixture
def nb():
    return nbformat.read(CH01.made("release"), as_version=4)


def restored(nb, root):
    place = {"notebook": "conv1d", "assignment": CH01.id, "db_url": settings(root).CourseDirectory.db_url}
    return RestoreCells().preprocess(nb, {"nbgrader": place})[0]


def roles(nb):
    kept = ("grade_id", "grade", "solution", "locked", "points")
    fields = [c.metadata.nbgrader for c in nb.cells if "nbgrader" in c.metadata]
    return [{k: f[k] for k in kept if k in f} for f in fields]


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def by_id(fields):
    return fields["grade_id"]


def test_a_whole_notebook_stays_as_it_is(nb, root):
    before = [(c.cell_type, c.source) for c in nb.cells]
    after = restored(nb, root)
    assert [(c.cell_type, c.source) for c in after.cells] == before
    assert after.metadata[NOTES] == []


@pytest.mark.parametrize(
    "gone",
    [
        ["setup"],
        ["similarity"],
        ["similarity-examples"],
        ["conv1d-hidden-bias", "conv1d-hidden-stride"],
        ["setup", "similarity", "similarity-examples", "similarity-hidden"],
        ["why-shared-weights"],
        ["why-shared-weights-question", "why-shared-weights"],
        ["find_pattern-hidden"],
    ],
    ids=", ".join,
)
def test_deleted_cells_come_back_in_their_places(nb, root, gone):
    whole = roles(nb)
    nb.cells = [c for c in nb.cells if name(c) not in gone]
    after = restored(nb, root)
    assert roles(after) == whole
    assert all(any(g in note for note in after.metadata[NOTES]) for g in gone)


def test_stripped_metadata_is_found_again_by_content(nb, root):
    whole = roles(nb)
    answers = {}
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source += "\n\nThe words of a student." if cell.cell_type == "markdown" else "\nmine = 1"
            answers[name(cell)] = cell.source
        cell.metadata.pop("nbgrader", None)
    after = restored(nb, root)
    assert sorted(roles(after), key=by_id) == sorted(whole, key=by_id)
    assert {
        name(c): c.source for c in after.cells if c.metadata.get("nbgrader", {}).get("solution")
    } == answers


def test_prose_behind_a_deleted_written_answer_is_not_taken_for_it(nb, root):
    nb.cells = [c for c in nb.cells if name(c) != "why-shared-weights"]
    after = restored(nb, root)
    (answer,) = [c for c in after.cells if name(c) == "why-shared-weights"]
    assert "Finding a pattern" not in answer.source


def test_a_copied_cell_is_an_ordinary_cell(nb, root):
    twin = copy.deepcopy(next(c for c in nb.cells if name(c) == "conv1d-examples"))
    twin.metadata.nbgrader, twin["id"] = {}, "twin"  # as nbgrader's DeduplicateIds leaves it
    nb.cells.append(twin)
    after = restored(nb, root)
    assert "nbgrader" not in after.cells[-1].metadata
    assert after.metadata[NOTES] == []
