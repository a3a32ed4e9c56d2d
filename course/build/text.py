"""Between a chapter's text (py:percent) and its source notebook, both ways and without loss.

Authors write short headers, `# %% nbgrader={"grade_id": "conv1d", "solution": true}`; nbgrader wants every field of
its schema. `read` fills the fields in, `write` takes them out again.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
FIGURE_TAG = "figure"
FORMAT = {"extension": ".py", "format_name": "percent"}


class TextError(ValueError):
    """A text or a notebook that can't be turned into the other without loss."""


def read(text: str) -> NotebookNode:
    """The source notebook of a chapter's text. Deterministic to the byte, given the text."""
    nb = jupytext.reads(text, fmt=FORMAT)
    for step in READ_STEPS:
        step(nb)
    return nb


def write(nb: NotebookNode) -> str:
    """The text of a source notebook. `read(write(nb))` has nb's cells, or TextError says which cell is the problem."""
    short = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})
    short.cells = [_short_cell(cell) for cell in nb.cells]
    short.metadata["jupytext"] = {"cell_markers": '"""', "notebook_metadata_filter": "-all"}
    text = jupytext.writes(short, fmt=FORMAT)
    for number, (before, after) in enumerate(
        itertools.zip_longest(content(nb), content(read(text))), start=1
    ):
        if before != after:
            raise TextError(
                f"cell {number} can't be written as text without loss: {_first_words(before or after)}"
            )
    return text


def tidy(path: Path) -> bool:
    """Rewrite a text file in the form that `write` gives; False where it has that form already."""
    before = path.read_text("utf-8")
    after = write(read(before))
    if after != before:
        path.write_text(after, "utf-8")
    return after != before


def content(nb: NotebookNode) -> list[dict]:
    """What an author wrote: types, sources, nbgrader's fields, tags and attachments. No outputs, ids, editor state."""
    return [
        {
            "type": cell.cell_type,
            "source": cell.source,
            "nbgrader": _fields(cell),
            "tags": list(cell.metadata.get("tags", [])),
            "attachments": cell.get("attachments", {}),
        }
        for cell in nb.cells
    ]


def dump(nb: NotebookNode) -> str:
    """A notebook as the text of its file; the same notebook gives the same bytes."""
    return nbformat.writes(nb, version=4) + "\n"


def without_markers(code: str) -> str:
    """A solution without its BEGIN and END SOLUTION lines."""
    return re.sub(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*\n?", "", code, flags=re.MULTILINE).rstrip("\n")


def _fix_notebook_metadata(nb: NotebookNode) -> None:
    nb.metadata = NotebookNode(kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(name="python"))
    nb.nbformat, nb.nbformat_minor = 4, 5


def _drop_jupytext_metadata(nb: NotebookNode) -> None:
    for cell in nb.cells:
        for key in ("cell_marker", "lines_to_next_cell", "lines_to_end_of_cell_marker"):
            cell.metadata.pop(key, None)


def _complete_nbgrader_metadata(nb: NotebookNode) -> None:
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader = _fields(cell)


def _fold_figures(nb: NotebookNode) -> None:
    """Cells that only draw show their picture; a click on the bar beside it unfolds their code."""
    for cell in nb.cells:
        if FIGURE_TAG in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = NotebookNode(source_hidden=True)


def _name_cells(nb: NotebookNode) -> None:
    for number, cell in enumerate(nb.cells):
        cell["id"] = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell-{number:03}"


READ_STEPS: list[Callable[[NotebookNode], None]] = [
    _fix_notebook_metadata,
    _drop_jupytext_metadata,
    _complete_nbgrader_metadata,
    _fold_figures,
    _name_cells,
]


def _fields(cell: NotebookNode) -> dict | None:
    """nbgrader's schema 3 in full, from a short or a full header."""
    given = cell.metadata.get("nbgrader")
    if given is None:
        return None
    solution = given.get("solution", False)
    grade = given.get("grade", "points" in given)
    fields = {
        "schema_version": 3,
        "grade_id": given.get("grade_id"),
        "solution": solution,
        "grade": grade,
        "locked": given.get("locked", grade and not solution),
        "task": given.get("task", False),
    }
    if grade:
        fields["points"] = given.get("points")
    return fields


def _short_cell(cell: NotebookNode) -> NotebookNode:
    metadata = {}
    if (fields := _fields(cell)) is not None:
        short = {"grade_id": fields["grade_id"]}
        short |= {k: True for k in ("solution", "task") if fields[k]}
        short |= {"points": fields["points"]} if fields["grade"] else {}
        if fields["locked"] != (fields["grade"] and not fields["solution"]):
            short["locked"] = fields["locked"]
        metadata["nbgrader"] = short
    if cell.metadata.get("tags"):
        metadata["tags"] = list(cell.metadata.tags)
    new = {
        "markdown": nbformat.v4.new_markdown_cell,
        "code": nbformat.v4.new_code_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    return new[cell.cell_type](cell.source, metadata=metadata)


def _first_words(item: dict) -> str:
    return repr(" ".join(item["source"].split())[:60])
