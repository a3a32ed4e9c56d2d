"""Mark one notebook, without a gradebook: for self-study, and for an instructor's quick look."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import nbformat

from course.grading import feedback
from course.grading.gradebook import Mark, Marks, automatic
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
    chapter = _chapter(notebook, root)
    path = chapter.made("release" if visible else "source", root)
    if not path.exists():
        raise CheckError(f"{path.relative_to(root)} does not exist: run `course build {chapter.id}`")
    record = Record.of_notebook(nbformat.read(path, as_version=4))
    solved = chapter.made("solutions", root)
    return Lesson(
        chapter.id,
        chapter.notebook,
        record,
        path.read_bytes(),
        solved.read_bytes() if solved.exists() else b"",
    )


def check(notebook: Path, lesson: Lesson, worker: Worker) -> Checked:
    """Run a notebook and mark it."""
    done = worker.work(lesson, Folder({f"{lesson.notebook}.ipynb": notebook.read_bytes()}))
    if done.notebook is None:
        return Checked(lesson.chapter, [], done.notes, done.isolation, done.error or "it could not be run")
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


def _chapter(notebook: Path, root: Path) -> Chapter:
    """By the file's name; by the names of its cells where it was renamed."""
    known = chapters()
    for chapter in known:
        if chapter.notebook == notebook.stem:
            return chapter
    names = _cell_names(notebook)
    shared = {c: len(names & _cell_names(c.made("release", root))) for c in known}
    best = max(known, key=lambda c: shared[c])
    if not shared[best]:
        raise CheckError(
            f"{notebook.name} is not a notebook of this course: neither its name nor its cells are those of a chapter"
        )
    return best


def _cell_names(notebook: Path) -> set[str]:
    try:
        nb = nbformat.read(notebook, as_version=4)
        return {c.metadata["nbgrader"]["grade_id"] for c in nb.cells if "nbgrader" in c.metadata} - {"setup"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def _is_empty_test(cell: RecordedCell) -> bool:
    """In a release notebook hidden tests are only a comment, which must not look like a test that passes."""
    return cell.is_test and cell.kind == "code" and not ast.parse(cell.source).body
