"""What a submission says can't do anything to the terminal it is shown in."""

import io

import pytest
from rich.console import Console

from course.grading.check import Checked, CheckError, lesson_of
from course.grading.grade import Result
from course.grading.report import (
    clean,
    print_checked,
    print_marks,
    print_mistakes,
    print_remarks,
    progress_line,
)
from course.paths import ROOT, Chapter

CH01 = Chapter("ch01_conv1d")


def printed(show, *what):
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    show(console, *what)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\rb\nc\td", "a b c d"),
        ("\x9b2J\x00\x08x", "2Jx"),
        ("abc\u202edef", "abcdef"),
        ("caf\udce9", "caf"),
        ("Zoë 🐢", "Zoë 🐢"),
    ],
)
def test_only_text_is_left(said, shown):
    assert clean(said) == shown


def test_names_notes_and_reasons_are_shown_as_they_are():
    bad = "[bold]x[/bold] :smile:\x1b[2J"
    result = Result(CH01, bad, 10, 100, notes=[bad], error=bad)
    for text in (printed(print_marks, [result]), printed(print_remarks, [result]), progress_line(result)):
        assert "[bold]x[/bold] :smile:" in text
        assert "\x1b" not in text


def test_the_most_frequent_mistakes_come_first():
    flips, sums = (
        ("cross_correlate", "flips_the_kernel", "Convolution."),
        ("similarity", "sums", "No products."),
    )
    text = printed(
        print_mistakes, [Result(CH01, "ada", mistakes=[sums, flips]), Result(CH01, "bob", mistakes=[flips])]
    )
    assert text.index("flips_the_kernel") < text.index("No products.")
    assert printed(print_mistakes, [Result(CH01, "ada")]) == ""


def test_lines_of_a_submission():
    graded = Result(CH01, "ada", 52, 100, 8, seconds=0.5)
    assert progress_line(graded) == "ada  ch01_conv1d  52 +8  graded, 0.50 s"
    assert progress_line(Result(CH01, "ada", 52, 100, skipped=True)) == "ada  ch01_conv1d  52  up to date"
    assert progress_line(Result(CH01, "ada", error="cut off")) == "ada  ch01_conv1d  failed  FAILED: cut off"


def test_a_checked_notebook_by_exercise():
    test = {
        "label": "examples",
        "score": 0,
        "points": 2,
        "state": "wrong",
        "message": "one\n  two \x1b[31m[b]",
    }
    said = {"tests": [test], "score": 0, "summary": "", "trouble": ""}
    exercise = said | {"name": "dot", "written": False, "points": 2, "state": "wrong", "trouble": "a slip"}
    question = said | {"name": "why", "written": True, "points": 8, "state": "wait"}
    checked = Checked(CH01.id, [exercise, question], ["a note"], "full")
    assert not checked.passed
    assert printed(print_checked, checked).splitlines() == [
        "note: a note",
        "dot: 0 of 2",
        "  a slip",
        "  examples: 0 of 2",
        "    one",
        "      two [b]",
        "why: to be marked by hand, 8 points",
        "0 of 1 tests passed, 0 of 2 points",
    ]


def test_the_chapter_of_a_notebook_is_found_by_name_or_cells(tmp_path):
    renamed = tmp_path / "mine.ipynb"
    renamed.write_bytes(CH01.made("release").read_bytes())
    assert lesson_of(renamed, visible=False, root=ROOT).chapter == CH01.id
    named = tmp_path / "conv2d.ipynb"
    named.write_text("")
    seen, whole = lesson_of(named, visible=True), lesson_of(named, visible=False)
    assert seen.chapter == whole.chapter == "ch02_conv2d"
    assert "BEGIN HIDDEN TESTS" in str(whole.record)
    assert "BEGIN HIDDEN TESTS" not in str(seen.record)
    assert "def conv2d(" in seen.record.cells["conv2d"].source
    for name, data in (("half.ipynb", CH01.made("release").read_bytes()[:-500]), ("my Conv1D.ipynb", b"")):
        (tmp_path / name).write_bytes(data)
        assert lesson_of(tmp_path / name, visible=False).chapter == CH01.id
    with pytest.raises(CheckError, match="neither its name nor its cells"):
        lesson_of(ROOT / "README.md", visible=True)
