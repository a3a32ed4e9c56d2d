"""A notebook that lost cells, names or order gets them back, each with a note; what is whole stays as it is."""

import copy
import shutil

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell

from course.build.text import without_markers
from course.converters import settings as nbgrader_settings
from course.grading.grade import register
from course.grading.preprocessors import SANITIZE_STEPS, RestoreCells
from course.grading.record import Record
from course.grading.restore import NOTES, restored
from course.paths import Chapter, chapters

CH01, CH02 = Chapter("ch01_conv1d"), Chapter("ch02_conv2d")


def read(chapter, folder):
    return nbformat.read(chapter.made(folder), as_version=4)


RECORDS = {c: Record.of_notebook(read(c, "source")) for c in chapters()}
RECORD = RECORDS[CH01]
RELEASE = read(CH01, "release")
ANSWER = "def similarity(w, window):\n    return float((w * 1.0 * window).sum())"


@pytest.fixture
def nb():
    return copy.deepcopy(RELEASE)


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def cell(nb, wanted):
    return next(c for c in nb.cells if name(c) == wanted)


def place(nb, wanted):
    return next(i for i, c in enumerate(nb.cells) if name(c) == wanted)


def answer(nb, wanted="similarity", source=ANSWER):
    cell(nb, wanted).source = source
    return nb


def is_whole(after, record=RECORD):
    """Every recorded cell once, in order, with the record's metadata and the course's tests; and valid."""
    mine = [c for c in after.cells if "nbgrader" in c.metadata]
    assert [name(c) for c in mine] == list(record.cells)
    for c, recorded in zip(mine, record.cells.values(), strict=True):
        assert c.metadata == {"nbgrader": recorded.metadata()}
        assert c.cell_type == recorded.kind
        assert recorded.solution or c.source == recorded.source
    nbformat.validate(after)


def repaired(nb, record=RECORD):
    before = copy.deepcopy(nb)
    after, notes = restored(nb, record)
    assert nb == before, "the notebook that is handed over stays as it is"
    is_whole(after, record)
    assert restored(after, record) == (after, []), "what was repaired is whole"
    return after, notes


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
@pytest.mark.parametrize("folder", ["release", "source"])
def test_a_whole_notebook_stays_as_it_is(chapter, folder):
    nb = read(chapter, folder)
    after, notes = repaired(nb, RECORDS[chapter])
    assert notes == []
    own = [c.source for c in nb.cells if not name(c) or RECORDS[chapter].cells[name(c)].solution]
    assert [c.source for c in after.cells if not name(c) or c.metadata.nbgrader.solution] == own
    assert [c.id for c in after.cells] == [c.id for c in nb.cells]


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_prose_behind_a_deleted_written_answer_is_not_taken_for_it(chapter):
    nb = read(chapter, "release")
    (gone,) = [n for n, c in RECORDS[chapter].cells.items() if c.solution and c.kind == "markdown"]
    nb.cells = [c for c in nb.cells if name(c) != gone]
    after, notes = repaired(nb, RECORDS[chapter])
    assert cell(after, gone).source == RECORDS[chapter].cells[gone].source
    assert notes == [f"the cell `{gone}` was missing and has been put back, without an answer"]


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
        list(RECORD.cells),
    ],
    ids=lambda gone: ", ".join(gone[:4]),
)
def test_deleted_cells_come_back_in_their_places(nb, gone):
    nb.cells = [c for c in nb.cells if name(c) not in gone]
    _, notes = repaired(nb)
    assert all("put back" in note for note in notes)
    if len(gone) < 5:
        assert all(any(f"`{g}`" in note for note in notes) for g in gone)


def test_an_empty_notebook_gets_all_cells():
    repaired(nbformat.v4.new_notebook())


def test_stripped_metadata_is_found_again_by_content(nb):
    answers = {}
    for c in nb.cells:
        if c.metadata.get("nbgrader", {}).get("solution"):
            c.source += "\n\nThe words of a student." if c.cell_type == "markdown" else "\nmine = 1"
            answers[name(c)] = c.source
        c.metadata = nbformat.NotebookNode()
    order = [c.source for c in nb.cells if c.source in answers.values()]
    after, notes = repaired(nb)
    assert {n: cell(after, n).source for n in answers} == answers
    assert [c.source for c in after.cells if c.source in answers.values()] == order
    assert len(after.cells) == len(nb.cells)
    (note,) = notes
    assert "and 22 more lost their names and were found by their content" in note


def test_renamed_cells_are_found_by_content_and_strange_names_are_said(nb):
    answer(nb)
    cell(nb, "similarity").metadata.nbgrader.grade_id = "mine"
    cell(nb, "similarity-examples").metadata.nbgrader.grade_id = "theirs"
    nb.cells.append(new_code_cell("1", metadata={"nbgrader": {"grade_id": "extra\x1b", "grade": True}}))
    after, notes = repaired(nb)
    assert cell(after, "similarity").source == ANSWER
    assert notes == [
        "the cells `similarity`, `similarity-examples` lost their names and were found by their content",
        "the cell `extra?` is not one of this chapter's and counts as an ordinary cell",
    ]


def test_an_answer_in_a_cell_of_its_own_takes_the_place_of_the_empty_one(nb):
    nb.cells.append(new_code_cell(ANSWER))
    after, notes = repaired(nb)
    assert cell(after, "similarity").source == ANSWER
    assert sum("def similarity" in c.source for c in after.cells) == 1
    assert notes == [
        "the cell `similarity` was still empty; its answer was found in another cell",
        "the cell `similarity` was out of order and has been moved to its place",
    ]


def test_an_answer_written_over_the_examples_is_kept_and_the_examples_come_back(nb):
    answer(nb, "similarity-examples")
    nb.cells = [c for c in nb.cells if name(c) != "similarity"]
    after, notes = repaired(nb)
    assert cell(after, "similarity").source == ANSWER
    assert any("`similarity-examples` was missing" in note for note in notes)


def test_answers_in_one_cell_run_before_all_their_tests():
    answers = [c for c in read(CH01, "source").cells if c.metadata.get("nbgrader", {}).get("solution")]
    code = "\n".join(without_markers(c.source) for c in answers if c.cell_type == "code")
    after, notes = repaired(nbformat.v4.new_notebook(cells=[new_code_cell("import numpy as np\n" + code)]))
    assert cell(after, "similarity").source.endswith(code)
    assert cell(after, "conv1d").source == ""
    assert any("`conv1d`" in n and "stand in other cells and were run there" in n for n in notes)


@pytest.mark.parametrize("both_named", [True, False])
def test_a_split_answer_stays_together(nb, both_named):
    i = place(nb, "similarity")
    second = copy.deepcopy(nb.cells[i])
    nb.cells[i].source, second.source, second["id"] = "factor = 1.0", ANSWER, "second"
    if not both_named:
        nb.cells[i].source, second.source = ANSWER, "inner = similarity"
        second.metadata = nbformat.NotebookNode()
    nb.cells.insert(i + 1, second)
    nb.cells = [c for c in nb.cells if name(c) != "similarity-examples"]
    after, notes = repaired(nb)
    i = place(after, "similarity-examples")
    assert {after.cells[i - 2].source, after.cells[i - 1].source} == {
        nb.cells[place(nb, "similarity")].source,
        second.source,
    }
    assert cell(after, "similarity").source == ANSWER
    assert any("more than once" in note for note in notes) == both_named


@pytest.mark.parametrize("last_is_empty", [True, False])
def test_of_copied_answers_the_last_written_one_counts(nb, last_is_empty):
    i = place(nb, "similarity")
    first, second = copy.deepcopy(nb.cells[i]), copy.deepcopy(nb.cells[i])
    first.source, second.source = ANSWER + "  # first", ANSWER + "  # second"
    copies = [first, second, nb.cells[i]] if last_is_empty else [nb.cells[i], first, second]
    nb.cells[i : i + 1] = copies
    after, notes = repaired(nb)
    assert cell(after, "similarity").source == second.source
    assert sum(c.source == nb.cells[i].source for c in after.cells) == (1 if last_is_empty else 0)
    assert all("NotImplementedError" not in c.source for c in after.cells[i : i + 2])
    assert len(notes) == 1
    assert "`similarity` was there more than once" in notes[0]


def test_copies_of_a_test_are_left_out_or_run_as_ordinary_cells(nb):
    same, other = (copy.deepcopy(cell(nb, "conv1d-examples")) for _ in range(2))
    other.source = "print('my own')"
    nb.cells += [same, other]
    after, notes = repaired(nb)
    assert len(after.cells) == len(nb.cells) - 1
    assert (after.cells[-1].source, name(after.cells[-1])) == ("print('my own')", None)
    assert len(notes) == 1


def test_an_empty_copy_without_a_name_does_not_undo_the_answer(nb):
    stub = copy.deepcopy(cell(nb, "similarity"))
    stub.metadata, stub["id"] = nbformat.NotebookNode(), "stub"
    answer(nb)
    nb.cells.insert(place(nb, "similarity") + 1, stub)
    after, notes = repaired(nb)
    assert sum("def similarity" in c.source for c in after.cells) == 1
    assert "more than once" in notes[0]


def test_an_answer_below_its_tests_moves_with_what_it_calls(nb):
    moved = nb.cells.pop(place(answer(nb), "similarity"))
    nb.cells += [new_markdown_cell("mine"), new_code_cell("half = 0.5"), moved, new_code_cell("twice = 2")]
    after, notes = repaired(nb)
    i = place(after, "similarity-examples")
    assert [c.source for c in after.cells[i - 3 : i]] == ["half = 0.5", ANSWER, "twice = 2"]
    assert notes == ["the cell `similarity` was out of order and has been moved to its place"]


def test_answers_beside_each_other_move_and_no_cell_is_lost_or_doubled(nb):
    moved = [nb.cells.pop(place(nb, n)) for n in ("similarity", "conv1d", "count_windows")]
    nb.cells += [moved[0], new_code_cell("a"), moved[1], new_code_cell("b"), moved[2]]
    after, _ = repaired(nb)
    assert sorted(c.id for c in after.cells) == sorted(c.id for c in nb.cells)


def test_swapped_exercises_go_back(nb):
    i, j = place(nb, "similarity"), place(nb, "count_windows")
    nb.cells[i : i + 3], nb.cells[j : j + 3] = nb.cells[j : j + 3], nb.cells[i : i + 3]
    _, notes = repaired(nb)
    assert len(notes) == 1
    assert "out of order" in notes[0]


def test_swapped_names_follow_the_code(nb):
    one, two = cell(nb, "similarity"), cell(nb, "conv1d")
    one.source, two.source = ANSWER, "def conv1d(x, w, b=None, stride=1):\n    return x"
    one.metadata.nbgrader.grade_id, two.metadata.nbgrader.grade_id = "conv1d", "similarity"
    after, _ = repaired(nb)
    assert [c.source for c in after.cells if "return x" in c.source or c.source == ANSWER] == [
        ANSWER,
        two.source,
    ]


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("which", ["similarity", "similarity-examples", "setup"])
def test_retyped_cells_get_their_type_back(nb, kind, which):
    answer(nb)
    c = cell(nb, which)
    c.cell_type = kind
    del c["outputs"], c["execution_count"]
    after, notes = repaired(nb)
    assert cell(after, "similarity").source == ANSWER
    assert notes == [f"the cell `{which}` was no longer of the course's type and has it again"]


def test_a_written_answer_in_a_code_cell_is_text_again(nb):
    c = cell(nb, "why-shared-weights")
    c.update(cell_type="code", source="Because.", outputs=[], execution_count=3)
    after, notes = repaired(nb)
    assert cell(after, "why-shared-weights").source == "Because."
    assert len(notes) == 1


def test_edited_tests_points_and_flags_count_for_nothing_and_are_said(nb):
    cell(nb, "similarity-hidden").source = "pass"
    cell(nb, "setup").source += "\nassert = None"
    cell(nb, "conv1d-hidden").metadata.nbgrader.points = 1000
    cell(nb, "convolve-hidden").metadata.nbgrader.update(solution=True, locked=False)
    cell(nb, "convolve-hidden").metadata["tags"] = ["skip-execution"]
    _, notes = repaired(nb)
    assert notes == [
        "the cells `setup`, `similarity-hidden` were not as the course gives them; the course's own were used",
        "the cells `convolve-hidden`, `conv1d-hidden` had other points or settings than the course gives; "
        "the course's own count",
    ]


def test_line_ends_and_blanks_are_no_change(nb):
    for c in nb.cells:
        c.source = c.source.replace("\n", "  \r\n") + "\n\n"
    assert repaired(nb)[1] == []


@pytest.mark.parametrize("fields", [None, [], "x", {}, {"grade_id": None}, {"grade_id": 5}, {"grade_id": ""}])
def test_metadata_that_is_none_is_dropped(nb, fields):
    for c in (cell(nb, "similarity"), nb.cells[0]):
        c.metadata["nbgrader"] = fields
    after, _ = repaired(nb)
    assert "nbgrader" not in after.cells[0].metadata


def test_metadata_of_another_schema_is_replaced(nb):
    for c in nb.cells:
        if fields := c.metadata.get("nbgrader"):
            c.metadata["nbgrader"] = {"grade_id": fields.grade_id, "grade": fields.grade, "schema_version": 1}
    _, notes = repaired(nb)
    assert len(notes) == 1
    assert "other points or settings" in notes[0]


def test_tests_with_the_same_words_are_told_apart_by_their_places():
    chapter = Chapter("ch06_backprop")
    nb = read(chapter, "release")
    gone = RECORDS[chapter].cells
    for c in nb.cells:
        if name(c) in gone and not gone[name(c)].solution:
            c.metadata = nbformat.NotebookNode()
    _, notes = repaired(nb, RECORDS[chapter])
    assert len(notes) == 1  # found by content, and nothing moved


PLAIN = {c.source for c in read(CH02, "source").cells if not name(c)}
NEW = ["def conv2d(x): 1", "conv_matrix = 2", "", "x\n" * 9]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_whatever_happens_to_a_notebook_all_cells_come_back_in_order(data):
    record = RECORDS[CH02]
    nb = read(CH02, "source")
    for _ in range(data.draw(st.integers(1, 12))):
        damage(nb, data)
    after, _ = repaired(nb, record)
    kept = {c.source for c in after.cells}
    own = {c.source for c in nb.cells if not name(c)} & (PLAIN | {*NEW})
    assert own - {""} <= kept, "no cell is lost that is none of the course's own"


def damage(nb, data):
    kind = data.draw(
        st.sampled_from(["drop", "double", "shuffle", "swap names", "name", "retype", "strip", "edit", "new"])
    )
    if not nb.cells or kind == "new":
        nb.cells.append(new_code_cell(data.draw(st.sampled_from(NEW))))
        return
    index = st.integers(0, len(nb.cells) - 1)
    one, two = nb.cells[data.draw(index)], nb.cells[data.draw(index)]
    if kind == "drop":
        nb.cells.remove(one)
    elif kind == "double":
        nb.cells.insert(data.draw(index), copy.deepcopy(one))
    elif kind == "shuffle":
        data.draw(st.randoms(use_true_random=False)).shuffle(nb.cells)
    elif kind == "swap names":
        one.metadata, two.metadata = two.metadata, one.metadata
    elif kind == "name":
        one.metadata = copy.deepcopy(two.metadata)
    elif kind == "retype":
        one.cell_type = data.draw(st.sampled_from(["code", "markdown", "raw"]))
        one.pop("outputs", None), one.pop("execution_count", None)
        one.update({"outputs": [], "execution_count": None} if one.cell_type == "code" else {})
    elif kind == "strip":
        for c in nb.cells if data.draw(st.booleans()) else [one]:
            c.metadata = nbformat.NotebookNode()
    else:
        one.source = data.draw(
            st.sampled_from(["", "pass", two.source, one.source + "\nx = 1", one.source[:40]])
        )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    path = CH01.made("source", folder)
    path.parent.mkdir(parents=True)
    shutil.copy(CH01.made("source"), path)
    register(CH01, folder)
    return folder


@pytest.fixture
def resources(root):
    url = nbgrader_settings(root).CourseDirectory.db_url
    return {"nbgrader": {"notebook": "conv1d", "assignment": CH01.id, "db_url": url}}


def test_as_a_step_of_nbgrader_it_leaves_its_notes_in_the_notebook(nb, resources):
    nb.metadata[NOTES] = ["a note of the student's"]
    nb.cells = [c for c in nb.cells if name(c) != "conv1d-hidden"]
    after, _ = RestoreCells().preprocess(nb, resources)
    is_whole(after)
    assert after.metadata[NOTES] == ["the cell `conv1d-hidden` was missing and has been put back"]


def test_nbgraders_own_steps_find_nothing_left_to_change(nb, resources):
    twins = [copy.deepcopy(cell(nb, n)) for n in ("similarity", "conv1d-examples")]
    cell(nb, "find_pattern").cell_type = "raw"
    cell(nb, "convolve-hidden").metadata.nbgrader.update(points=7, locked=False)
    nb.cells = [c for c in nb.cells if name(c) not in ("setup", "count_windows")] + twins
    nb.metadata.kernelspec.name = "ir"
    whole = None
    for step in SANITIZE_STEPS:
        nb, _ = step().preprocess(nb, resources)
        whole = copy.deepcopy(nb) if step is RestoreCells else whole
    checksums = [c.metadata.nbgrader.pop("checksum") for c in nb.cells if "nbgrader" in c.metadata]
    assert all(checksums)
    is_whole(nb)
    assert nb.cells == whole.cells
    assert nb.metadata.kernelspec.name == "python3"
