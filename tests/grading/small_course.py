"""A course folder with one small chapter, to run the real `course grade` in, and notebooks to hand in there."""

import json
import shutil

import nbformat
from stand_in import solver

from course.paths import ROOT, Chapter

CH02 = Chapter("ch02_conv2d")
KEPT = ("cross_correlate2d", "rotate180", "conv2d", "conv1x1", "why-im2col")


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def small(folder):
    """A notebook of the chapter with a few of its exercises, and without cells that only draw."""
    nb = nbformat.read(CH02.made(folder), as_version=4)
    exercises = [(name(c) or "").partition("-examples")[0].partition("-hidden")[0] for c in nb.cells]
    nb.cells = [
        cell
        for cell, exercise in zip(nb.cells, exercises, strict=True)
        if exercise.startswith("setup") or exercise.removesuffix("-question") in KEPT or is_prose(cell)
    ]
    return nb


def is_prose(cell):
    return cell.cell_type == "markdown" and not name(cell)


def complete(only=None):
    """The release notebook with the course's own answers, or only those of some exercises."""
    nb = small("release")
    solver(CH02, only)(nb)
    return nb


def write(path, nb):
    """Write a notebook, or bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(nb if isinstance(nb, bytes) else json.dumps(nb).encode())


def make_course(root, limits):
    """The course as it is, with the small chapter alone."""
    shutil.copytree(ROOT / "course", root / "course", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("source", "release", "solutions"):
        write(CH02.made(folder, root), small(folder))
    config = (ROOT / "nbgrader_config.py").read_text()
    (root / "nbgrader_config.py").write_text(f"{config}c.ExecuteIsolated.limits = {limits}\n")
