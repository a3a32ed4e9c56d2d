"""What nbgrader does to a submitted notebook before it runs, and to make a feedback page of it afterwards."""

from __future__ import annotations

from nbconvert.exporters import HTMLExporter
from nbconvert.filters import clean_html, markdown2html
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    GetGrades,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)

from course.grading import feedback
from course.grading.gradebook import Mark, Marks
from course.grading.record import Record
from course.grading.restore import NOTES, restored


def safe_markdown(source: str) -> str:
    """A student's text as HTML in which nothing runs; formgrader's template cleans outputs, but not text."""
    return clean_html(markdown2html(source))


class RestoreCells(NbGraderPreprocessor):
    """`restored` as a step of nbgrader's own autograding; takes the place of DeduplicateIds as well."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            record = Record.of_gradebook(gradebook.find_notebook(place["notebook"], place["assignment"]))
        nb, notes = restored(nb, record)
        nb.metadata[NOTES] = notes
        return nb, resources


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
            marks = Marks(
                {g.name: Mark(g.name, g.score, g.max_score, g.needs_manual_grade) for g in marked.grades},
                {c.name: c.comment for c in marked.comments},
            )
        resources["feedback"] = feedback.gather(nb, marks)
        return nb, resources


SANITIZE_STEPS = [
    ClearOutput,
    RestoreCells,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
FEEDBACK_STEPS = [GetGrades, GatherExercises]
TEMPLATES = str(feedback.TEMPLATES)
