"""Put back what a student's notebook lost, so that one deleted cell costs no more than its own exercise.

Stock nbgrader leaves a deleted test cell waiting for a person for ever, gives a notebook without metadata a silent 0,
and fails on a deleted answer cell. The gradebook's record of the source notebook says what belongs there.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

NOTES = "course_notes"  # in the notebook's metadata: what was repaired, for the report and the feedback page


class RestoreCells(NbGraderPreprocessor):
    """Give answer cells that lost their metadata their names back, and put missing cells where they belong."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            recorded = _Record(gradebook.find_notebook(place["notebook"], place["assignment"]))
        _forget_copies(nb)
        found, empty, back = _name_answers(nb, recorded), *_insert_missing(nb, recorded)
        nb.metadata[NOTES] = [
            f"{what}: {', '.join(names)}"
            for what, names in (
                ("answers without metadata, found by their content", found),
                ("missing answers, which count as empty", empty),
                ("missing cells, put back", back),
            )
            if names
        ]
        return nb, resources


class _Record:
    """The cells of the source notebook that nbgrader keeps, in order, with their roles."""

    def __init__(self, notebook: Any) -> None:
        self.cells = {c.name: (c.cell_type, c.source, c.locked) for c in notebook.source_cells}
        self.points = {c.name: c.max_score for c in notebook.grade_cells}
        self.solutions = {c.name for c in notebook.solution_cells}

    def metadata(self, name: str) -> dict:
        _, _, locked = self.cells[name]
        fields = {
            "schema_version": 3,
            "grade_id": name,
            "grade": name in self.points,
            "solution": name in self.solutions,
            "locked": locked,
            "task": False,
        }
        return fields | ({"points": self.points[name]} if name in self.points else {})


def _forget_copies(nb: NotebookNode) -> None:
    """DeduplicateIds leaves empty metadata on a copy, which nbgrader itself then takes for a corrupt notebook."""
    for cell in nb.cells:
        if cell.metadata.get("nbgrader") == {}:
            del cell.metadata["nbgrader"]


def _name_answers(nb: NotebookNode, recorded: _Record) -> list[str]:
    """Find answers that lost their metadata: code by the function it defines, text by the question above it."""
    found = []
    for name in recorded.cells:
        if name not in recorded.solutions or name in _names(nb):
            continue
        if candidates := [
            c for i, c in enumerate(nb.cells) if not _name(c) and _may_be(name, nb, i, recorded)
        ]:
            candidates[-1].metadata["nbgrader"] = recorded.metadata(name)
            found.append(name)
    return found


def _may_be(name: str, nb: NotebookNode, index: int, recorded: _Record) -> bool:
    cell, (kind, *_) = nb.cells[index], recorded.cells[name]
    if cell.cell_type != kind:
        return False
    if kind == "code":
        return name in _defined(cell.source)
    question, above = recorded.cells.get(f"{name}-question"), nb.cells[index - 1] if index else None
    return bool(question and above) and not _name(above) and above.source.strip() == _released(question[1])


def _released(source: str) -> str:
    return re.sub(
        r"^[^\n]*BEGIN MARK SCHEME.*?END MARK SCHEME[^\n]*$", "", source, flags=re.DOTALL | re.MULTILINE
    ).strip()


def _insert_missing(nb: NotebookNode, recorded: _Record) -> tuple[list[str], list[str]]:
    """Insert each missing cell behind the recorded cell before it. Returns the names of answers, and of the others."""
    answers, others, after = [], [], -1
    for name, (kind, source, _) in recorded.cells.items():
        places = [i for i, c in enumerate(nb.cells) if _name(c) == name]
        if places:
            after = places[-1]
            continue
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        answer = name in recorded.solutions
        text = (
            "" if answer and kind == "code" else source
        )  # an unchanged written answer scores 0, as it should
        after += 1
        nb.cells.insert(after, new(text, id=name, metadata={"nbgrader": recorded.metadata(name)}))
        (answers if answer else others).append(name)
    return answers, others


def _name(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _names(nb: NotebookNode) -> set[str | None]:
    return {_name(c) for c in nb.cells}


def _defined(source: str) -> set[str]:
    """Names that a cell binds at its top level."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return set()
    names = {n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    return names | {
        t.id for n in body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)
    }
