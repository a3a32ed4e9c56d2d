"""nbgrader's gradebook, written a transaction a submission: the rows of `nbgrader autograde`, and what was graded.

nbgrader opens the gradebook anew for every step and commits every cell. Here the same rows are written at once, with
one row of our own that says which version of a submission was graded, so that a killed run goes on where it was.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar

import sqlalchemy as sa
from nbformat import NotebookNode
from nbgrader import api, utils
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from traitlets.config import Config

from course.grading.record import Record

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # seconds before the next try when two write at once
BUSY = 30  # seconds to wait for SQLite's lock
T = TypeVar("T")


class GradebookError(Exception):
    """The gradebook can't be read or written."""


class _Base(DeclarativeBase):
    pass


class Entry(_Base):
    """What was graded of one submission, and what came of it apart from the marks."""

    __tablename__ = "course_grading"

    student: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    assignment: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    submission: Mapped[str] = mapped_column(sa.String(64))  # digest of what was handed in
    lesson: Mapped[str] = mapped_column(sa.String(64))  # digest of the chapter it was graded with
    autograded: Mapped[str] = mapped_column(
        sa.String(64)
    )  # sha256 of the autograded notebook; "" without one
    isolation: Mapped[str] = mapped_column(sa.String(16))
    error: Mapped[str | None] = mapped_column(sa.Text)
    notes: Mapped[str] = mapped_column(sa.Text)  # JSON: a list of texts
    mistakes: Mapped[str] = mapped_column(sa.Text)  # JSON: a list of [exercise, mistake, why]
    zeros: Mapped[str] = mapped_column(sa.Text)  # JSON: a list of [exercise, why it earned nothing]
    shown: Mapped[str] = mapped_column(sa.String(64))  # digest of the marks on the feedback page
    graded_at: Mapped[datetime] = mapped_column(sa.DateTime)


@dataclass(frozen=True)
class Mark:
    """What a cell earned, by its tests or by a person. needs_manual_grade: it waits for a person."""

    name: str
    score: float
    max_score: float
    needs_manual_grade: bool


@dataclass(frozen=True)
class Marks:
    """What the gradebook says of one submitted notebook."""

    cells: dict[str, Mark]
    comments: dict[str, str | None]
    late_penalty: float = 0.0

    @property
    def score(self) -> float:
        return sum(m.score for m in self.cells.values())

    @property
    def max_score(self) -> float:
        return sum(m.max_score for m in self.cells.values())

    @property
    def by_hand(self) -> float:
        """Points that wait for a person."""
        return sum(m.max_score for m in self.cells.values() if m.needs_manual_grade)


@dataclass(frozen=True)
class Graded:
    """What is to be written for a submission. scores: None where its notebook could not be run."""

    student: str
    timestamp: datetime | None
    scores: dict[str, float | None] | None
    comments: dict[str, str | None] = field(default_factory=dict)


def automatic(nb: NotebookNode, record: Record) -> tuple[dict[str, float | None], dict[str, str | None]]:
    """nbgrader's own marks and comments for an executed notebook; leaves nbgrader's checksums in its cells."""
    scores: dict[str, float | None] = {}
    comments: dict[str, str | None] = {}
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name not in record.cells:
            continue
        cell.metadata.nbgrader["checksum"] = checksum(record, name)
        if utils.is_grade(cell):
            scores[name], _ = utils.determine_grade(cell)
        if utils.is_solution(cell):
            untouched = cell.metadata.nbgrader["checksum"] == utils.compute_checksum(cell)
            comments[name] = "No response." if untouched else None
    return scores, comments


def checksum(record: Record, name: str) -> str:
    """nbgrader's checksum of a recorded cell."""
    cell = record.cells[name]
    metadata = {"nbgrader": NotebookNode(cell.metadata())}
    return utils.compute_checksum(
        NotebookNode(cell_type=cell.kind, source=cell.source, metadata=NotebookNode(metadata))
    )


class Book:
    """The gradebook of a course: nbgrader's tables and one of ours."""

    def __init__(self, config: Config) -> None:
        url = config.CourseDirectory.db_url
        waits = {"timeout": BUSY} if url.startswith("sqlite") else {}
        try:
            self._engine = sa.create_engine(url, connect_args=waits, pool_pre_ping=True)
        except (ImportError, sa.exc.ArgumentError) as error:
            raise GradebookError(
                f"the gradebook at db_url can't be opened: {error}. For PostgreSQL install psycopg2-binary, and begin "
                "the address with postgresql+psycopg2://"
            ) from None
        self._late = AssignLatePenalties(config=config)
        self._late.log = logging.getLogger("course.grading.late")
        self._late.log.addHandler(logging.NullHandler())
        self._late.init_plugin()
        self._places: dict[str, _Place] = {}

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    def prepare(self) -> None:
        """Make our table where it is missing; nbgrader's have to be there before."""
        self._retry(_Base.metadata.create_all)

    def record(self, assignment: str, notebook: str) -> Record | None:
        """What the gradebook says of a chapter's cells, or None where it doesn't know the chapter."""

        def read(connection: sa.Connection) -> Record | None:
            if not sa.inspect(connection).has_table(_NOTEBOOK.name):
                return None
            with sa.orm.Session(connection) as session:
                found = session.scalars(
                    sa.select(api.Notebook)
                    .join(api.Assignment)
                    .where(api.Assignment.name == assignment, api.Notebook.name == notebook)
                ).one_or_none()
                return found and Record.of_gradebook(found)

        return self._retry(read)

    def entry(self, assignment: str, student: str) -> Entry | None:
        """What was graded of a submission, as long as nbgrader's rows of it are there."""

        def read(connection: sa.Connection) -> Entry | None:
            with sa.orm.Session(connection, expire_on_commit=False) as session:
                return session.scalars(
                    sa.select(Entry)
                    .join(api.SubmittedAssignment, api.SubmittedAssignment.student_id == Entry.student)
                    .join(api.Assignment, api.SubmittedAssignment.assignment_id == api.Assignment.id)
                    .where(
                        Entry.student == student,
                        Entry.assignment == assignment,
                        api.Assignment.name == assignment,
                    )
                ).one_or_none()

        return self._retry(read)

    def marks(self, assignment: str, notebook: str, student: str) -> Marks:
        """The marks of a submission that is in the gradebook."""

        def read(connection: sa.Connection) -> Marks:
            place = self._place(connection, assignment)
            submitted = connection.execute(
                sa.select(_SUBMITTED.c.id, _SUBMITTED.c.late_submission_penalty)
                .join(_SUBMISSION, _SUBMISSION.c.id == _SUBMITTED.c.assignment_id)
                .where(
                    _SUBMISSION.c.student_id == student,
                    _SUBMISSION.c.assignment_id == place.id,
                    _SUBMITTED.c.notebook_id == place.notebooks[notebook].id,
                )
            ).one()
            return _marks(connection, place.notebooks[notebook], submitted.id, submitted[1])

        return self._retry(read)

    def save(
        self, assignment: str, notebook: str, graded: Graded, deliver: Callable[[Marks], dict[str, Any]]
    ) -> Marks:
        """Write all rows of a submission in one transaction.

        deliver: writes the files that go with the marks it is given, just before the commit; it may be called again
        when another coordinator was writing. Returns the fields of the entry.
        """

        def write(connection: sa.Connection) -> Marks:
            _hold_student(connection, graded.student)
            place = self._place(connection, assignment)
            self._raise_if_unfinished(place, assignment, notebook, graded)
            submission = _hold_submission(connection, place, graded)
            marks = None
            for name, book in place.notebooks.items():
                submitted = _hold_notebook(connection, book, submission.id)
                if name != notebook:
                    _write_scores(connection, book, submitted, None)
                    continue
                _write_scores(connection, book, submitted, graded.scores)
                if graded.scores is not None:
                    _write_comments(connection, book, submitted, graded.comments)
                    self._write_penalty(connection, place, book, submitted, submission)
                penalty = connection.scalar(
                    sa.select(_SUBMITTED.c.late_submission_penalty).where(_SUBMITTED.c.id == submitted)
                )
                marks = _marks(connection, book, submitted, penalty)
            if marks is None:
                raise GradebookError(f"{assignment} has no notebook {notebook} in the gradebook")
            _replace_entry(connection, assignment, graded.student, deliver(marks))
            return marks

        return self._retry(write)

    def update_entry(self, assignment: str, student: str, **fields: Any) -> None:
        """Change what is kept of a graded submission."""
        where = (Entry.student == student, Entry.assignment == assignment)
        self._retry(lambda connection: connection.execute(sa.update(Entry).where(*where).values(**fields)))

    def _write_penalty(
        self, connection: sa.Connection, place: _Place, book: _Notebook, submitted: str, submission: sa.Row
    ) -> None:
        """What nbgrader's AssignLatePenalties does, with the course's own plugin where one is configured."""
        penalty, late = None, 0.0
        if submission.timestamp is not None and place.duedate is not None:
            due = place.duedate + submission.extension if submission.extension else place.duedate
            late = max(0.0, (submission.timestamp - due).total_seconds())
        if late > 0:
            score = _marks(connection, book, submitted, None).score
            penalty = self._late.plugin_inst.late_submission_penalty(submission.student_id, score, late)
            if penalty is not None:
                penalty = self._late._check_late_penalty(SimpleNamespace(score=score), penalty)
        connection.execute(
            sa.update(_SUBMITTED).where(_SUBMITTED.c.id == submitted).values(late_submission_penalty=penalty)
        )

    def _place(self, connection: sa.Connection, assignment: str) -> _Place:
        """Where the rows of an assignment go; read again where somebody registered the chapter anew."""
        now = connection.execute(
            sa.select(_NOTEBOOK.c.id, _ASSIGNMENT.c.duedate)
            .join(_ASSIGNMENT, _ASSIGNMENT.c.id == _NOTEBOOK.c.assignment_id)
            .where(_ASSIGNMENT.c.name == assignment)
        ).all()
        kept = self._places.get(assignment)
        if kept is None or kept.version != frozenset(now):
            kept = self._places[assignment] = _read_place(connection, assignment, frozenset(now))
        return kept

    def _raise_if_unfinished(self, place: _Place, assignment: str, notebook: str, graded: Graded) -> None:
        """Somebody elsewhere may be registering the chapter just now: nbgrader enters its cells one by one."""
        book = place.notebooks.get(notebook)
        if book and not (
            (graded.scores or {}).keys() <= book.graded.keys()
            and graded.comments.keys() <= book.commented.keys()
        ):
            del self._places[assignment]
            raise OperationalError("save", {}, Exception(f"cells of {assignment} are missing"))

    def _retry(self, work: Callable[[sa.Connection], T]) -> T:
        """Do something in a transaction, and again when somebody else was writing the same rows."""
        for pause in (*PAUSES, None):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except (IntegrityError, OperationalError, ProgrammingError) as error:
                if pause is None:
                    raise GradebookError(
                        f"the gradebook {self._engine.url!r} can't be used: {error.orig}\nIf another program holds "
                        "it, close that, and run the same command again. Nothing that was graded is lost."
                    ) from error
                time.sleep(pause * random.uniform(0.5, 1.5))
            except DBAPIError as error:
                raise ValueError(f"the gradebook refuses it: {error.orig}".strip()) from error
        raise AssertionError


_STUDENT, _ASSIGNMENT, _NOTEBOOK = (m.__table__ for m in (api.Student, api.Assignment, api.Notebook))
_SUBMISSION, _SUBMITTED = api.SubmittedAssignment.__table__, api.SubmittedNotebook.__table__
_GRADE, _COMMENT = api.Grade.__table__, api.Comment.__table__


@dataclass(frozen=True)
class _Notebook:
    """The ids of a notebook and its cells. points: of its graded cells, by their ids."""

    id: str
    graded: dict[str, str]
    points: dict[str, float]
    commented: dict[str, str]


@dataclass(frozen=True)
class _Place:
    id: str
    duedate: datetime | None
    notebooks: dict[str, _Notebook]
    version: frozenset


def _read_place(connection: sa.Connection, assignment: str, version: frozenset) -> _Place:
    with sa.orm.Session(connection) as session:
        found = session.scalars(sa.select(api.Assignment).where(api.Assignment.name == assignment)).one()
        notebooks = {}
        for nb in found.notebooks:
            graded = [*nb.grade_cells, *nb.task_cells]
            notebooks[nb.name] = _Notebook(
                nb.id,
                {c.name: c.id for c in graded},
                {c.id: c.max_score for c in graded},
                {c.name: c.id for c in [*nb.solution_cells, *nb.task_cells]},
            )
        return _Place(found.id, found.duedate, notebooks, version)


def _hold_student(connection: sa.Connection, student: str) -> None:
    """Make the student where there is none. Writing first makes others wait, here and in every database."""
    me = sa.update(_STUDENT).where(_STUDENT.c.id == student).values(id=student)
    if not connection.execute(me).rowcount:
        connection.execute(sa.insert(_STUDENT).values(id=student))


def _hold_submission(connection: sa.Connection, place: _Place, graded: Graded) -> sa.Row:
    where = (_SUBMISSION.c.assignment_id == place.id, _SUBMISSION.c.student_id == graded.student)
    found = connection.execute(sa.select(_SUBMISSION).where(*where)).one_or_none()
    if found is not None and graded.timestamp in (None, found.timestamp):
        return found
    if found is None:
        new = {"assignment_id": place.id, "student_id": graded.student, "timestamp": graded.timestamp}
        connection.execute(sa.insert(_SUBMISSION).values(**new))
    else:
        connection.execute(sa.update(_SUBMISSION).where(*where).values(timestamp=graded.timestamp))
    return connection.execute(sa.select(_SUBMISSION).where(*where)).one()


def _hold_notebook(connection: sa.Connection, book: _Notebook, submission: str) -> str:
    """The submitted notebook's id; makes it, with a row for each graded and each answer cell, where it is new."""
    where = (_SUBMITTED.c.notebook_id == book.id, _SUBMITTED.c.assignment_id == submission)
    if found := connection.scalar(sa.select(_SUBMITTED.c.id).where(*where)):
        return found
    new = sa.insert(_SUBMITTED).values(notebook_id=book.id, assignment_id=submission)
    submitted = connection.execute(new).inserted_primary_key[0]
    for table, cells in ((_GRADE, book.graded), (_COMMENT, book.commented)):
        _many(
            connection, sa.insert(table), [{"cell_id": c, "notebook_id": submitted} for c in cells.values()]
        )
    return submitted


def _write_scores(
    connection: sa.Connection, book: _Notebook, submitted: str, scores: dict[str, float | None] | None
) -> None:
    """As SaveAutoGrades does: a manual score stays and asks for another look; without a notebook all is 0."""
    here = _GRADE.c.notebook_id == submitted
    if scores is None:
        connection.execute(sa.update(_GRADE).where(here).values(auto_score=0, needs_manual_grade=False))
        return
    waits = sa.or_(_GRADE.c.manual_score.is_not(None), sa.bindparam("new_waits", type_=sa.Boolean))
    statement = (
        sa.update(_GRADE)
        .where(here, _GRADE.c.cell_id == sa.bindparam("cell"))
        .values(auto_score=sa.bindparam("new_score"), needs_manual_grade=waits)
    )
    rows = [
        {"cell": book.graded[name], "new_score": score, "new_waits": score is None}
        for name, score in scores.items()
    ]
    _many(connection, statement, rows)


def _write_comments(
    connection: sa.Connection, book: _Notebook, submitted: str, comments: dict[str, str | None]
) -> None:
    statement = (
        sa.update(_COMMENT)
        .where(_COMMENT.c.notebook_id == submitted, _COMMENT.c.cell_id == sa.bindparam("cell"))
        .values(auto_comment=sa.bindparam("new_comment"))
    )
    rows = [{"cell": book.commented[n], "new_comment": comment} for n, comment in comments.items()]
    _many(connection, statement, rows)


def _many(connection: sa.Connection, statement: sa.Executable, rows: list[dict]) -> None:
    if rows:
        connection.execute(statement, rows)


def _marks(connection: sa.Connection, book: _Notebook, submitted: str, penalty: float | None) -> Marks:
    grades = connection.execute(sa.select(_GRADE).where(_GRADE.c.notebook_id == submitted)).all()
    comments = connection.execute(sa.select(_COMMENT).where(_COMMENT.c.notebook_id == submitted)).all()
    by_cell = {g.cell_id: g for g in grades}
    said = {c.cell_id: c.auto_comment if c.manual_comment is None else c.manual_comment for c in comments}
    return Marks(
        {
            name: Mark(name, _score(by_cell[cell]), book.points[cell], by_cell[cell].needs_manual_grade)
            for name, cell in book.graded.items()
            if cell in by_cell
        },
        {name: said.get(cell) for name, cell in book.commented.items()},
        penalty or 0.0,
    )


def _score(grade: sa.Row) -> float:
    """nbgrader's Grade.score: what a person gave goes before what the tests gave."""
    given = grade.auto_score if grade.manual_score is None else grade.manual_score
    return 0.0 if given is None else given + (grade.extra_credit or 0.0)


def _replace_entry(connection: sa.Connection, assignment: str, student: str, fields: dict[str, Any]) -> None:
    connection.execute(sa.delete(Entry).where(Entry.student == student, Entry.assignment == assignment))
    now = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        sa.insert(Entry).values(student=student, assignment=assignment, graded_at=now, **fields)
    )
