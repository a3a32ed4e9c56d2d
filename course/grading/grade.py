"""Grade what students handed in. Workers run the notebooks; one coordinator, here, writes marks and files.

A submission's files are written beside their places and renamed, then its rows are committed. A run that was killed
loses nothing: what was not committed is graded again, and what was is skipped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.utils import parse_utc

from course.build.pipeline import replace_file
from course.converters import ConversionError, convert, settings
from course.grading import feedback
from course.grading.gradebook import Book, Entry, GradebookError, Graded, Marks, automatic
from course.grading.intake import read_folder
from course.grading.pool import LEVELS, Finished, Pool, Task
from course.grading.record import Record
from course.grading.restore import NOTES
from course.grading.work import Done, Folder, Lesson, submissions
from course.paths import ROOT, Chapter

_OTHER_CELLS = "Cannot add or remove cells"  # what nbgrader says
_TEMPORARY = re.compile(r"\..+\.(\d+)")  # replace_file's names: .conv2d.ipynb.<process id>


@dataclass(frozen=True)
class Result:
    """What came of grading one submission. error: why it could not be graded."""

    chapter: Chapter
    student: str
    score: float = 0.0
    max_score: float = 0.0
    by_hand: float = 0.0  # points that wait for a person
    mistakes: list[tuple[str, str, str]] = field(
        default_factory=list
    )  # exercise, mistake, and why it is made
    zeros: list[tuple[str, str]] = field(default_factory=list)  # exercises that earned nothing, and why
    notes: list[str] = field(default_factory=list)  # what was repaired in the notebook
    error: str | None = None
    isolation: str = ""  # the level at which it ran
    skipped: bool = False  # nothing had changed since it was graded
    seconds: float = 0.0


class GradingError(Exception):
    """Nothing of a chapter can be graded."""


def register(chapter: Chapter, root: Path = ROOT, book: Book | None = None) -> Lesson:
    """Tell the gradebook which cells a chapter has and what they are worth; raises GradingError."""
    source, solved = chapter.made("source", root), chapter.made("solutions", root)
    if not source.exists():
        raise GradingError(f"{chapter.id} is not built: run `course build {chapter.id}`")
    record = Record.of_notebook(nbformat.read(source, as_version=4))
    with contextlib.ExitStack() as stack:
        book = book or stack.enter_context(Book(settings(root)))
        stack.enter_context(_alone(root))
        elsewhere = stack.enter_context(_emptied(root / ".course-release"))
        _enter(chapter, record, book, root, elsewhere)
        book.prepare()
    pictures = solved.read_bytes() if solved.exists() else b""
    return Lesson(chapter.id, chapter.notebook, record, source.read_bytes(), pictures)


def grade(
    lessons: Sequence[Lesson],
    pool: Pool,
    root: Path = ROOT,
    book: Book | None = None,
    force: bool = False,
    at_least: str = "process",
) -> Iterator[Result]:
    """Grade every submission of registered chapters, as they get finished; a bad one never stops the rest.

    What has not changed since it was graded is skipped, unless `force`, or it ran with less isolation than `at_least`.
    """
    with contextlib.ExitStack() as stack:
        book = book or stack.enter_context(Book(settings(root)))
        desk = _Desk(root, book, at_least)
        wanted = []
        for lesson in lessons:
            desk.sweep(lesson)
            for student in submissions(Chapter(lesson.chapter), root):
                if not force and (result := desk.known(lesson, student)):
                    yield result
                else:
                    wanted.append((lesson, student))
        tasks = (Task(student, lesson, desk.folder(lesson, student)) for lesson, student in wanted)
        for finished in pool.results(tasks) if wanted else ():
            yield desk.finish(finished)


class _Desk:
    """Where the coordinator works: one course folder and its gradebook."""

    def __init__(self, root: Path, book: Book, at_least: str) -> None:
        self.root, self.book = root, book
        self.enough = LEVELS[LEVELS.index(at_least) :]

    def path(self, folder: str, lesson: Lesson, student: str, name: str = "") -> Path:
        return self.root / folder / student / lesson.chapter / name

    def folder(self, lesson: Lesson, student: str) -> Folder:
        return read_folder(self.path("submitted", lesson, student))

    def sweep(self, lesson: Lesson) -> None:
        """Remove files that a killed run left half-written."""
        for folder in ("autograded", "feedback"):
            for path in (self.root / folder).glob(f"*/{lesson.chapter}/.*"):
                name = _TEMPORARY.fullmatch(path.name)
                if name and not _runs(int(name[1])):
                    path.unlink(missing_ok=True)

    def known(self, lesson: Lesson, student: str) -> Result | None:
        """The result of an earlier run where nothing has changed since."""
        try:
            entry = self.book.entry(lesson.chapter, student)
            if entry is None or not self._up_to_date(entry, lesson, student):
                return None
            marks = self.book.marks(lesson.chapter, lesson.notebook, student)
            zeros = self._renew_page(entry, lesson, student, marks)
        except (OSError, ValueError):  # unreadable, or a name no database takes: grading says what is wrong
            return None
        said = json.loads(entry.mistakes), zeros, json.loads(entry.notes)
        return _result(lesson, student, marks, *said, entry.isolation, None)

    def _up_to_date(self, entry: Entry, lesson: Lesson, student: str) -> bool:
        if entry.error or entry.lesson != lesson.digest or entry.isolation not in self.enough:
            return False
        autograded = self.path("autograded", lesson, student, f"{lesson.notebook}.ipynb")
        if not autograded.is_file() or _digest(autograded.read_bytes()) != entry.autograded:
            return False
        stamp = _timestamp(self.path("submitted", lesson, student))
        return entry.submission == _submission_digest(self.folder(lesson, student), stamp)

    def _renew_page(self, entry: Entry, lesson: Lesson, student: str, marks: Marks) -> list:
        """Write the feedback page again where a person has marked or commented since; gives the zeros that are left."""
        page = self.path("feedback", lesson, student, f"{lesson.notebook}.html")
        shown = _shown(marks)
        if page.is_file() and entry.shown == shown:
            return json.loads(entry.zeros)
        autograded = self.path("autograded", lesson, student, f"{lesson.notebook}.ipynb")
        nb = nbformat.v4.reads(autograded.read_text("utf-8"))
        replace_file(page, feedback.page(lesson.chapter, student, marks, nb))
        zeros = feedback.zeros(nb, marks)
        self.book.update_entry(lesson.chapter, student, shown=shown, zeros=json.dumps(zeros))
        return zeros

    def finish(self, finished: Finished) -> Result:
        """Write what came of a submission; if that fails, it fails alone."""
        task = finished.task
        chapter, seconds = Chapter(task.lesson.chapter), finished.seconds
        if finished.done is None:
            return Result(chapter, task.student, error=finished.problem, seconds=seconds)
        try:
            if finished.done.notebook is None:
                return self._save_failure(task, finished.done, seconds)
            return self._save(task, finished.done, finished.done.notebook, seconds)
        except GradebookError:
            raise
        except Exception as error:  # one submission never stops the rest
            reason = f"its marks could not be written ({type(error).__name__}: {error})"
            return Result(chapter, task.student, error=reason, seconds=seconds)

    def _save(self, task: Task, done: Done, nb: NotebookNode, seconds: float) -> Result:
        lesson, student = task.lesson, task.student
        stamp = _timestamp(self.path("submitted", lesson, student))
        notes = list(dict.fromkeys([*nb.metadata.get(NOTES, []), *done.notes, *stamp.notes]))
        nb.metadata[NOTES] = notes
        scores, comments = automatic(nb, lesson.record)
        mistakes = nb.metadata.get("course_mistakes", [])
        text = nbformat.v4.writes(nb) + "\n"

        def deliver(marks: Marks) -> dict[str, Any]:
            replace_file(self.path("autograded", lesson, student, f"{lesson.notebook}.ipynb"), text)
            if stamp.text:
                replace_file(self.path("autograded", lesson, student, "timestamp.txt"), stamp.text)
            page = feedback.page(lesson.chapter, student, marks, nb)
            replace_file(self.path("feedback", lesson, student, f"{lesson.notebook}.html"), page)
            said = {"mistakes": mistakes, "zeros": feedback.zeros(nb, marks), "notes": notes}
            return self._entry(task, done, stamp, said, _digest(text.encode()), marks)

        graded = Graded(student, stamp.time, scores, comments)
        marks = self.book.save(lesson.chapter, lesson.notebook, graded, deliver)
        zeros = feedback.zeros(nb, marks)
        return _result(lesson, student, marks, mistakes, zeros, notes, done.isolation, seconds)

    def _save_failure(self, task: Task, done: Done, seconds: float) -> Result:
        """Zero points, as nbgrader gives for a notebook that is not there, and a page that says why."""
        lesson, student = task.lesson, task.student
        stamp = _timestamp(self.path("submitted", lesson, student))
        reason = done.error or "it could not be run"
        notes = [note for note in (*done.notes, *stamp.notes) if note not in reason]

        def deliver(marks: Marks) -> dict[str, Any]:
            self.path("autograded", lesson, student, f"{lesson.notebook}.ipynb").unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # other files may lie there
                self.path("autograded", lesson, student).rmdir()
            page = feedback.failure_page(lesson.chapter, student, marks, reason, notes)
            replace_file(self.path("feedback", lesson, student, f"{lesson.notebook}.html"), page)
            said = {"mistakes": [], "zeros": [], "notes": notes}
            return self._entry(task, done, stamp, said, "", marks) | {"error": reason}

        self.book.save(lesson.chapter, lesson.notebook, Graded(student, stamp.time, None), deliver)
        return Result(
            Chapter(lesson.chapter), student, max_score=lesson.record.max_score, notes=notes, error=reason,
            isolation=done.isolation, seconds=seconds,
        )  # fmt: skip

    def _entry(
        self, task: Task, done: Done, stamp: _Stamp, said: dict[str, list], sha: str, marks: Marks
    ) -> dict[str, Any]:
        return {
            "submission": _submission_digest(task.folder, stamp),
            "lesson": task.lesson.digest,
            "autograded": sha,
            "isolation": done.isolation,
            "error": None,
            **{kind: json.dumps(texts) for kind, texts in said.items()},
            "shown": _shown(marks),
        }


def _enter(chapter: Chapter, record: Record, book: Book, root: Path, elsewhere: Path) -> None:
    """Put a chapter's cells in the gradebook, unless they are there; again if somebody elsewhere did so just then."""
    for last in (False, False, True):
        if book.record(chapter.id, chapter.notebook) == record:
            return
        try:
            convert(GenerateAssignment, chapter.id, root, release_directory=str(elsewhere))
        except ConversionError as error:
            if _OTHER_CELLS in str(error):
                raise GradingError(
                    f"{chapter.id} has other cells now than when it was first graded, and nbgrader keeps the marks "
                    "of the old ones. Build the version that was handed out; or give up all its marks, also those "
                    f"given by hand, with `nbgrader db assignment remove {chapter.id} --force`, and grade again."
                ) from error
            if last:
                raise GradingError(f"{chapter.id}: {error}") from error
            time.sleep(random.uniform(0.2, 1))
    if book.record(chapter.id, chapter.notebook) != record:
        raise GradingError(
            f"{chapter.id}: the gradebook does not take the cells of {chapter.made('source', root)}"
        )


@contextlib.contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """A folder that is not there before and after; a run that was killed may have left it."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Wait until no other coordinator on this machine does the same in this course folder."""
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True)
class _Stamp:
    """When something was handed in: nbgrader's timestamp.txt."""

    text: str = ""
    time: datetime | None = None
    notes: tuple[str, ...] = ()


def _timestamp(folder: Path) -> _Stamp:
    try:
        handle = os.open(folder / "timestamp.txt", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return _Stamp()
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return _Stamp()
        text = file.read(200).decode("utf-8", "replace").strip()
    try:
        return _Stamp(text, parse_utc(text)) if text else _Stamp()
    except (ValueError, OverflowError):
        return _Stamp(notes=("timestamp.txt holds no date, so nobody knows when this was handed in",))


def _submission_digest(folder: Folder, stamp: _Stamp) -> str:
    return _digest(f"{folder.digest} {stamp.text}".encode())


def _shown(marks: Marks) -> str:
    """Tells one feedback page from another, for the same notebook."""
    return _digest(json.dumps(asdict(marks), sort_keys=True).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _result(
    lesson: Lesson,
    student: str,
    marks: Marks,
    mistakes: Iterable[Sequence[str]],
    zeros: Iterable[Sequence[str]],
    notes: list[str],
    isolation: str,
    seconds: float | None,
) -> Result:
    """seconds: None where it was graded before."""
    return Result(
        Chapter(lesson.chapter), student, marks.score, marks.max_score, marks.by_hand,
        [(exercise, mistake, why) for exercise, mistake, why in mistakes],
        [(exercise, why) for exercise, why in zeros], notes, None,
        isolation, seconds is None, seconds or 0.0,
    )  # fmt: skip
