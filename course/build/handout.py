"""What an instructor gives to students: the release notebooks and what they import, zipped; no solution, no test."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from course.build.pipeline import BuildError
from course.paths import ROOT, Chapter, chapters

PYPROJECT = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "sliding-windows-for-students"
version = "0.1.0"
requires-python = ">=3.11"

[tool.setuptools.packages.find]
include = ["course*"]
"""

README = """# Sliding Windows

Install once, in this folder (Python 3.11 or newer):

    python3 -m venv .venv
    .venv/bin/pip install -r requirements.txt --editable .

On Windows, write .venv\\Scripts\\ for .venv/bin/. Then open the notebooks:

    .venv/bin/jupyter lab release/ch00_welcome/welcome.ipynb

Start with chapter 0. It shows how to run, check and hand in your work.
"""

_EPOCH = (2020, 1, 1, 0, 0, 0)  # zip wants a time; the same one gives the same bytes


def write_handout(path: Path, wanted: list[Chapter] | None = None, root: Path = ROOT) -> int:
    """Write the zip for students; returns how many files it holds. Raises BuildError where a release is missing."""
    files = dict(_files(wanted or chapters(), root))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(
                zipfile.ZipInfo(f"sliding-windows/{name}", _EPOCH), files[name], zipfile.ZIP_DEFLATED
            )
    beside.replace(path)
    return len(files)


def _files(wanted: list[Chapter], root: Path) -> Iterator[tuple[str, bytes]]:
    yield "README.md", README.encode()
    yield "pyproject.toml", PYPROJECT.encode()
    yield "requirements.txt", _student_requirements().encode()
    for package in ("course", "course/chapters"):
        yield f"{package}/__init__.py", b""
    for source in sorted((ROOT / "course" / "kit").glob("*.py")):
        yield f"course/kit/{source.name}", source.read_bytes()
    for chapter in wanted:
        release = chapter.made("release", root)
        if not release.exists():
            raise BuildError(f"{chapter.id} is not built: run `course build {chapter.id}`")
        yield f"release/{chapter.id}/{release.name}", release.read_bytes()
        yield f"course/chapters/{chapter.id}/__init__.py", b""
        yield (
            f"course/chapters/{chapter.id}/exercises.py",
            (chapter.text.parent / "exercises.py").read_bytes(),
        )


def _student_requirements() -> str:
    """The first part of requirements.txt: what students run."""
    return (ROOT / "requirements.txt").read_text("utf-8").partition("# Building and grading")[0]
