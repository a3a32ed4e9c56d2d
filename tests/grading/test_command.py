"""The commands as people type them, in a copy of the course."""

import os
import shutil
import subprocess
import sys

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


def test_grading_nothing_says_what_is_wanted(copy):
    ran = course(copy, "grade", "ch01_conv1d")
    assert ran.returncode == 1
    assert "submitted/<student>/<chapter>/<notebook>.ipynb" in ran.stdout


def test_an_unknown_chapter_is_refused_with_the_known_ones(copy):
    ran = course(copy, "grade", "ch77_nothing")
    assert ran.returncode == 2
    assert "ch01_conv1d" in ran.stderr


def test_a_class_with_a_broken_notebook_in_it(copy):
    made = course(copy, "example-class", "--students", "3", "--seed", "2", "ch01_conv1d")
    assert made.returncode == 0
    assert "3 submissions" in made.stdout
    broken = copy / "submitted" / "mallory" / "ch01_conv1d" / "conv1d.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text("<<<<<<< HEAD")
    ran = course(copy, "grade", "ch01_conv1d")
    assert ran.returncode == 1
    assert "FAILED ch01_conv1d mallory" in ran.stdout
    assert "1 of 4 submissions could not be graded" in ran.stderr
    for student in ("example-1-ada", "example-2-blaise", "example-3-carl"):
        assert student in ran.stdout
        assert (copy / "feedback" / student / "ch01_conv1d" / "conv1d.html").exists()
    assert "mean" in ran.stdout
    assert "\x1b" not in ran.stdout  # nothing for a terminal where there is none


def test_a_build_check_names_what_differs(copy):
    release = copy / "release" / "ch01_conv1d" / "conv1d.ipynb"
    release.write_text(release.read_text() + " ")
    ran = course(copy, "build", "--check", "ch01_conv1d")
    assert ran.returncode == 1
    assert "release/ch01_conv1d/conv1d.ipynb" in ran.stdout
    assert "solutions" not in ran.stdout
    assert course(copy, "build", "ch01_conv1d").returncode == 0
    assert course(copy, "build", "--check", "ch01_conv1d").returncode == 0
