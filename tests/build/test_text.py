"""Text and notebook carry the same chapter, both ways."""

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.build import text
from course.paths import chapters

SOURCES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=80)


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_committed_texts_are_canonical(chapter):
    content = chapter.text.read_text("utf-8")
    assert text.write(text.read(content)) == content


@given(st.lists(st.tuples(st.sampled_from(["code", "markdown"]), SOURCES), max_size=5))
def test_what_is_written_reads_back_or_is_refused(cells):
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    nb = nbformat.v4.new_notebook(cells=[new[kind](source) for kind, source in cells])
    try:
        written = text.write(nb)
    except text.TextError:
        return
    assert text.content(text.read(written)) == text.content(nb)


def test_nbgrader_fields_survive_in_a_short_header():
    header = '# %% nbgrader={"grade_id": "f-hidden", "points": 2.5} tags=["figure"]\nassert True\n'
    nb = text.read(header)
    assert nb.cells[0].metadata.nbgrader == {
        "schema_version": 3,
        "grade_id": "f-hidden",
        "solution": False,
        "grade": True,
        "locked": True,
        "task": False,
        "points": 2.5,
    }
    assert text.content(text.read(text.write(nb))) == text.content(nb)


def test_attachments_are_refused_by_cell():
    cell = nbformat.v4.new_markdown_cell(
        "![](attachment:a.png)", attachments={"a.png": {"image/png": "aGk="}}
    )
    with pytest.raises(text.TextError, match="cell 2"):
        text.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1"), cell]))


def test_cells_are_named_by_grade_id_or_number():
    nb = text.read('# %%\n1\n\n# %% nbgrader={"grade_id": "f", "solution": true}\n2\n')
    assert [c.id for c in nb.cells] == ["cell-000", "f"]
