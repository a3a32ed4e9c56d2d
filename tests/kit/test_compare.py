"""Right is right in any type, order or view; wrong is never right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course.kit.compare import difference

ARRAYS = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)


@given(ARRAYS)
def test_the_same_values_in_any_layout_agree(x):
    for other in (x.copy(), np.asfortranarray(x), x[::-1][::-1], x + 1e-8, x.tolist()):
        assert difference(x, other) is None


@given(ARRAYS, st.data())
def test_one_wrong_value_is_found_where_it_is(x, data):
    at = tuple(data.draw(st.integers(0, n - 1)) for n in x.shape)
    wrong = x.copy()
    wrong[at] += 1 + abs(wrong[at])
    found = difference(x, wrong)
    assert found.kind == "values"
    assert found.index == at


@given(ARRAYS, st.sampled_from([np.nan, np.inf, -np.inf]))
def test_what_is_not_finite_is_wrong(x, bad):
    wrong = x.copy()
    wrong.flat[-1] = bad
    assert difference(x, wrong).kind == "values"


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (np.array([1.0, 2.0]), np.array([1, 2])),
        (np.array([1.0, 2.0]), np.array([1, 2], dtype=np.uint8)),
        (np.array([0.5, 2.0]), np.array([0.5, 2.0], dtype=np.float32)),
        (3.0, 3),
        (3.0, np.float32(3)),
        (3.0, np.array(3.0)),
        (3, np.int64(3)),
        (3, np.array(3)),
        ((1, 2), [1, np.int32(2)]),
        ((1, 2), np.array([1, 2])),
        ([], []),
        ([0, 2], np.array([0, 2])),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_equal_in_other_clothes(expected, got):
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "kind"),
    [
        (np.array([1.0, 2.0]), None, "type"),
        (np.array([1.0, 2.0]), np.array([[1.0, 2.0]]), "shape"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0], dtype=object), "type"),
        (np.array([1.0, 0.0]), np.array([True, False]), "type"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0 + 0j]), "type"),
        (np.array([1.0, 2.0]), [[1.0], [1.0, 2.0]], "type"),
        (np.array([1.0, 2.0]), "12", "type"),
        (3.0, np.array([3.0]), "type"),
        (3.0, True, "type"),
        (3.0, "3", "type"),
        (3, 3.0, "type"),
        (1, True, "type"),
        (3, 4, "values"),
        (np.inf, 3.0, "values"),
        (np.array([np.inf, 1.0]), np.array([2.0, 1.0]), "values"),
        ((1, 2), (1, 2, 3), "shape"),
        ((1, 2), (1, 2.0), "type"),
        ([1, 2], np.array([1.5, 2]), "type"),
        ({"a": 1}, {}, "shape"),
        ({"a": 1}, {"a": 1, "b": 2}, "shape"),
    ],
)
def test_not_equal(expected, got, kind):
    assert difference(expected, got).kind == kind
