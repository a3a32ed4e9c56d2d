"""Building: the same bytes every time, nothing of the teacher's in the release, nobody's work overwritten."""

import nbformat
import numpy as np
import pytest

from course import converters
from course.build import pipeline
from course.build.pull import pull
from course.paths import chapters


@pytest.mark.slow
@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_committed_notebooks_are_what_the_text_gives(chapter):
    assert pipeline.build(chapter).stale() == []


@pytest.mark.slow
@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_an_older_processor_makes_the_same_notebooks(chapter, monkeypatch):
    """Other instructions round otherwise: nothing that is printed or drawn may hang on the last bit."""
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", " ".join(found))  # of numpy, in the kernels
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")  # of torch
    assert pipeline.build(chapter).stale() == []


def test_a_build_gives_the_same_bytes_again(chapter, tmp_path):
    first = pipeline.update(chapter, tmp_path)
    assert [p.relative_to(tmp_path).parts[0] for p in first] == ["source", "release", "solutions"]
    assert pipeline.update(chapter, tmp_path) == []


def test_release_and_solution_hold_what_they_should(chapter, tmp_path):
    pipeline.update(chapter, tmp_path)
    release, solution = (chapter.made(f, tmp_path).read_text() for f in ("release", "solutions"))
    assert "n + n" not in release
    assert "[2, 4, 6]" not in release
    assert "raise NotImplementedError()" in release
    assert "n + n" in solution
    assert "[2, 4, 6]" not in solution
    assert "BEGIN" not in solution


def edit(path, change):
    nb = nbformat.read(path, as_version=4)
    change(nb)
    nbformat.write(nb, path)


def test_a_notebook_edited_by_hand_is_never_overwritten(chapter, tmp_path):
    pipeline.update(chapter, tmp_path)
    source = chapter.made("source", tmp_path)
    edit(source, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("A thought.")))
    before = source.read_bytes()
    with pytest.raises(pipeline.BuildError, match="course pull ch90_double"):
        pipeline.update(chapter, tmp_path)
    assert source.read_bytes() == before


def test_running_a_source_notebook_is_not_editing_it(chapter, tmp_path):
    pipeline.update(chapter, tmp_path)

    def run(nb):
        nb.cells[0].outputs = [nbformat.v4.new_output("stream", text="hello")]
        nb.cells[0].execution_count = 3
        nb.metadata.language_info = {"name": "python", "version": "3.13"}

    edit(chapter.made("source", tmp_path), run)
    assert [p.name for p in pipeline.update(chapter, tmp_path)] == ["double.ipynb"]


def test_pull_brings_an_edit_to_the_text_and_build_gives_it_back(chapter, tmp_path):
    pipeline.update(chapter, tmp_path)
    source = chapter.made("source", tmp_path)

    def change(nb):
        nb.cells[1].source += "\nMind the sign."
        nb.cells[3].metadata.nbgrader.points, nb.cells[4].metadata.nbgrader.points = 30, 70

    edit(source, change)
    edited = pipeline.text.content(nbformat.read(source, as_version=4))
    assert pull(chapter, tmp_path)
    assert "Mind the sign." in chapter.text.read_text()
    pipeline.update(chapter, tmp_path)
    assert pipeline.text.content(nbformat.read(source, as_version=4)) == edited
    assert not pull(chapter, tmp_path)


def test_pull_refuses_when_text_and_notebook_both_changed(chapter, tmp_path):
    pipeline.update(chapter, tmp_path)
    edit(
        chapter.made("source", tmp_path),
        lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("A thought.")),
    )
    chapter.text.write_text(chapter.text.read_text().replace("Twice n", "n, twice"))
    before = chapter.text.read_bytes()
    with pytest.raises(pipeline.BuildError, match="both"):
        pull(chapter, tmp_path)
    assert chapter.text.read_bytes() == before


BROKEN = {
    "duplicate grade_id": ('"grade_id": "double-hidden"', '"grade_id": "double-examples"'),
    "malformed grade_id": ('"grade_id": "double-examples"', '"grade_id": "double examples!"'),
    "add up to 99": ('"points": 60', '"points": 59'),
    "taken for marks": ("assert double(2) == 4", "double(2)\n40"),
    "no minutes": ("5 min", "soon"),
    "no difficulty": ("●○○○", ""),
    "no hint": ("<details><summary>Hint 1</summary>", ""),
    "ZeroDivisionError": ("return n + n", "return n / 0"),
    "wrote to stderr": (
        "numbers = [1, 2, 3]",
        "import sys\nnumbers = [1, 2, 3]\nprint('!', file=sys.stderr)",
    ),
    "memory address": ("numbers = [1, 2, 3]", "numbers = [1, 2, 3]\nprint(object())"),
    "don't pair up": ("    ### END SOLUTION\n", ""),
    "would be left in the release": (', "points": 60}', ', "locked": true}'),
    "not Python": ("assert double(2) == 4", "assert double(2) =="),
    "AssertionError": ("return n + n", "return n + n + 1"),
    "this test reads 'numbers' of cell 1": (
        ' nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]',
        "",
    ),
    "only a test (double-examples) defines": (
        "assert double(2) == 4",
        "four = 4\nassert double(2) == four\n\n# %%\nfive = four + 1",
    ),
    "defines 'numbers' anew, which setup defines": ("assert double(2) == 4", "numbers = 4"),
    "two lines\n  indented": ("return n + n", "raise ValueError('two lines\\n  indented')"),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_chapter_that_breaks_a_rule_is_refused_with_file_cell_and_reason(chapter, tmp_path, reason):
    old, new = BROKEN[reason]
    chapter.text.write_text(chapter.text.read_text().replace(old, new, 1))
    with pytest.raises(pipeline.BuildError) as refused:
        pipeline.update(chapter, tmp_path)
    assert reason in str(refused.value)
    assert "double.py" in str(refused.value)
    assert "cell" in str(refused.value)
    assert not (tmp_path / "source").exists()


def test_a_kernel_that_never_answered_is_started_once_more(monkeypatch, tmp_path):
    calls = []

    def flaky(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise converters.ConversionError("RuntimeError: Kernel didn't respond in 60 seconds")

    monkeypatch.setattr(converters, "_convert", flaky)
    converters.convert(object, "ch90_double", tmp_path)
    assert len(calls) == 2
    monkeypatch.setattr(
        converters, "_convert", lambda *_: (_ for _ in ()).throw(converters.ConversionError("broken"))
    )
    with pytest.raises(converters.ConversionError, match="broken"):
        converters.convert(object, "ch90_double", tmp_path)
