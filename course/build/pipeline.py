"""From a chapter's text to its notebooks in source/, release/ and solutions/, through nbgrader's own converters."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment, GenerateSolution

from course.build import rules, text
from course.converters import ConversionError, convert
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
        try:
            for converter in (GenerateAssignment, GenerateSolution):
                convert(converter, chapter.id, root)
        except ConversionError as error:
            raise BuildError(f"{chapter.text.name}: {error}") from error
        return Built(
            chapter, {f: chapter.made(f, root).read_text("utf-8").rstrip("\n") + "\n" for f in FOLDERS}
        )


def update(chapter: Chapter, root: Path = ROOT) -> list[Path]:
    """Build a chapter into the course's folders; returns what changed. Raises BuildError and then writes nothing."""
    source = chapter.made("source", root)
    if edited_by_hand(source) and not _says_the_same(source, chapter.text):
        raise BuildError(
            f"{shown(source, root)} was edited by hand. Run `course pull {chapter.id}` to bring its changes to the "
            "text, or delete it, and build again."
        )
    built = build(chapter)
    stale = built.stale(root)
    built.write(root)
    return stale


def source_notebook(chapter: Chapter) -> NotebookNode:
    """The source notebook of a chapter's text, with a record of what it was built from; raises BuildError."""
    try:
        nb = text.read(chapter.text.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BuildError(f"{chapter.text}: {error}") from error
    if found := rules.problems(chapter, nb):
        raise BuildError("\n".join(str(p) for p in found))
    nbformat.validate(nb)
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


def _says_the_same(source: Path, chapter_text: Path) -> bool:
    """Does the text hold all that the notebook does, as it does after a pull?"""
    try:
        written = text.read(chapter_text.read_text("utf-8"))
        return text.content(nbformat.read(source, as_version=4)) == text.content(written)
    except (OSError, ValueError):
        return False


def text_at_build(path: Path) -> str | None:
    """Fingerprint of the text that a source notebook was built from."""
    return nbformat.read(path, as_version=4).metadata.get(_RECORD, {}).get("text")


def shown(path: Path, root: Path = ROOT) -> str:
    """A path as people type it, from the course's folder."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def fingerprint(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def replace_file(path: Path, content: str) -> None:
    """Write a file beside its place and rename it: it is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(content, "utf-8")
    beside.replace(path)


def _cells_fingerprint(nb: NotebookNode) -> str:
    return fingerprint(json.dumps(text.content(nb), sort_keys=True))
