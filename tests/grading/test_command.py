"""The commands as people type them, in a copy of the course."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from course.paths import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The course without what is made when grading, in a folder of its own."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("course", "source", "release", "solutions", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("nbgrader_config.py", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def course(copy, *arguments):
    environment = os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", "course", *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def submitted(copy, student, chapter="ch01_conv1d"):
    path = copy / "submitted" / student / chapter / f"{chapter.partition('_')[2]}.ipynb"
    path.parent.mkdir(parents=True)
    return path


def test_grading_nothing_says_what_is_wanted(copy):
    ran = course(copy, "grade", "ch01_conv1d")
    assert ran.returncode == 1
    assert "submitted/<student>/<chapter>/<notebook>.ipynb" in ran.stdout


def test_an_unknown_chapter_is_refused_with_the_known_ones(copy):
    ran = course(copy, "grade", "ch77_nothing")
    assert ran.returncode == 2
    assert "ch01_conv1d" in ran.stderr


@pytest.mark.parametrize("command", ["grade", "check"])
def test_help_has_an_example(copy, command):
    assert f"Example: course {command} " in course(copy, command, "--help").stdout


def test_a_class_with_a_broken_notebook_in_it(copy):
    made = course(copy, "example-class", "--students", "3", "--seed", "2", "ch01_conv1d")
    assert made.returncode == 0
    assert "3 submissions" in made.stdout
    submitted(copy, "mallory").write_text("<<<<<<< HEAD")
    submitted(copy, "[red]eve\x1b[31m").write_text("")
    ran = course(copy, "grade", "ch01_conv1d", "--workers", "2")
    assert ran.returncode == 1
    assert ran.stdout.startswith("isolation: ")
    lines = ran.stdout.splitlines()
    assert len([line for line in lines if "  ch01_conv1d  " in line]) == 5
    assert any(line.startswith("mallory  ch01_conv1d  failed  FAILED: ") for line in lines)
    assert "FAILED ch01_conv1d mallory: " in ran.stdout
    assert "FAILED ch01_conv1d [red]eve: " in ran.stdout
    assert "2 of 5 submissions could not be graded" in ran.stderr
    for student in ("example-1-ada", "example-2-blaise", "example-3-carl"):
        assert student in ran.stdout
        assert (copy / "feedback" / student / "ch01_conv1d" / "conv1d.html").exists()
    assert "mean" in ran.stdout
    assert "\x1b" not in ran.stdout  # nothing for a terminal where there is none
    again = course(copy, "grade", "ch01_conv1d")
    assert again.stdout.count("up to date") == 3
    assert again.stdout[again.stdout.index("Marks") :] == ran.stdout[ran.stdout.index("Marks") :]
    forced = course(copy, "grade", "ch01_conv1d", "--force")
    assert "up to date" not in forced.stdout


def test_too_little_isolation_is_refused(copy):
    ran = course(copy, "grade", "--isolation", "perfect", "ch01_conv1d")
    assert ran.returncode == 2
    assert "landlock" in ran.stderr


def test_a_run_that_is_interrupted_says_so_and_leaves_nothing_running(copy):
    for number in range(200):
        shutil.copy(
            copy / "release" / "ch02_conv2d" / "conv2d.ipynb", submitted(copy, f"s{number}", "ch02_conv2d")
        )
    environment = os.environ | {"PYTHONPATH": str(copy)}
    with subprocess.Popen(
        [sys.executable, "-m", "course", "grade", "ch02_conv2d"],
        cwd=copy,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # The tests may have been started in a shell's background, where SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        assert running.stdout.readline().startswith("isolation: ")
        assert running.stdout.readline()
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.startswith("stopped; ")
    assert "Traceback" not in said
    assert gone(running.pid)


def gone(group):
    """Does a process group come to an end?"""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_checking_one_notebook(copy, tmp_path):
    solved = tmp_path / "my own name.ipynb"
    shutil.copy(copy / "solutions" / "ch02_conv2d" / "conv2d.ipynb", solved)
    ran = course(copy, "check", str(solved))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "conv2d: " in ran.stdout
    assert "tests passed, 92 of 92 points" in ran.stdout
    seen = course(copy, "check", str(solved), "--visible")
    assert seen.returncode == 0, seen.stdout
    assert "8 of 8 tests passed, 36 of 36 points" in seen.stdout
    blank = course(copy, "check", "release/ch02_conv2d/conv2d.ipynb")
    assert blank.returncode == 1
    assert "conv2d: 0 of 30, there is no answer yet" in blank.stdout
    seen = course(copy, "check", "release/ch02_conv2d/conv2d.ipynb", "--visible")
    assert seen.returncode == 1
    assert "conv2d: 0 of 12, there is no answer yet" in seen.stdout
    assert "hidden" not in seen.stdout


def test_checking_what_is_no_notebook_of_the_course(copy, tmp_path):
    other = tmp_path / "other.ipynb"
    other.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    for path, said in ((other, "neither its name nor its cells"), (tmp_path / "none.ipynb", "there is no")):
        ran = course(copy, "check", str(path))
        assert ran.returncode == 2
        assert said in ran.stderr


def test_a_build_check_names_what_differs(copy):
    release = copy / "release" / "ch01_conv1d" / "conv1d.ipynb"
    release.write_text(release.read_text() + " ")
    ran = course(copy, "build", "--check", "ch01_conv1d")
    assert ran.returncode == 1
    assert "release/ch01_conv1d/conv1d.ipynb" in ran.stdout
    assert "solutions" not in ran.stdout
    assert course(copy, "build", "ch01_conv1d").returncode == 0
    assert course(copy, "build", "--check", "ch01_conv1d").returncode == 0
