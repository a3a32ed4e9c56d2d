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
    seen = {
        m.name: [exercise.outcome(m.function, p) for p in exercise.probes] for m in exercise.mistakes.values()
    }
    tolerances = [p.tolerance for p in exercise.probes]
    for (a, first), (b, second) in itertools.permutations(seen.items(), 2):
        alike = all(x.resembles(y, t) for x, y, t in zip(first, second, tolerances, strict=True))
        assert not alike, f"{a} and {b} look the same"
