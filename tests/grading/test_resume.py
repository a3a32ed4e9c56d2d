"""A run that was stopped goes on where it was: nothing lost, half-written or graded twice."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import sqlalchemy as sa
from nbgrader import api
from stand_in import CH01, StandIn, course_folder, solver, stand_in_pool, submit

from course.converters import settings
from course.grading.grade import GradingError, grade, register
from course.grading.gradebook import Book, Entry

STUDENTS = [f"student-{n:02}" for n in range(8)]


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    root = course_folder(tmp_path_factory.mktemp("course"))
    return root, register(CH01, root)


@pytest.fixture
def course(registered, tmp_path):
    """A folder with a class that has handed in, and its lesson."""
    made, lesson = registered
    root = tmp_path / "course with spaces"
    subprocess.run(["cp", "-a", str(made), str(root)], check=True)
    for number, student in enumerate(STUDENTS):
        submit(root, student, solver(only=["similarity", "cross_correlate"][: number % 3]))
    return root, lesson


class Counting(StandIn):
    """Remembers who was run."""

    seen: list = []  # noqa: RUF012 - shared by all workers of a test, which empties it

    def work(self, lesson, folder):
        Counting.seen.append(hashlib.sha256(b"".join(folder.files.values())).hexdigest())
        return super().work(lesson, folder)


def run(root, lesson, **options):
    Counting.seen.clear()
    with stand_in_pool(start=Counting) as pool:
        return {r.student: r for r in grade([lesson], pool, root, **options)}


def autograded(root, student):
    return root / "autograded" / student / CH01.id / "conv1d.ipynb"


def page(root, student):
    return root / "feedback" / student / CH01.id / "conv1d.html"


def test_what_has_not_changed_is_skipped_with_the_same_result(course):
    root, lesson = course
    first, files = run(root, lesson), [autograded(root, s).read_bytes() for s in STUDENTS]
    assert len(Counting.seen) == len(STUDENTS)
    assert not any(r.skipped or r.error for r in first.values())
    assert len({r.score for r in first.values()}) == 3
    second = run(root, lesson)
    assert Counting.seen == []
    assert all(r.skipped for r in second.values())
    assert {s: replace(r, skipped=False, seconds=0) for s, r in second.items()} == {
        s: replace(r, seconds=0) for s, r in first.items()
    }
    assert [autograded(root, s).read_bytes() for s in STUDENTS] == files


def test_force_grades_all_again(course):
    root, lesson = course
    run(root, lesson)
    assert not any(r.skipped for r in run(root, lesson, force=True).values())
    assert len(Counting.seen) == len(STUDENTS)


@pytest.mark.parametrize("what", ["submission", "timestamp", "another file", "autograded", "no autograded"])
def test_what_has_changed_is_graded_again_alone(course, what):
    root, lesson = course
    run(root, lesson)
    folder = root / "submitted" / STUDENTS[0] / CH01.id
    if what == "submission":
        submit(root, STUDENTS[0], solver())
    elif what == "timestamp":
        (folder / "timestamp.txt").write_text("2030-01-02 10:00:00 UTC")
    elif what == "another file":
        (folder / "data.csv").write_text("1,2")
    elif what == "autograded":
        autograded(root, STUDENTS[0]).write_text("{}")
    else:
        autograded(root, STUDENTS[0]).unlink()
    again = run(root, lesson)
    assert [s for s, r in again.items() if not r.skipped] == STUDENTS[:1]
    assert len(Counting.seen) == 1
    assert all(r.skipped for r in run(root, lesson).values())


def test_another_version_of_the_chapter_grades_all_again(course):
    root, lesson = course
    run(root, lesson)
    assert not any(r.skipped for r in run(root, replace(lesson, solved=b"{}")).values())


def test_what_ran_with_too_little_isolation_is_graded_again(course):
    root, lesson = course
    run(root, lesson)
    assert all(r.skipped for r in run(root, lesson, at_least="landlock").values())
    assert not any(r.skipped for r in run(root, lesson, at_least="full").values())


def test_a_failure_is_recorded_explained_and_tried_again(course):
    root, lesson = course
    run(root, lesson)
    path = root / "submitted" / STUDENTS[1] / CH01.id / "conv1d.ipynb"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    for _ in range(2):
        result = run(root, lesson)[STUDENTS[1]]
        assert (result.error, result.score, result.max_score) == ("conv1d.ipynb is cut off", 0, 100)
        assert len(Counting.seen) == 1
        assert "conv1d.ipynb is cut off" in page(root, STUDENTS[1]).read_text()
        assert not autograded(root, STUDENTS[1]).parent.exists()
        with Book(settings(root)) as book:
            assert book.marks(CH01.id, "conv1d", STUDENTS[1]).by_hand == 0
    path.write_bytes(whole)
    assert run(root, lesson)[STUDENTS[1]].score > 0


def test_a_failure_of_the_grader_fails_one_submission_and_is_not_recorded(course):
    root, lesson = course

    class Stumbling(StandIn):
        def work(self, lesson, folder):
            if folder.digest == bad:
                raise RuntimeError("the examiner is gone")
            return super().work(lesson, folder)

    from course.grading.intake import read_folder

    submit(root, STUDENTS[2], solver())
    bad = read_folder(root / "submitted" / STUDENTS[2] / CH01.id).digest
    with stand_in_pool(start=Stumbling) as pool:
        results = {r.student: r for r in grade([lesson], pool, root)}
    assert "the examiner is gone" in results.pop(STUDENTS[2]).error
    assert not any(r.error for r in results.values())
    assert not page(root, STUDENTS[2]).exists()
    assert run(root, lesson)[STUDENTS[2]].error is None


def test_a_worker_that_does_not_start_says_why(course):
    root, lesson = course

    def broken():
        raise OSError("no Landlock here")

    with stand_in_pool(start=broken) as pool, pytest.raises(OSError, match="no Landlock"):
        list(grade([lesson], pool, root))


def test_marks_by_hand_stay_and_show_on_the_page_without_grading_again(course):
    root, lesson = course
    student = STUDENTS[1]
    before = run(root, lesson)[student]
    with api.Gradebook(settings(root).CourseDirectory.db_url, "sliding-windows") as gradebook:
        gradebook.find_grade("similarity-hidden", "conv1d", CH01.id, student).manual_score = 0.25
        comment = gradebook.find_comment("similarity", "conv1d", CH01.id, student)
        comment.manual_comment = "See me <b>."
        gradebook.db.commit()
    result = run(root, lesson)[student]
    assert result.skipped
    assert result.score < before.score
    assert "See me &lt;b&gt;." in page(root, student).read_text()
    with api.Gradebook(settings(root).CourseDirectory.db_url, "sliding-windows") as gradebook:
        gradebook.find_grade("conv1d-hidden", "conv1d", CH01.id, student).manual_score = 2
        gradebook.db.commit()
    assert "conv1d" in dict(before.zeros)
    result = run(root, lesson)[student]
    assert dict(before.zeros).keys() - dict(result.zeros).keys() == {"conv1d"}
    forced = run(root, lesson, force=True)[student]
    assert forced.score == result.score
    assert "See me &lt;b&gt;." in page(root, student).read_text()
    page(root, student).unlink()
    run(root, lesson)
    assert page(root, student).exists()


def test_a_chapter_with_other_cells_than_were_graded_is_refused_with_what_to_do(course):
    root, lesson = course
    run(root, lesson)
    source = nbformat.read(CH01.made("source", root), as_version=4)
    source.cells = [c for c in source.cells if c.get("id") != "similarity-hidden"]
    nbformat.write(source, CH01.made("source", root))
    with pytest.raises(GradingError, match="nbgrader db assignment remove ch01_conv1d --force"):
        register(CH01, root)


def test_new_points_of_a_chapter_count_after_grading_again(course):
    root, lesson = course
    before = run(root, lesson)[STUDENTS[1]]
    source = nbformat.read(CH01.made("source", root), as_version=4)
    for cell in source.cells:
        if cell.get("id") == "similarity-hidden":
            cell.metadata.nbgrader.points += 10
    nbformat.write(source, CH01.made("source", root))
    after = run(root, register(CH01, root))[STUDENTS[1]]
    assert (after.score, after.max_score) == (before.score + 10, before.max_score + 10)


def test_left_over_files_of_dead_runs_are_removed(course):
    root, lesson = course
    run(root, lesson)
    said = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    places = (autograded(root, "student-00"), page(root, "student-01"))
    old = [p.with_name(f".{p.name}.{int(said.stdout)}") for p in places]
    alive = page(root, "student-01").with_name(f".conv1d.html.{os.getppid()}")
    for path in (*old, alive):
        path.write_text("half")
    run(root, lesson)
    assert [p.exists() for p in (*old, alive)] == [False, False, True]


def test_tasks_are_taken_only_as_workers_get_free(course):
    _, lesson = course
    taken, most = 0, 0

    def tasks():
        nonlocal taken
        from course.grading.pool import Task
        from course.grading.work import Folder

        for number in range(50):
            taken += 1
            yield Task(f"s{number}", lesson, Folder({}))

    with stand_in_pool(workers=2) as pool:
        for finished, _ in enumerate(pool.results(tasks())):
            most = max(most, taken - finished)
    assert (taken, finished + 1) == (50, 50)
    assert most <= 5


def test_strange_names_are_graded_or_fail_alone(course):
    root, lesson = course
    names = ["Zoë Ünal", "[red]x[blue]", "o'brien; drop table student", "a" * 120, "…"]
    for name in names:
        submit(root, name, solver())
    odd = os.fsencode(root / "submitted") + b"/caf\xe9/" + CH01.id.encode()
    Path(os.fsdecode(odd)).mkdir(parents=True)
    (root / "submitted" / ".git" / CH01.id).mkdir(parents=True)
    results = run(root, lesson)
    assert all(results[name].error is None for name in names)
    assert set(results) == {*STUDENTS, *names, os.fsdecode(b"caf\xe9")}
    assert results[os.fsdecode(b"caf\xe9")].error


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from stand_in import CH01, stand_in_pool
from course.grading.grade import grade, register
from course.kit.exercise import load
root = Path({root!r})
lesson = register(CH01, root)
load(CH01.id)
with stand_in_pool() as pool:
    for result in grade([lesson], pool, root, force={force}):
        print(result.student, flush=True)
"""


@pytest.mark.slow
def test_a_run_killed_at_any_moment_is_finished_by_the_next(course):
    root, lesson = course
    chance = random.Random(3)
    for attempt in range(8):
        if attempt == 4:
            (root / "gradebook.db").unlink()  # as at the very start
        script = KILLED.format(tests=str(Path(__file__).parent), root=str(root), force=attempt % 2 == 1)
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as running:
            for _ in range(chance.randint(1, 3)):
                assert running.stdout.readline()
            time.sleep(chance.uniform(0, 0.03))
            running.send_signal(signal.SIGKILL)
        check_whole(root, finished=False)
    run(root, lesson)
    check_whole(root, finished=True)
    assert all(r.skipped for r in run(root, lesson).values())
    assert not [p for f in ("autograded", "feedback") for p in (root / f).rglob(".*")]


def check_whole(root, finished):
    """Who is in the gradebook is so with all rows, once; what lies in autograded/ is a whole notebook."""
    for path in (root / "autograded").rglob("conv1d.ipynb"):
        nbformat.read(path, as_version=4)
    engine = sa.create_engine(settings(root).CourseDirectory.db_url)
    with sa.orm.Session(engine) as session:
        entries = session.scalars(sa.select(Entry)).all()
        for entry in entries:
            grades = session.scalars(
                sa.select(api.Grade)
                .join(api.SubmittedNotebook)
                .join(api.SubmittedAssignment)
                .where(api.SubmittedAssignment.student_id == entry.student)
            ).all()
            assert len(grades) == 19
            assert all(g.auto_score is not None or g.needs_manual_grade for g in grades)
            assert page(root, entry.student).exists()
        known = session.scalars(sa.select(api.Student.id)).all()
    engine.dispose()
    assert sorted(e.student for e in entries) == sorted(known)
    if finished:
        assert sorted(known) == STUDENTS
        for entry in entries:
            assert (
                entry.autograded == hashlib.sha256(autograded(root, entry.student).read_bytes()).hexdigest()
            )
