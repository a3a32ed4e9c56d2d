"""Mark one notebook, without a gradebook: for self-study, and for an instructor's quick look."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import nbformat

from course.grading import feedback
from course.grading.gradebook import Mark, Marks, automatic
from course.grading.intake import is_notebook_name, read_folder
from course.grading.record import Record, RecordedCell
from course.grading.restore import NOTES
from course.grading.work import Done, Folder, Lesson
from course.paths import ROOT, Chapter, chapters


class CheckError(Exception):
    """There is nothing to check."""


class Worker(Protocol):
    """Runs a submission: course.grading.isolation.worker.Worker."""

    def work(self, lesson: Lesson, folder: Folder) -> Done: ...


@dataclass(frozen=True)
class Checked:
    """What came of a notebook. exercises: as on feedback pages. error: why it could not be run."""

    chapter: str
    exercises: list[dict[str, Any]]
    notes: list[str]
    isolation: str
    error: str | None = None

    @property
    def tests(self) -> list[dict[str, Any]]:
        return [t for e in self.exercises if not e["written"] for t in e["tests"]]

    @property
    def passed(self) -> bool:
        return self.error is None and all(t["state"] == "right" for t in self.tests)


def lesson_of(notebook: Path, visible: bool, root: Path = ROOT) -> Lesson:
    """The chapter that a notebook is of, with all its tests or only those that students see; raises CheckError."""
    if not notebook.is_file():
        raise CheckError(f"there is no notebook {notebook}")
    chapter = _chapter(notebook)
    source, solved = chapter.made("source", root), chapter.made("solutions", root)
    if not source.exists():
        raise CheckError(f"{chapter.id} is not built: run `course build {chapter.id}`")
    record = Record.of_notebook(nbformat.read(source, as_version=4))
    if visible:
        record = Record({n: replace(c, source=c.released) for n, c in record.cells.items()})
    pictures = solved.read_bytes() if solved.exists() else b""
    return Lesson(chapter.id, chapter.notebook, record, source.read_bytes(), pictures)


def check(notebook: Path, lesson: Lesson, worker: Worker) -> Checked:
    """Run a notebook, with what lies beside it, and mark it."""
    beside = {
        n: d for n, d in read_folder(notebook.absolute().parent).files.items() if not is_notebook_name(n)
    }
    done = worker.work(lesson, Folder(beside | {f"{lesson.notebook}.ipynb": notebook.read_bytes()}))
    if done.notebook is None:
        reason = (done.error or "it could not be run").replace(f"{lesson.notebook}.ipynb", notebook.name)
        return Checked(lesson.chapter, [], done.notes, done.isolation, reason)
    nb = done.notebook
    scores, comments = automatic(nb, lesson.record)
    marks = {
        name: Mark(name, score or 0.0, lesson.record.cells[name].points or 0.0, score is None)
        for name, score in scores.items()
        if not _is_empty_test(lesson.record.cells[name])
    }
    notes = list(dict.fromkeys([*nb.metadata.get(NOTES, []), *done.notes]))
    exercises = feedback.gather(nb, Marks(marks, comments))["exercises"]
    return Checked(lesson.chapter, exercises, notes, done.isolation)


def _chapter(notebook: Path) -> Chapter:
    """By the file's name; where it was renamed, by what stands in it, be it whole or not."""
    known = {chapter.notebook: chapter for chapter in chapters()}
    if notebook.stem in known:
        return known[notebook.stem]
    text = notebook.read_bytes()
    for chapter in known.values():
        if f'Checks(\\"{chapter.id}\\")'.encode() in text:
            return chapter
    words = re.findall(r"[^\W_]+", notebook.stem.lower())
    for chapter in known.values():
        if chapter.notebook in words:
            return chapter
    raise CheckError(
        f"{notebook.name} is not a notebook of this course: neither its name nor its cells are those of a chapter. "
        "If it is one, give it the chapter's name, such as conv2d.ipynb"
    )


def _is_empty_test(cell: RecordedCell) -> bool:
    """Without its hidden tests a cell is only a comment, which must not look like a test that passes."""
    return cell.is_test and cell.kind == "code" and not ast.parse(cell.source).body
