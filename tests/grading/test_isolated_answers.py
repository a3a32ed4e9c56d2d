"""Two processes mark as one does: right answers in every style pass, wrong ones fail and are named."""

import json
from dataclasses import replace

import nbformat
import pytest
from walk import code_cells, grade_id, read

from course.build.answers import Answer, read_answers
from course.grading.isolation.worker import Worker
from course.grading.record import Record, RecordedCell
from course.grading.work import Lesson
from course.kit.exercise import load
from course.paths import Chapter, chapters


@pytest.fixture(scope="module")
def worker():
    with Worker() as worker:
        yield worker


def one_after_the_other(chapter: Chapter, answers: list[Answer]) -> tuple[Lesson, nbformat.NotebookNode]:
    """A notebook that gives each answer, runs the exercise's tests, and takes the answer back."""
    record = Record.of_notebook(read(chapter)).cells
    cells, recorded, solutions = [], dict(record), []
    for cell in code_cells(read(chapter)):
        name = grade_id(cell)
        if name in record and record[name].is_test:
            continue
        new = nbformat.v4.new_code_cell(cell.source)
        if name:
            new.metadata["nbgrader"] = record[name].metadata()
        elif "figure" in cell.metadata.get("tags", []):
            continue  # draws only
        cells.append(new)
        if name in record and record[name].solution:
            solutions.append(cell.source)
        for number, answer in enumerate(answers):
            if answer.exercise == name:
                cells.append(nbformat.v4.new_code_cell(answer.source))
                for test in (r for r in record.values() if r.is_test and is_test_of(r, name)):
                    copy = replace(test, name=f"{test.name}~{number}")
                    recorded[copy.name] = copy
                    cells.append(
                        nbformat.v4.new_code_cell(copy.source, metadata={"nbgrader": copy.metadata()})
                    )
                cells.append(nbformat.v4.new_code_cell("\n".join(solutions)))
    lesson = Lesson(chapter.id, chapter.notebook, Record(recorded))
    return lesson, nbformat.v4.new_notebook(cells=cells)


def is_test_of(cell: RecordedCell, exercise: str) -> bool:
    name = cell.name.removeprefix(exercise)
    return cell.name.startswith(exercise) and (name == "-examples" or name.startswith("-hidden"))


def messages(cell: nbformat.NotebookNode) -> list[str]:
    return [o.evalue for o in cell.outputs if o.output_type == "error"]


@pytest.mark.slow
@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_answers_are_marked_as_in_one_process(worker, chapter):
    answers = read_answers(chapter)
    lesson, nb = one_after_the_other(chapter, answers)
    done = worker.execute(lesson, nb)
    assert done.error is None
    failed: dict[int, dict[str, list[str]]] = {n: {} for n in range(len(answers))}
    for cell in done.notebook.cells:
        name, _, number = grade_id(cell).partition("~")
        if number and messages(cell):
            failed[int(number)][name] = messages(cell)
    exercises = load(chapter.id)
    for number, answer in enumerate(answers):
        found = failed[number]
        said = f"{answer.name}: {json.dumps(found, indent=1)}"
        if answer.right:
            assert not found, said
        else:
            hint = exercises[answer.exercise].mistakes[answer.mistake].hint
            assert any("-hidden" in name for name in found), said
            assert all(hint in " ".join(text) for text in found.values()), said
