"""The isolated grader as one nbgrader preprocessor: `nbgrader autograde` and formgrader's button use it too."""

from __future__ import annotations

import threading
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from traitlets import Bool, Dict, Enum

from course.grading.isolation import sandbox
from course.grading.isolation.limits import Limits
from course.grading.isolation.worker import Worker
from course.grading.record import Record
from course.grading.restore import NOTES
from course.grading.work import Done, Lesson

IDLE = 30.0  # seconds after which a worker that nobody needs is ended: formgrader's server lives for days


class ExecuteIsolated(NbGraderPreprocessor):
    """Runs a notebook with the student's code in a sandbox and the tests outside it. In place of nbgrader's Execute."""

    isolation = Enum(
        sandbox.LEVELS, "landlock", help="the least level of isolation that is accepted for a student's code"
    ).tag(config=True)
    limits = Dict(help="limits other than the defaults, see course/grading/isolation/limits.py").tag(
        config=True
    )
    copy_pictures = Bool(
        True,
        help="copy the outputs of the course's own unmarked cells from the solution, where all answers that they "
        "depend on are right, instead of running them again",
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            record = Record.of_gradebook(gradebook.find_notebook(place["notebook"], place["assignment"]))
        lesson = self._lesson(record, place["assignment"], place["notebook"])
        done = _SHARED.execute(self.isolation, Limits(**self.limits), lesson, nb)
        if done.notebook is None:
            raise RuntimeError(f"{place['student']}, {place['assignment']}: {done.error}")
        done.notebook.metadata[NOTES] = [*nb.metadata.get(NOTES, []), *done.notes]
        return done.notebook, resources

    def _lesson(self, record: Record, assignment: str, notebook: str) -> Lesson:
        root = Path(CourseDirectory(parent=self).root)
        source, solved = (root / f / assignment / f"{notebook}.ipynb" for f in ("source", "solutions"))
        if not (self.copy_pictures and source.exists() and solved.exists()):
            return Lesson(assignment, notebook, record)
        return Lesson(assignment, notebook, record, source.read_bytes(), solved.read_bytes())


class _SharedWorker:
    """One worker for all the notebooks that a process converts, ended when it has been idle."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.worker: Worker | None = None
        self.made_for: tuple[str, Limits] | None = None
        self.timer: threading.Timer | None = None

    def execute(self, require: str, limits: Limits, lesson: Lesson, nb: NotebookNode) -> Done:
        with self.lock:
            if self.timer is not None:
                self.timer.cancel()
            if self.made_for != (require, limits):
                self._close()
            if self.worker is None:
                self.worker, self.made_for = Worker(require, limits), (require, limits)
            done = self.worker.execute(lesson, nb)
            self.timer = threading.Timer(IDLE, self._close_when_idle)
            self.timer.daemon = True
            self.timer.start()
            return done

    def _close_when_idle(self) -> None:
        with self.lock:
            self._close()

    def _close(self) -> None:
        if self.worker is not None:
            self.worker.close()
        self.worker = self.made_for = None


_SHARED = _SharedWorker()

# nbgrader's own list, with ExecuteIsolated in the place of Execute.
AUTOGRADE_STEPS = [
    ExecuteIsolated,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
