"""Grade what students handed in: nbgrader's own autograding and feedback, one submission at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback

from course.converters import ConversionError, convert, settings
from course.grading.restore import NOTES
from course.kit.exercise import load
from course.paths import ROOT, Chapter


@dataclass(frozen=True)
class Result:
    """What came of grading one submission. error: why it could not be graded."""

    chapter: Chapter
    student: str
    score: float = 0.0
    max_score: float = 0.0
    by_hand: float = 0.0  # points that wait for a person
    mistakes: list[tuple[str, str]] = field(default_factory=list)  # exercise and mistake id
    notes: list[str] = field(default_factory=list)  # what was repaired in the notebook
    error: str | None = None


class GradingError(Exception):
    """Nothing of a chapter can be graded."""


def submissions(chapter: Chapter, root: Path = ROOT) -> list[str]:
    """Who handed in something for a chapter: the folders submitted/<student>/<chapter>."""
    return sorted(p.parent.name for p in (root / "submitted").glob(f"*/{chapter.id}") if p.is_dir())


def register(chapter: Chapter, root: Path = ROOT) -> None:
    """Tell the gradebook which cells a chapter has and what they are worth; raises GradingError."""
    if not chapter.made("source", root).exists():
        raise GradingError(f"{chapter.id} is not built: run `course build {chapter.id}`")
    with tempfile.TemporaryDirectory(prefix="course-release-") as elsewhere:
        try:
            convert(GenerateAssignment, chapter.id, root, release_directory=elsewhere)
        except ConversionError as error:
            raise GradingError(f"{chapter.id}: {error}") from error


def grade(chapter: Chapter, root: Path = ROOT) -> Iterator[Result]:
    """Grade every submission of a registered chapter, one after the other; a bad one never stops the rest."""
    for student in submissions(chapter, root):
        yield grade_one(chapter, student, root)


def grade_one(chapter: Chapter, student: str, root: Path = ROOT) -> Result:
    """Autograde one submission and write its feedback page."""
    notebook = root / "submitted" / student / chapter.id / f"{chapter.notebook}.ipynb"
    if not notebook.is_file():
        return Result(
            chapter, student, error=f"there is no {notebook.name} in {notebook.parent.relative_to(root)}"
        )
    try:
        convert(Autograde, chapter.id, root, student)
        convert(GenerateFeedback, chapter.id, root, student)
    except ConversionError as error:
        return Result(chapter, student, error=str(error))
    score, max_score, by_hand = _marks(chapter, student, root)
    graded = nbformat.read(_autograded(chapter, student, root), as_version=4)
    return Result(
        chapter,
        student,
        score,
        max_score,
        by_hand,
        _mistakes(chapter, graded),
        graded.metadata.get(NOTES, []),
    )


def _marks(chapter: Chapter, student: str, root: Path) -> tuple[float, float, float]:
    directory = settings(root).CourseDirectory
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        submission = gradebook.find_submission(chapter.id, student)
        waiting = [g.max_score for n in submission.notebooks for g in n.grades if g.needs_manual_grade]
        return submission.score, submission.max_score, sum(waiting)


def _autograded(chapter: Chapter, student: str, root: Path) -> Path:
    return root / "autograded" / student / chapter.id / f"{chapter.notebook}.ipynb"


def _mistakes(chapter: Chapter, graded: NotebookNode) -> list[tuple[str, str]]:
    """The known mistakes that the checks named, from the messages in the autograded notebook."""
    outputs = [o for cell in graded.cells for o in cell.get("outputs", [])]
    errors = [o.evalue for o in outputs if o.output_type == "error"]
    known = [(name, m) for name, e in load(chapter.id).items() for m in e.mistakes.values()]
    return [(name, m.name) for name, m in known if any(_names(message, name, m.hint) for message in errors)]


def _names(message: str, exercise: str, hint: str) -> bool:
    return message.startswith((f"✗ {exercise}\n", f"✗ {exercise},")) and hint in message
