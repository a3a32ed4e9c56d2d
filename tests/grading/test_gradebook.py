"""The rows that we write are nbgrader's own, to the column; two may write at once."""

import copy
import datetime
import json
import os
import shutil
import sys
import threading
from pathlib import Path

import nbformat
import pytest
import sqlalchemy as sa
from nbgrader import api
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, DeduplicateIds, OverwriteCells, SaveAutoGrades
from nbgrader.utils import parse_utc
from stand_in import CH01, StandIn, course_folder, rows_of, solver, submit

from course import converters
from course.converters import settings
from course.grading.grade import register
from course.grading.gradebook import Book, Entry, GradebookError, Graded, automatic
from course.grading.intake import read_folder

LATE = "2030-01-02 10:00:00 UTC"
NAMES = ("ada", "blaise", "carl")
FIELDS = {
    "submission": "s",
    "lesson": "l",
    "autograded": "a",
    "isolation": "full",
    "error": None,
    "notes": "[]",
    "mistakes": "[]",
    "zeros": "[]",
    "shown": "",
}


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """Three handed in: everything, something, nothing; one of them with a date."""
    root = course_folder(tmp_path_factory.mktemp("course"))
    register(CH01, root)
    for student, only in zip(NAMES, (None, ["similarity"], []), strict=True):
        submit(root, student, solver(only=only))
    (root / "submitted" / "ada" / CH01.id / "timestamp.txt").write_text(LATE)
    return root


@pytest.fixture
def root(registered, tmp_path):
    return shutil.copytree(registered, tmp_path / "course")


def rows(root):
    return rows_of(settings(root).CourseDirectory.db_url)


def executed(root, lesson):
    return {n: StandIn().work(lesson, read_folder(root / "submitted" / n / CH01.id)).notebook for n in NAMES}


def ours(root, lesson, notebooks):
    with Book(settings(root)) as book:
        for student, nb in notebooks.items():
            stamp = root / "submitted" / student / CH01.id / "timestamp.txt"
            time = parse_utc(stamp.read_text()) if stamp.exists() else None
            scores, comments = automatic(copy.deepcopy(nb), lesson.record)
            graded = Graded(student, time, scores, comments)
            book.save(CH01.id, "conv1d", graded, lambda marks: FIELDS)


def stock(root, notebooks, monkeypatch):
    """nbgrader's Autograde on notebooks that have been executed already."""
    for student, nb in notebooks.items():
        nbformat.write(nb, root / "submitted" / student / CH01.id / "conv1d.ipynb")

    def without_running(at):
        config = settings(at)
        config.Autograde.sanitize_preprocessors = [DeduplicateIds, OverwriteCells]
        config.Autograde.autograde_preprocessors = [SaveAutoGrades, AssignLatePenalties]
        return config

    with monkeypatch.context() as patch:
        patch.setattr(converters, "settings", without_running)
        converters.convert(Autograde, CH01.id, root)


def by_person(root):
    """A person marks, gives extra credit, comments, flags."""
    with api.Gradebook(settings(root).CourseDirectory.db_url, "sliding-windows") as gradebook:
        written = gradebook.find_grade("why-shared-weights", "conv1d", CH01.id, "ada")
        written.manual_score, written.needs_manual_grade = 3.5, False
        test = gradebook.find_grade("similarity-hidden", "conv1d", CH01.id, "carl")
        test.manual_score, test.extra_credit = 1, 0.5
        gradebook.find_grade("similarity-hidden", "conv1d", CH01.id, "ada").extra_credit = 2
        gradebook.find_comment("similarity", "conv1d", CH01.id, "carl").manual_comment = "Nearly!"
        gradebook.find_submission_notebook("conv1d", CH01.id, "carl").flagged = True
        gradebook.db.commit()


def late(root):
    with api.Gradebook(settings(root).CourseDirectory.db_url, "sliding-windows") as gradebook:
        gradebook.update_or_create_assignment(CH01.id, duedate=datetime.datetime(2030, 1, 1))
        gradebook.db.commit()


def as_stock_has_it(registered, tmp_path, notebooks, monkeypatch, again=False, before=lambda root: None):
    other = shutil.copytree(registered, tmp_path / "stock")
    before(other)
    stock(other, notebooks, monkeypatch)
    if again:
        by_person(other)
        stock(other, notebooks, monkeypatch)
    return rows(other)


def test_the_rows_are_those_of_stock_nbgrader(root, registered, tmp_path, monkeypatch):
    lesson = register(CH01, root)
    notebooks = executed(root, lesson)
    ours(root, lesson, notebooks)
    first = rows(root)
    assert len(first["grade"]) == 3 * sum(c.points is not None for c in lesson.record.cells.values())
    assert first == as_stock_has_it(registered, tmp_path, notebooks, monkeypatch)


def test_after_a_regrade_with_marks_by_hand_too(root, registered, tmp_path, monkeypatch):
    lesson = register(CH01, root)
    notebooks = executed(root, lesson)
    ours(root, lesson, notebooks)
    by_person(root)
    ours(root, lesson, notebooks)
    after = rows(root)
    assert "Nearly!" in str(after["comment"])
    assert after == as_stock_has_it(registered, tmp_path, notebooks, monkeypatch, again=True)


def test_late_penalties_come_from_nbgraders_plugin(root, registered, tmp_path, monkeypatch):
    def strict(at, plain=settings):
        config = plain(at)
        config.LateSubmissionPlugin.penalty_method = "zero"
        return config

    for module in ("course.converters", "test_gradebook"):
        monkeypatch.setattr(f"{module}.settings", strict)
    lesson = register(CH01, root)
    late(root)
    notebooks = executed(root, lesson)
    ours(root, lesson, notebooks)
    with Book(settings(root)) as book:
        marks = book.marks(CH01.id, "conv1d", "ada")
    assert marks.late_penalty == marks.score > 0
    assert rows(root) == as_stock_has_it(registered, tmp_path, notebooks, monkeypatch, before=late)


def test_a_missing_notebook_gets_zero_and_waits_for_nobody(root):
    lesson = register(CH01, root)
    with Book(settings(root)) as book:
        marks = book.save(CH01.id, "conv1d", Graded("eve", None, None), lambda marks: FIELDS)
    assert (marks.score, marks.by_hand, marks.max_score) == (0, 0, lesson.record.max_score)


def test_nothing_is_written_when_the_files_cannot_be(root):
    register(CH01, root)

    def full(marks):
        raise OSError("no space left on device")

    with Book(settings(root)) as book:
        with pytest.raises(OSError, match="no space"):
            book.save(CH01.id, "conv1d", Graded("eve", None, None), full)
        assert book.entry(CH01.id, "eve") is None
    assert rows(root)["student"] == []


def test_an_entry_without_nbgraders_rows_does_not_count(root):
    lesson = register(CH01, root)
    ours(root, lesson, executed(root, lesson))
    with api.Gradebook(settings(root).CourseDirectory.db_url, "sliding-windows") as gradebook:
        gradebook.remove_submission(CH01.id, "ada")
    with Book(settings(root)) as book:
        assert book.entry(CH01.id, "ada") is None
        assert book.entry(CH01.id, "blaise").isolation == "full"


def test_a_new_gradebook_says_of_its_tables_what_nbgraders_own_program_says(monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert converters._newest_tables() == api.get_alembic_version()


def test_several_coordinators_at_once_lose_and_double_nothing(root):
    lesson = register(CH01, root)
    notebooks = executed(root, lesson)
    marked = {n: automatic(nb, lesson.record) for n, nb in notebooks.items()}
    failed = []

    def coordinator():
        try:
            with Book(settings(root)) as book:
                for number in range(12):
                    scores, comments = marked[NAMES[number % 3]]
                    graded = Graded(f"student-{number}", None, scores, comments)
                    book.save(CH01.id, "conv1d", graded, lambda marks: FIELDS)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=coordinator) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    found = rows(root)
    assert len(found["student"]) == len(found["submission"]) == len(found["notebook"]) == 12
    assert len(found["grade"]) == 12 * sum(c.points is not None for c in lesson.record.cells.values())
    with sa.create_engine(settings(root).CourseDirectory.db_url).connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(Entry)) == 12
        connection.engine.dispose()


def test_a_chapter_that_somebody_registers_just_now_is_waited_for(root):
    lesson = register(CH01, root)
    scores, comments = automatic(executed(root, lesson)["ada"], lesson.record)
    engine = sa.create_engine(settings(root).CourseDirectory.db_url)

    def rename(old, new):
        with engine.begin() as connection:
            names = {"old": old, "new": new}
            assert connection.execute(
                sa.text("UPDATE base_cell SET name = :new WHERE name = :old"), names
            ).rowcount

    name = next(iter(scores))
    rename(name, "not yet")
    finishing = threading.Timer(0.3, rename, ("not yet", name))
    finishing.start()
    with Book(settings(root)) as book:
        marks = book.save(CH01.id, "conv1d", Graded("ada", None, scores, comments), lambda marks: FIELDS)
    finishing.join()
    engine.dispose()
    assert marks.cells[name].score == scores[name]


def test_a_gradebook_that_stays_locked_is_named(root, monkeypatch):
    register(CH01, root)
    monkeypatch.setattr("course.grading.gradebook.PAUSES", (0.01,))
    monkeypatch.setattr("course.grading.gradebook.BUSY", 0.1)
    holder = sa.create_engine(settings(root).CourseDirectory.db_url)
    with holder.connect() as connection, Book(settings(root)) as book:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(GradebookError, match=r"gradebook\.db can't be used: database is locked"):
            book.save(CH01.id, "conv1d", Graded("eve", None, None), lambda marks: FIELDS)
    holder.dispose()


def test_registering_twice_does_nothing_the_second_time(root, monkeypatch):
    first = register(CH01, root)
    monkeypatch.setattr("course.grading.grade.convert", lambda *_, **__: pytest.fail("registered again"))
    assert register(CH01, root).digest == first.digest
    assert json.loads(first.source)["nbformat"] == 4
