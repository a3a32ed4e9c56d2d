"""A believable class: notebooks handed in by students who don't exist. Their marks come from grading."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.build.answers import Answer, read_answers
from course.build.pipeline import BuildError, replace_file
from course.build.text import dump, without_markers
from course.paths import ROOT, Chapter

NAMES = [
    "ada",
    "blaise",
    "carl",
    "dorothea",
    "emmy",
    "felix",
    "grace",
    "hedy",
    "isaac",
    "jocelyn",
    "katherine",
    "leonhard",
    "maria",
    "niels",
    "olga",
    "pierre",
    "rosalind",
    "sofia",
    "tycho",
    "ulla",
    "vera",
    "wilhelm",
    "xenia",
    "yutaka",
    "zhu",
]


@dataclass(frozen=True)
class Student:
    """A student: the chance that an answer is right, and how much of a notebook gets done."""

    id: str
    skill: float
    done: float


def students(count: int, seed: int) -> list[Student]:
    """A class: mostly diligent, the last two of every ten half-finished and untouched."""
    chance = random.Random(f"class {seed}")
    made = []
    for number in range(count):
        name = f"example-{number + 1:0{len(str(count))}}-{NAMES[number % len(NAMES)]}"
        done = {8: 0.5, 9: 0.0}.get(number % 10, 1.0)
        made.append(Student(name, round(chance.betavariate(5, 2), 3), done))
    return made


def hand_in(chapter: Chapter, student: Student, seed: int, root: Path = ROOT) -> Path:
    """Write a student's notebook for a chapter into submitted/; raises BuildError where the chapter isn't built."""
    release, source = chapter.made("release", root), chapter.made("source", root)
    for path in (release, source):
        if not path.exists():
            raise BuildError(f"{path.relative_to(root)} does not exist: run `course build {chapter.id}`")
    nb = nbformat.read(release, as_version=4)
    _fill_in(nb, nbformat.read(source, as_version=4), read_answers(chapter), student, f"{seed} {chapter.id}")
    path = root / "submitted" / student.id / chapter.id / release.name
    replace_file(path, dump(nb))
    return path


def _fill_in(
    nb: NotebookNode, source: NotebookNode, others: list[Answer], student: Student, seed: str
) -> None:
    chance = random.Random(f"{seed} {student.id}")
    solutions = {c.metadata.nbgrader.grade_id: c.source for c in source.cells if _is_answer(c)}
    blank = [c for c in nb.cells if _is_answer(c)]
    for cell in blank[: round(len(blank) * student.done)]:
        name = cell.metadata.nbgrader.grade_id
        if cell.cell_type == "markdown":
            cell.source = _some_sentences(solutions[name], chance)
            continue
        right = [without_markers(solutions[name])] + [
            a.source for a in others if a.right and a.exercise == name
        ]
        wrong = [a.source for a in others if not a.right and a.exercise == name]
        if chance.random() < student.skill:
            cell.source = chance.choice(right)
        elif wrong and chance.random() < 0.8:
            cell.source = chance.choice(wrong)  # otherwise given up on: the stub stays


def _is_answer(cell: NotebookNode) -> bool:
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def _some_sentences(model: str, chance: random.Random) -> str:
    """A written answer that says part of what the model answer says."""
    sentences = re.split(r"(?<=[.!?])\s+", " ".join(model.split()))
    return " ".join(sentences[: chance.randint(1, len(sentences))])
