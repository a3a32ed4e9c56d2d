"""Laws that hold for every exercise of every chapter."""

import itertools

import pytest

from course.kit.exercise import load
from course.paths import chapters

EXERCISES = [(c.id, name, e) for c in chapters() for name, e in load(c.id).items()]
MISTAKES = [(c, n, e, m) for c, n, e in EXERCISES for m in e.mistakes.values()]


def _ids(rows):
    return ["/".join(getattr(r, "name", r) for r in row[:2] + row[3:]) for row in rows]


@pytest.mark.parametrize("row", MISTAKES, ids=_ids(MISTAKES))
def test_each_mistake_is_diagnosed_as_itself(row):
    *_, exercise, mistake = row
    found = exercise.diagnose(mistake.function)
    assert found is not None
    assert found.name == mistake.name


@pytest.mark.parametrize("row", EXERCISES, ids=_ids(EXERCISES))
def test_no_two_mistakes_agree_on_all_probes(row):
    *_, exercise = row
    for a, b in itertools.permutations(exercise.mistakes.values(), 2):
        outcomes = [
            (exercise.outcome(a.function, p), exercise.outcome(b.function, p), p) for p in exercise.probes
        ]
        assert not all(x.resembles(y, p.tolerance) for x, y, p in outcomes), (
            f"{a.name} and {b.name} look the same"
        )
