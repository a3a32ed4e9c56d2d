"""A chapter's `answers.py`: right answers in other styles, and wrong ones with the mistake they make."""

from __future__ import annotations

import re
from dataclasses import dataclass

import jupytext

from course.build.text import FORMAT
from course.paths import Chapter

_TITLE = re.compile(r"(?P<exercise>\w+)(?: (?P<wrong>wrong))?: (?P<what>.+)")


@dataclass(frozen=True)
class Answer:
    """What a student might write in the answer cell of an exercise. style for a right one, else mistake, its id."""

    exercise: str
    source: str
    style: str | None = None
    mistake: str | None = None

    @property
    def right(self) -> bool:
        return self.mistake is None

    @property
    def name(self) -> str:
        return f"{self.exercise}: {self.style or self.mistake}"


class AnswersError(ValueError):
    """A cell of answers.py whose title can't be read."""


def read_answers(chapter: Chapter) -> list[Answer]:
    """The answers of a chapter; raises AnswersError."""
    nb = jupytext.reads(chapter.others.read_text("utf-8"), fmt=FORMAT)
    return [_answer(chapter, cell) for cell in nb.cells if "title" in cell.metadata]


def _answer(chapter: Chapter, cell) -> Answer:
    match = _TITLE.fullmatch(cell.metadata.title)
    if match is None:
        raise AnswersError(
            f"{chapter.others}: the title {cell.metadata.title!r} is neither 'exercise: style' "
            "nor 'exercise wrong: mistake'"
        )
    kind = "mistake" if match["wrong"] else "style"
    return Answer(match["exercise"], cell.source, **{kind: match["what"]})
