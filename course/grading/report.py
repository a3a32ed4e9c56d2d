"""The class at a glance, in the terminal: who has which marks, what failed, what the class misunderstands."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from course.grading.grade import Result
from course.kit.exercise import load
from course.paths import Chapter


def print_marks(console: Console, results: Sequence[Result]) -> None:
    """A row a student, a column a chapter; "+8" are points that wait for a person."""
    by_place = {(r.student, r.chapter): r for r in results}
    chapters = sorted({r.chapter for r in results}, key=lambda c: c.id)
    table = Table(title="Marks", caption="of 100; +n: points for written answers, still to be marked by hand")
    table.add_column("student")
    for chapter in chapters:
        table.add_column(chapter.id, justify="right")
    for student in sorted({r.student for r in results}):
        table.add_row(student, *(_mark(by_place.get((student, c))) for c in chapters))
    table.add_section()
    table.add_row("mean", *(_mean([r for r in results if r.chapter == c]) for c in chapters))
    console.print(table)


def print_mistakes(console: Console, results: Sequence[Result], most: int = 8) -> None:
    """The mistakes that most students made, with the reason."""
    counted: collections.Counter[tuple[Chapter, str, str]] = collections.Counter(
        (r.chapter, exercise, mistake) for r in results for exercise, mistake in r.mistakes
    )
    if not counted:
        return
    table = Table(title="What the class misunderstands")
    for column in ("students", "exercise", "mistake", "why"):
        table.add_column(column, justify="right" if column == "students" else "left", overflow="fold")
    for (chapter, exercise, mistake), students in sorted(
        counted.items(), key=lambda kv: (-kv[1], str(kv[0]))
    )[:most]:
        why = load(chapter.id)[exercise].mistakes[mistake].explanation
        table.add_row(str(students), exercise, mistake, why)
    console.print(table)


def _mark(result: Result | None) -> str:
    if result is None:
        return "-"
    if result.error:
        return "failed"
    return f"{result.score:g}" + (f" +{result.by_hand:g}" if result.by_hand else "")


def _mean(results: Sequence[Result]) -> str:
    scores = [r.score for r in results if not r.error]
    return f"{sum(scores) / len(scores):.1f}" if scores else "-"
