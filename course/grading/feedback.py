"""A student's feedback page: the marks first and then, for each exercise, the answer and what its tests said."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from nbformat import NotebookNode
from nbgrader import utils

from course.grading.gradebook import Mark, Marks
from course.grading.restore import NOTES, error_text

TEMPLATES = Path(__file__).parent / "templates"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_NBGRADERS_COMMENT = "No response."  # to an answer that is as it was handed out
NO_ANSWER = "there is no answer yet"
_CELL_FILE = re.compile(
    r" \((?:<[\w -]+>|\w+\.py), (line \d+)\)$"
)  # what IPython calls a cell, in a SyntaxError


def page(chapter: str, student: str, marks: Marks, nb: NotebookNode) -> str:
    """The page of an executed notebook: the same as `nbgrader generate_feedback` makes."""
    return _render(chapter, student, marks, gather(nb, marks))


def failure_page(chapter: str, student: str, marks: Marks, reason: str, notes: Sequence[str]) -> str:
    """The page of a submission that could not be run: why, and what to do."""
    content = {"exercises": [], "waiting": 0, "notes": notes, "error": reason}
    return _render(chapter, student, marks, content)


def gather(nb: NotebookNode, marks: Marks) -> dict[str, Any]:
    """What the template shows: marks, messages and answers, and nothing of the tests themselves."""
    exercises = [_exercise(c, nb, marks.cells, marks.comments) for c in nb.cells if utils.is_solution(c)]
    return {
        "exercises": [e for e in exercises if e["tests"]],
        "waiting": marks.by_hand,
        "notes": nb.metadata.get(NOTES, []),
    }


def zeros(nb: NotebookNode, marks: Marks) -> list[tuple[str, str]]:
    """The exercises that earned nothing, and why."""
    exercises = gather(nb, marks)["exercises"]
    return [(e["name"], e["summary"]) for e in exercises if e["state"] == "wrong" and not e["score"]]


def _render(chapter: str, student: str, marks: Marks, content: dict[str, Any]) -> str:
    place = {
        "assignment": chapter,
        "student": student,
        "score": marks.score - marks.late_penalty,
        "max_score": marks.max_score,
        "late_penalty": marks.late_penalty,
    }
    return _template().render(resources={"nbgrader": place, "feedback": content})


@functools.cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(TEMPLATES / "marks")
    return jinja2.Environment(loader=loader).get_template("index.html.j2")


def _exercise(
    answer: NotebookNode, nb: NotebookNode, cells: Mapping[str, Mark], comments: Mapping[str, str | None]
) -> dict[str, Any]:
    name = answer.metadata.nbgrader.grade_id
    graded = [c for c in nb.cells if utils.is_grade(c) and c.metadata.nbgrader.grade_id in cells]
    tests = [
        _test(c, name, cells[c.metadata.nbgrader.grade_id])
        for c in graded
        if re.fullmatch(rf"{re.escape(name)}(-examples|-hidden(-.*)?)?", c.metadata.nbgrader.grade_id)
    ]
    wrong = [t for t in tests if t["state"] == "wrong"]
    waits = any(t["state"] == "wait" for t in tests)
    trouble, comment = _trouble(answer), comments.get(name)
    reason = trouble or (_gist(wrong[0]["message"]) if wrong else "")
    if comment == _NBGRADERS_COMMENT:
        comment, reason = None, reason or NO_ANSWER
    return {
        "name": name,
        "answer": answer.source,
        "written": answer.cell_type == "markdown",
        "tests": tests,
        "score": sum(t["score"] for t in tests),
        "points": sum(t["points"] for t in tests),
        "state": "wrong" if wrong else "wait" if waits else "right",
        "summary": (reason or "marked by hand")
        if wrong
        else "to be marked by hand"
        if waits
        else "all right",
        "trouble": trouble,
        "comment": comment,
    }


def _trouble(answer: NotebookNode) -> str:
    """What went wrong when the answer's own cell ran."""
    errors = [_error_text(o) for o in answer.get("outputs", []) if o.output_type == "error"]
    return _ANSI.sub("", f"the answer's cell did not run to its end: {errors[0]}") if errors else ""


def _test(cell: NotebookNode, exercise: str, mark: Mark) -> dict[str, Any]:
    right = not mark.needs_manual_grade and mark.score >= mark.max_score
    return {
        "label": label(cell.metadata.nbgrader.grade_id, exercise),
        "score": mark.score,
        "points": mark.max_score,
        "state": "wait" if mark.needs_manual_grade else "right" if right else "wrong",
        "message": message(cell, exercise) if cell.cell_type == "code" else "",
        "images": [
            o.data["image/png"].strip()
            for o in cell.get("outputs", [])
            if o.output_type == "display_data" and isinstance(o.data.get("image/png"), str)
        ],
    }


def label(test: str, exercise: str) -> str:
    """What people call a test: `conv1d-hidden-stride` is "hidden tests: stride"."""
    rest = test.removeprefix(exercise).strip("-").replace("-", " tests: ", 1)
    return {"": "written answer", "hidden": "hidden tests"}.get(rest, rest)


def message(cell: NotebookNode, exercise: str = "") -> str:
    """What a test cell said, without the frames that would show the test."""
    said = []
    for output in cell.outputs:
        if output.output_type == "stream":
            said.append(output.text)
        elif output.output_type == "error" and output.evalue == f"name '{exercise}' is not defined":
            said.append(f"there is no `{exercise}`: the answer's cell must define it")
        elif output.output_type == "error":
            said.append(_error_text(output))
    return _ANSI.sub("", "\n".join(s.rstrip("\n") for s in said))


def _error_text(error: NotebookNode) -> str:
    """An error in a line; one of ours says all by itself."""
    if error.ename == "CellTimeoutError":
        return "your code took too long and was stopped: is there a loop that never ends?"
    if error.ename in ("CheckFailedError", "StoppedError"):
        return error.evalue
    return error_text(error.ename, _CELL_FILE.sub(r" (\1)", error.evalue))


def _gist(message: str) -> str:
    """The most telling line: the likely cause, or else the problem."""
    lines = [" ".join(line.split()) for line in message.splitlines() if line.strip()]
    for start in ("likely ", "problem "):
        if found := [line.removeprefix(start) for line in lines if line.startswith(start)]:
            return found[0]
    if NO_ANSWER in message:
        return NO_ANSWER
    checked = [
        i for i, line in enumerate(lines) if line.startswith("✗ ")
    ]  # what was printed may stand above it
    return lines[min(checked[-1] + 1, len(lines) - 1) if checked else -1] if lines else ""
