"""The class at a glance, in the terminal: who has which marks, what failed, what the class misunderstands."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from course.grading.check import Checked
from course.grading.feedback import NO_ANSWER
from course.grading.grade import Result
from course.paths import Chapter

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)", re.DOTALL)
_TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # text that runs the other way


def clean(text: str, lines: bool = False) -> str:
    """What a submission says, fit for a terminal: no colours, no control characters. lines: keep line ends."""
    text = _ESCAPES.sub("", text.expandtabs(4))
    if not lines:
        text = " ".join(text.split())
    kept = "".join(
        c for c in text if c == "\n" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in _TURNS)
    )
    return kept.encode("utf-8", "replace").decode()


def say(console: Console, line: str) -> None:
    """Print a line as it is: nothing in it is markup, and it is not wrapped."""
    console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def progress_line(result: Result) -> str:
    """A submission in one line: who, what, mark, state, seconds."""
    mark = _mark(result)
    if result.error:
        state = f"FAILED: {clean(result.error)}"
    elif result.skipped:
        state = "up to date"
    else:
        state = f"graded, {result.seconds:.2f} s"
    return f"{clean(result.student)}  {result.chapter.id}  {mark}  {state}"


def print_marks(console: Console, results: Sequence[Result]) -> None:
    """A row a student, a column a chapter; "+8" are points that wait for a person."""
    by_place = {(r.student, r.chapter): r for r in results}
    chapters = sorted({r.chapter for r in results}, key=lambda c: c.id)
    table = Table(title="Marks", caption="of 100; +n: points for written answers, still to be marked by hand")
    table.add_column("student")
    for chapter in chapters:
        table.add_column(chapter.id, justify="right")
    for student in sorted({r.student for r in results}):
        marks = [by_place.get((student, c)) for c in chapters]
        table.add_row(Text(clean(student)), *("-" if r is None else _mark(r) for r in marks))
    table.add_section()
    table.add_row("mean", *(_mean([r for r in results if r.chapter == c]) for c in chapters))
    console.print(table)


def print_mistakes(console: Console, results: Sequence[Result], most: int = 8) -> None:
    """The mistakes that most students made, with the reason."""
    counted: collections.Counter[tuple[Chapter, str, str, str]] = collections.Counter(
        (r.chapter, *mistake) for r in results for mistake in r.mistakes
    )
    if not counted:
        return
    table = Table(title="What the class misunderstands")
    for column in ("students", "exercise", "mistake", "why"):
        table.add_column(column, justify="right" if column == "students" else "left", overflow="fold")
    for (_, exercise, mistake, why), students in sorted(counted.items(), key=lambda kv: (-kv[1], str(kv[0])))[
        :most
    ]:
        table.add_row(str(students), exercise, mistake, why)
    console.print(table)


def print_remarks(console: Console, results: Sequence[Result]) -> int:
    """Repairs, exercises without points and failures; returns how many failed."""
    results = sorted(results, key=lambda r: (r.chapter.id, r.student))
    for result in results:
        for note in result.notes:
            say(console, f"note: {result.chapter.id} {clean(result.student)}: {clean(note)}")
    for result in results:
        if result.zeros:
            say(
                console,
                f"no points: {result.chapter.id} {clean(result.student)}: {_zeros_text(result.zeros)}",
            )
    failed = [r for r in results if r.error]
    for result in failed:
        say(console, f"FAILED {result.chapter.id} {clean(result.student)}: {clean(result.error or '')}")
    return len(failed)


def _zeros_text(zeros: Sequence[tuple[str, str]]) -> str:
    """Exercises that earned nothing, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for exercise, why in zeros:
        text = clean(why)
        reasons.setdefault(text if len(text) <= 160 else f"{text[:157]}...", []).append(exercise)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())


def print_checked(console: Console, checked: Checked) -> None:
    """One notebook's marks and messages, by exercise."""
    for note in checked.notes:
        say(console, f"note: {clean(note)}")
    if checked.error:
        say(console, f"FAILED: {clean(checked.error)}")
        return
    for exercise in checked.exercises:
        say(console, f"{exercise['name']}: {_exercise_state(exercise)}")
        if exercise["trouble"]:
            say(console, f"  {clean(exercise['trouble'])}")
        if exercise["summary"] == NO_ANSWER:
            continue
        for test in exercise["tests"]:
            if test["state"] == "wrong" and not exercise["written"]:
                say(console, f"  {test['label']}: {test['score']:g} of {test['points']:g}")
                for line in clean(test["message"], lines=True).splitlines():
                    say(console, f"    {line}")
    tests = checked.tests
    say(
        console,
        f"{sum(t['state'] == 'right' for t in tests)} of {len(tests)} tests passed, "
        f"{sum(t['score'] for t in tests):g} of {sum(t['points'] for t in tests):g} points",
    )


def _exercise_state(exercise: dict) -> str:
    if exercise["written"]:
        said = "to be marked by hand" if exercise["state"] == "wait" else "no answer yet"
        return f"{said}, {exercise['points']:g} points"
    said = f", {NO_ANSWER}" if exercise["summary"] == NO_ANSWER else ""
    return f"{exercise['score']:g} of {exercise['points']:g}{said}"


def _mark(result: Result) -> str:
    if result.error:
        return "failed"
    return f"{result.score:g}" + (f" +{result.by_hand:g}" if result.by_hand else "")


def _mean(results: Sequence[Result]) -> str:
    scores = [r.score for r in results if not r.error]
    return f"{sum(scores) / len(scores):.1f}" if scores else "-"
