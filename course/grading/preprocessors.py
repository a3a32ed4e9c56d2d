"""What nbgrader does to a submitted notebook before it runs, and to make a feedback page of it afterwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    GetGrades,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)

from course.grading.restore import NOTES, RestoreCells

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class FeedbackExporter(HTMLExporter):
    """A page with the marks first and then, for each exercise, the answer and what its tests said."""


class GatherExercises(NbGraderPreprocessor):
    """Collect what the page shows: marks, messages and answers, and nothing of the tests themselves."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            marked = gradebook.find_submission_notebook(
                place["notebook"], place["assignment"], place["student"]
            )
            grades = {g.name: g for g in marked.grades}
            comments = {c.name: c.comment for c in marked.comments}
            exercises = [
                _exercise(cell, nb, grades, comments) for cell in nb.cells if utils.is_solution(cell)
            ]
            waiting = sum(g.max_score for g in grades.values() if g.needs_manual_grade)
        resources["feedback"] = {
            "exercises": [e for e in exercises if e["tests"]],
            "waiting": waiting,
            "notes": nb.metadata.get(NOTES, []),
        }
        return nb, resources


def _exercise(answer: NotebookNode, nb: NotebookNode, grades: dict, comments: dict) -> dict[str, Any]:
    name = answer.metadata.nbgrader.grade_id
    graded = [c for c in nb.cells if utils.is_grade(c) and c.metadata.nbgrader.grade_id in grades]
    tests = [
        _test(c, name, grades[c.metadata.nbgrader.grade_id])
        for c in graded
        if re.fullmatch(rf"{re.escape(name)}(-examples|-hidden(-.*)?)?", c.metadata.nbgrader.grade_id)
    ]
    wrong = [t for t in tests if t["state"] == "wrong"]
    waits = any(t["state"] == "wait" for t in tests)
    return {
        "name": name,
        "answer": answer.source,
        "written": answer.cell_type == "markdown",
        "tests": tests,
        "score": sum(t["score"] for t in tests),
        "points": sum(t["points"] for t in tests),
        "state": "wrong" if wrong else "wait" if waits else "right",
        "summary": _gist(wrong[0]["message"]) if wrong else "to be marked by hand" if waits else "all right",
        "comment": comments.get(name),
    }


def _test(cell: NotebookNode, exercise: str, grade: Any) -> dict[str, Any]:
    right = not grade.needs_manual_grade and grade.score >= grade.max_score
    label = cell.metadata.nbgrader.grade_id.removeprefix(exercise).strip("-").replace("-", " tests: ", 1)
    return {
        "label": {"": "written answer", "hidden": "hidden tests"}.get(label, label),
        "score": grade.score,
        "points": grade.max_score,
        "state": "wait" if grade.needs_manual_grade else "right" if right else "wrong",
        "message": _message(cell) if cell.cell_type == "code" else "",
        "images": [
            o.data["image/png"].strip()
            for o in cell.get("outputs", [])
            if o.output_type == "display_data" and isinstance(o.data.get("image/png"), str)
        ],
    }


def _message(cell: NotebookNode) -> str:
    """What a test cell said, without the frames that would show the test."""
    said = []
    for output in cell.outputs:
        if output.output_type == "stream":
            said.append(output.text)
        elif output.output_type == "error" and output.ename == "CellTimeoutError":
            said.append("your code took too long and was stopped: is there a loop that never ends?")
        elif output.output_type == "error":
            said.append(
                output.evalue if output.ename == "CheckFailedError" else f"{output.ename}: {output.evalue}"
            )
    return _ANSI.sub("", "\n".join(s.rstrip("\n") for s in said))


def _gist(message: str) -> str:
    """The most telling line: the likely cause, or else the problem."""
    lines = [" ".join(line.split()) for line in message.splitlines()]
    for label in ("likely ", "problem "):
        if found := [line.removeprefix(label) for line in lines if line.startswith(label)]:
            return found[0]
    return lines[1] if len(lines) > 1 else message


SANITIZE_STEPS = [
    ClearOutput,
    DeduplicateIds,
    RestoreCells,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
FEEDBACK_STEPS = [GetGrades, GatherExercises]
TEMPLATES = str(Path(__file__).parent / "templates")
