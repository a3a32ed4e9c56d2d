"""From a chapter's text to its notebooks in source/, release/ and solutions/, through nbgrader's own converters."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment, GenerateSolution
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from course.build import rules, text
from course.paths import ROOT, Chapter

FOLDERS = ("source", "release", "solutions")
_RECORD = "sliding_windows"  # where a source notebook's metadata says what it was built from


class BuildError(Exception):
    """A chapter that can't be built; nothing of it was written."""


@dataclass(frozen=True)
class Built:
    """A chapter's notebooks as the text of their files, by folder."""

    chapter: Chapter
    files: dict[str, str]

    def stale(self, root: Path = ROOT) -> list[Path]:
        """The files on disk that are not what was built."""
        paths = [(self.chapter.made(folder, root), made) for folder, made in self.files.items()]
        return [path for path, made in paths if not path.exists() or path.read_text("utf-8") != made]

    def write(self, root: Path = ROOT) -> None:
        """Write all three, each beside its place first and then renamed, so none is ever half-written."""
        for folder, made in self.files.items():
            replace_file(self.chapter.made(folder, root), made)


def build(chapter: Chapter) -> Built:
    """Build a chapter without touching the course's folders; raises BuildError with all reasons."""
    source = source_notebook(chapter)
    with tempfile.TemporaryDirectory(prefix="course-build-") as folder:
        root = Path(folder)
        replace_file(chapter.made("source", root), text.dump(source))
        for converter in (GenerateAssignment, GenerateSolution):
            convert(converter, chapter, root)
        return Built(
            chapter, {f: chapter.made(f, root).read_text("utf-8").rstrip("\n") + "\n" for f in FOLDERS}
        )


def source_notebook(chapter: Chapter) -> NotebookNode:
    """The source notebook of a chapter's text, with a record of what it was built from; raises BuildError."""
    try:
        nb = text.read(chapter.text.read_text("utf-8"))
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise BuildError(f"{chapter.text}: {error}") from error
    if found := rules.problems(chapter, nb):
        raise BuildError("\n".join(str(p) for p in found))
    nb.metadata[_RECORD] = {
        "text": fingerprint(chapter.text.read_text("utf-8")),
        "cells": _cells_fingerprint(nb),
    }
    return nb


def edited_by_hand(path: Path) -> bool:
    """Was a source notebook's content changed since it was built? Outputs and editor state don't count."""
    if not path.exists():
        return False
    try:
        nb = nbformat.read(path, as_version=4)
    except (ValueError, nbformat.reader.NotJSONError):
        return True
    return nb.metadata.get(_RECORD, {}).get("cells") != _cells_fingerprint(nb)


def text_at_build(path: Path) -> str | None:
    """Fingerprint of the text that a source notebook was built from."""
    return nbformat.read(path, as_version=4).metadata.get(_RECORD, {}).get("text")


def fingerprint(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def convert(converter: type[BaseConverter], chapter: Chapter, root: Path) -> None:
    """Run one of nbgrader's converters on a chapter in a course folder; raises BuildError with nbgrader's reasons."""
    config = load_config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    config.CourseDirectory.assignment_id = chapter.id
    coursedir = CourseDirectory(config=config)
    with captured_log() as log, nbgrader_environment():
        made = converter(coursedir=coursedir, config=config)
        made.log, made.force = log.logger, True
        try:
            made.start()
        except NbGraderException as error:
            raise BuildError(f"{chapter.text.name}: {log.reason() or error}") from error


def load_config() -> Config:
    """The course's nbgrader_config.py."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()


def replace_file(path: Path, content: str) -> None:
    """Write a file beside its place and rename it: it is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(content, "utf-8")
    beside.replace(path)


class captured_log(logging.Handler):  # noqa: N801 - used as a context manager
    """Keep what nbgrader logs, to show the reason when something fails and nothing when all is well."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self.logger = logging.getLogger(f"course.nbgrader.{id(self)}")
        self.logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def __enter__(self) -> captured_log:
        self.logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.logger.removeHandler(self)

    def reason(self) -> str:
        """What went wrong, in the exception's own words: nbgrader logs whole tracebacks."""
        errors = [r.getMessage().strip() for r in self.records if r.levelno >= logging.ERROR]
        for message in errors:
            if message.startswith("Traceback"):
                lines = message.splitlines()
                last_frame = max(i for i, line in enumerate(lines) if line.startswith("  "))
                return "\n".join(lines[last_frame + 1 :])
        return errors[0] if errors else ""


@contextmanager
def nbgrader_environment() -> Iterator[None]:
    """Run kernels with one thread a library, so sums come out the same to the last bit; let nbgrader find alembic."""
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    wanted["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _cells_fingerprint(nb: NotebookNode) -> str:
    return fingerprint(json.dumps(text.content(nb), sort_keys=True))
