"""The gradebook in PostgreSQL: the same rows, and several coordinators at once."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from nbgrader import api
from stand_in import CH01, StandIn, course_folder, rows_of, solver, stand_in_pool, submit

from course.converters import settings
from course.grading.grade import grade, register
from course.grading.gradebook import Book
from course.paths import ROOT

pytestmark = pytest.mark.slow
NUMBERS = itertools.count()
STUDENTS = [f"student-{n:02}" for n in range(9)]


def program(name):
    """A program of PostgreSQL; Debian keeps them out of PATH."""
    found = shutil.which(name) or max(
        map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None
    )
    return found or pytest.fail(
        "these tests need PostgreSQL: install it (on Debian: sudo apt-get install postgresql)"
    )


@pytest.fixture(scope="module")
def server():
    """A server of our own on a socket in a folder; PostgreSQL refuses to run as root."""
    nobody = pwd.getpwnam("nobody")
    someone = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="course-pg-") as folder:  # a socket's path must be short
        if someone:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        options = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **someone}
        subprocess.run(
            [program("initdb"), "-D", "data", "-A", "trust", "-U", "course"], check=True, **options
        )
        command = [
            program("postgres"),
            "-D",
            "data",
            "-k",
            folder,
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
        ]
        with subprocess.Popen(command, **options) as running:
            try:
                yield folder
            finally:
                running.send_signal(signal.SIGQUIT)  # at once; nothing of it is kept


@pytest.fixture
def url(server):
    """An empty database."""
    name = f"grades_{next(NUMBERS)}"
    engine = sa.create_engine(
        f"postgresql+psycopg2://course@/postgres?host={server}", isolation_level="AUTOCOMMIT"
    )
    for _ in range(100):
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            break
        except sa.exc.OperationalError:
            time.sleep(0.1)
    engine.dispose()
    return f"postgresql+psycopg2://course@/{name}?host={server}"


@pytest.fixture
def root(tmp_path):
    root = course_folder(tmp_path / "course")
    for number, student in enumerate(STUDENTS):
        submit(root, student, solver(only=["similarity", "cross_correlate"][: number % 3]))
    submit(root, "broken").write_text("{")
    return root


def use(monkeypatch, url):
    """What `c.CourseDirectory.db_url` in nbgrader_config.py does."""

    def with_url(at):
        config = settings(at)
        config.CourseDirectory.db_url = url
        return config

    for module in ("course.converters", "course.grading.grade"):
        monkeypatch.setattr(f"{module}.settings", with_url)
    return with_url


def run(root):
    lesson = register(CH01, root)
    with stand_in_pool(start=StandIn) as pool:
        return {r.student: (r.score, r.by_hand, r.error, r.skipped) for r in grade([lesson], pool, root)}


def test_the_rows_are_those_of_sqlite(root, url, monkeypatch):
    results = run(root)
    expected = rows_of(settings(root).CourseDirectory.db_url)
    for folder in ("autograded", "feedback"):
        shutil.rmtree(root / folder)
    use(monkeypatch, url)
    assert run(root) == results
    assert rows_of(url) == expected
    again = run(root)
    assert {s for s, r in again.items() if not r[-1]} == {"broken"}


def test_nbgraders_own_tools_read_it(root, url, monkeypatch):
    run(root)
    expected = said_by_nbgrader(settings(root).CourseDirectory.db_url)
    use(monkeypatch, url)
    results = run(root)
    found = said_by_nbgrader(url)
    assert found == expected
    assert {s["student"]: s["score"] for s in found["submissions"]} == {s: r[0] for s, r in results.items()}
    assert {s["id"] for s in found["students"]} == {*STUDENTS, "broken"}


def said_by_nbgrader(url):
    """What formgrader's pages and `nbgrader export` ask for, without ids."""
    with api.Gradebook(url, "sliding-windows") as gradebook:
        found = {
            "submissions": gradebook.submission_dicts(CH01.id),
            "notebooks": gradebook.notebook_submission_dicts(CH01.notebook, CH01.id),
            "students": gradebook.student_dicts(),
            "averages": [gradebook.average_assignment_score(CH01.id)],
        }
    return {name: sorted(map(without_ids, rows), key=repr) for name, rows in found.items()}


def without_ids(row):
    """Without the random ones; a student's is the name."""
    return {k: v for k, v in row.items() if k != "id" or len(v) < 32} if isinstance(row, dict) else row


def test_the_command_takes_it_from_the_configuration(tmp_path, url):
    copy = tmp_path / "copy"
    for name in ("course", "source", "solutions", "release"):
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "ch0[02-9]*", "ch1*")
        )
    config = (ROOT / "nbgrader_config.py").read_text() + f"\nc.CourseDirectory.db_url = {url!r}\n"
    (copy / "nbgrader_config.py").write_text(config)
    submit(copy, "ada", solver())
    command = [sys.executable, "-m", "course", "grade", CH01.id, "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(copy)}
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (copy / "gradebook.db").exists()
    with api.Gradebook(url, "sliding-windows") as gradebook:
        graded = gradebook.find_submission(CH01.id, "ada")
        assert graded.score == graded.max_score - 8


def test_a_name_that_the_database_refuses_fails_alone(root, url, monkeypatch):
    use(monkeypatch, url)
    submit(root, "x" * 200)
    results = run(root)
    assert "too long" in results.pop("x" * 200)[2]
    assert {s for s, r in results.items() if r[2]} == {"broken"}


COORDINATOR = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import course.converters, course.grading.grade
plain = course.converters.settings
def with_url(at):
    config = plain(at)
    config.CourseDirectory.db_url = {url!r}
    return config
course.converters.settings = course.grading.grade.settings = with_url
from stand_in import CH01, stand_in_pool
lesson = course.grading.grade.register(CH01, Path({root!r}))
with stand_in_pool() as pool:
    for result in course.grading.grade.grade([lesson], pool, Path({root!r}), force=True):
        assert result.error in (None, "conv1d.ipynb is cut off"), result.error
"""


@pytest.mark.parametrize("folders", [1, 2])
def test_two_coordinators_at_once_from_the_very_first_row(root, url, folders, monkeypatch):
    """In one folder, and each in a folder of its own, as on two machines."""
    other = root if folders == 1 else shutil.copytree(root, root.parent / "other")
    scripts = [
        COORDINATOR.format(tests=str(Path(__file__).parent), url=url, root=str(r)) for r in (root, other)
    ]
    both = [subprocess.Popen([sys.executable, "-c", s], stderr=subprocess.PIPE, text=True) for s in scripts]
    said = [p.communicate(timeout=120)[1] for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    config = use(monkeypatch, url)(root)
    found = rows_of(url)
    assert len(found["student"]) == len(found["submission"]) == len(found["notebook"]) == len(STUDENTS) + 1
    with Book(config) as book:
        assert all(book.entry(CH01.id, s).isolation == "landlock" for s in STUDENTS)
    assert run(root).keys() == {*STUDENTS, "broken"}
