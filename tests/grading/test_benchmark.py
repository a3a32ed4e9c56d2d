"""The benchmark of grading runs, and stock nbgrader gives the marks that the course gives."""

import subprocess
import sys

import pytest

from course.paths import ROOT


@pytest.mark.slow
def test_the_benchmark_compares_three_ways_of_grading():
    script = [sys.executable, str(ROOT / "benchmarks" / "grading.py")]
    options = ["--chapter", "ch01_conv1d", "--students", "3", "--stock-sample", "3", "--growth", "4"]
    done = subprocess.run([*script, *options], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for said in ("course grade, 2 workers", "the limit", "stock nbgrader autograde, measured on 1"):
        assert said in done.stdout
    assert "Stock nbgrader gives the same marks: 1 submissions, cell by cell." in done.stdout
    assert "a number there and back" in done.stdout
    assert "Growth" in done.stdout


def test_its_help_has_an_example():
    script = [sys.executable, str(ROOT / "benchmarks" / "grading.py"), "--help"]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    assert "Example: benchmarks/grading.py --students 40" in done.stdout
