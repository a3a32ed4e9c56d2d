"""Marks are fair: every right answer passes in any style, every mistake fails and is named."""

import functools

import pytest
from walk import Notebook

from course.build.answers import read_answers
from course.kit import CheckFailedError
from course.kit.exercise import load
from course.paths import Chapter, chapters

EXERCISES = [(c, name) for c in chapters() for name in load(c.id)]
MISTAKES = [(c, name, m) for c, name in EXERCISES for m in load(c.id)[name].mistakes.values()]
ANSWERS = [(c, a) for c in chapters() for a in read_answers(c)]
RIGHT = [(c, a) for c, a in ANSWERS if a.right]
WRONG = [(c, a) for c, a in ANSWERS if not a.right]


@functools.cache
def notebook_of(chapter: Chapter) -> tuple[Notebook, dict[str, dict]]:
    notebook = Notebook(chapter)
    return notebook, notebook.run_all()


def failures(chapter: Chapter, exercise: str, answer=None) -> dict[str, str]:
    """Messages of the exercise's graded cells that fail when `answer`, source or function, is the student's."""
    notebook, after = notebook_of(chapter)
    notebook.space.clear()
    notebook.space.update(after[exercise])
    if isinstance(answer, str):
        notebook.run(answer, exercise)
    elif answer is not None:
        notebook.space[exercise] = answer
    failed = {}
    for grade_id, source in notebook.tests(exercise).items():
        try:
            notebook.run(source, grade_id)
        except CheckFailedError as error:
            failed[grade_id] = str(error)
    return failed


@pytest.mark.parametrize(("chapter", "exercise"), EXERCISES, ids=[f"{c.id}/{n}" for c, n in EXERCISES])
def test_the_solution_passes_and_is_diagnosed_to_nothing(chapter, exercise):
    assert failures(chapter, exercise) == {}
    solution = notebook_of(chapter)[1][exercise][exercise]
    assert load(chapter.id)[exercise].diagnose(solution) is None


@pytest.mark.parametrize(("chapter", "answer"), RIGHT, ids=[f"{c.id}/{a.name}" for c, a in RIGHT])
def test_a_right_answer_in_another_style_gets_full_marks(chapter, answer):
    assert failures(chapter, answer.exercise, answer.source) == {}


@pytest.mark.parametrize(
    ("chapter", "exercise", "mistake"), MISTAKES, ids=[f"{c.id}/{n}/{m.name}" for c, n, m in MISTAKES]
)
def test_each_mistake_fails_the_hidden_tests_and_is_named(chapter, exercise, mistake):
    hidden = {k: v for k, v in failures(chapter, exercise, mistake.function).items() if "-hidden" in k}
    assert hidden
    assert any(mistake.hint in message for message in hidden.values())


@pytest.mark.parametrize(("chapter", "answer"), WRONG, ids=[f"{c.id}/{a.name}" for c, a in WRONG])
def test_a_wrong_answer_loses_marks_and_its_mistake_is_named(chapter, answer):
    failed = failures(chapter, answer.exercise, answer.source)
    hint = load(chapter.id)[answer.exercise].mistakes[answer.mistake].hint
    assert any("-hidden" in k for k in failed)
    assert all(hint in message for message in failed.values())


@pytest.mark.parametrize(("chapter", "exercise"), EXERCISES, ids=[f"{c.id}/{n}" for c, n in EXERCISES])
def test_there_are_at_least_three_other_styles(chapter, exercise):
    assert len([a for c, a in RIGHT if c == chapter and a.exercise == exercise]) >= 3
