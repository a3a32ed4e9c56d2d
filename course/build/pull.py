"""Bring what someone changed in a source notebook, in JupyterLab, back to the chapter's text."""

from __future__ import annotations

from pathlib import Path

import nbformat

from course.build import text
from course.build.pipeline import BuildError, edited_by_hand, fingerprint, replace_file, shown, text_at_build
from course.paths import ROOT, Chapter


def pull(chapter: Chapter, root: Path = ROOT) -> bool:
    """Write the source notebook's changes to the text; False if there are none. Raises BuildError, writing nothing."""
    path = chapter.made("source", root)
    if not path.exists():
        raise BuildError(f"{shown(path, root)} does not exist; run `course build {chapter.id}`")
    if not edited_by_hand(path):
        return False
    try:
        nb = nbformat.read(path, as_version=4)
        if fingerprint(chapter.text.read_text("utf-8")) != text_at_build(path):
            raise BuildError(
                f"both {shown(path, root)} and {shown(chapter.text, root)} changed since the last build. To keep the "
                "notebook's version, `git stash` the text and pull again; to keep the text's, delete the notebook "
                "and build."
            )
        content = text.write(nb)
    except (ValueError, nbformat.ValidationError) as error:
        raise BuildError(f"{shown(path, root)}: {error}") from error
    replace_file(chapter.text, content)
    return True
