"""Is a result the expected one? If not, what is the first thing wrong with it, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBERS = (int, float, np.integer, np.floating)


@dataclass(frozen=True)
class Difference:
    """What is wrong with a result.

    kind: "type", "shape" or "values", safe to show where the expected values are secret.
    detail: the whole story, expected values included.
    index: the first wrong element, where there is one.
    """

    kind: str
    detail: str
    index: tuple[int, ...] | None = None


def difference(expected: Any, got: Any, tolerance: float = 1e-6) -> Difference | None:
    """First way in which `got` is not `expected`; None where it is.

    The kind of `expected` decides: an int asks for an integer type, a float for any real number, an array for
    an array of real numbers of that shape, a tuple, list or dict for the same items. Memory order, views and
    the width of the type don't matter. tolerance is relative and absolute.
    """
    if isinstance(expected, np.ndarray) and expected.ndim == 0:
        expected = expected.item()
    if got is None and expected is not None:
        return Difference("type", "your function returned None: is a `return` missing?")
    if expected is None:
        return None if got is None else Difference("type", f"None is expected, not {describe(got)}")
    if isinstance(expected, str | bool):
        same = isinstance(got, type(expected)) and got == expected
        return None if same else Difference("values", f"{expected!r} is expected, not {got!r}")
    if isinstance(expected, dict):
        return _dict_difference(expected, got, tolerance)
    if isinstance(expected, tuple | list):
        return _sequence_difference(expected, got, tolerance)
    if isinstance(expected, np.ndarray):
        return _array_difference(expected, got, tolerance)
    return _number_difference(expected, got, tolerance)


def describe(value: Any) -> str:
    """A value's type in a student's words: "an array of shape (2, 3)", "a list of 4", "a number"."""
    if isinstance(value, np.ndarray):
        kind = "" if value.dtype.kind in "fiu" else f" of {value.dtype}"
        return f"an array of shape {value.shape}{kind}"
    if isinstance(value, bool | np.bool_):
        return "a bool"
    if isinstance(value, NUMBERS):
        return f"the {'integer' if isinstance(value, int | np.integer) else 'number'} {value}"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def _number_difference(expected: float, got: Any, tolerance: float) -> Difference | None:
    if isinstance(got, np.ndarray) and got.ndim == 0:  # np.tensordot gives these for a full contraction
        got = got[()]
    if isinstance(got, bool | np.bool_) or not isinstance(got, NUMBERS):
        return Difference("type", f"a number is expected, not {describe(got)}")
    if isinstance(expected, int | np.integer):
        if not isinstance(got, int | np.integer):
            return Difference("type", f"an integer is expected, not {got!r}")
        return (
            None if int(got) == int(expected) else Difference("values", f"{expected} is expected, not {got}")
        )
    if _wrong(np.float64(expected), np.float64(got), tolerance):
        return Difference("values", f"{_number(expected)} is expected, not {_number(got)}")
    return None


def _array_difference(expected: np.ndarray, got: Any, tolerance: float) -> Difference | None:
    if isinstance(got, list | tuple):  # nested lists of numbers hold the same values as an array
        got = _as_array(got)
    if not isinstance(got, np.ndarray):
        return Difference("type", f"an array of shape {expected.shape} is expected, not {describe(got)}")
    got = np.asarray(got)
    if got.dtype.kind not in "fiu" and not got.dtype == expected.dtype == bool:
        advice = "; take `.real`" if got.dtype.kind == "c" else ""
        return Difference("type", f"an array of real numbers is expected, not one of {got.dtype}{advice}")
    if got.shape != expected.shape:
        return Difference("shape", f"shape {expected.shape} is expected, not {got.shape}")
    wrong = _wrong(expected.astype(np.float64), got.astype(np.float64), tolerance)
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = "[" + ", ".join(map(str, index)) + "]"
    return Difference(
        "values",
        f"first at {where}: {_number(expected[index])} is expected, not {_number(got[index])}"
        f" ({int(wrong.sum())} of {wrong.size} values differ)",
        index,
    )


def _sequence_difference(expected: tuple | list, got: Any, tolerance: float) -> Difference | None:
    name = type(expected).__name__
    if isinstance(got, np.ndarray) and got.ndim >= 1 and not any(isinstance(e, np.ndarray) for e in expected):
        got = got.tolist()
    if not isinstance(got, tuple | list):
        return Difference("type", f"a {name} of {len(expected)} is expected, not {describe(got)}")
    if len(got) != len(expected):
        return Difference("shape", f"a {name} of {len(expected)} is expected, not {describe(got)}")
    for i, (e, g) in enumerate(zip(expected, got, strict=True)):
        if found := difference(e, g, tolerance):
            return Difference(found.kind, f"item {i}: {found.detail}", found.index)
    return None


def _dict_difference(expected: dict, got: Any, tolerance: float) -> Difference | None:
    if not isinstance(got, dict):
        return Difference("type", f"a dict is expected, not {describe(got)}")
    if missing := [k for k in expected if k not in got]:
        return Difference("shape", f"the key {missing[0]!r} is missing")
    if extra := [k for k in got if k not in expected]:
        return Difference("shape", f"the key {extra[0]!r} is not expected")
    for key, value in expected.items():
        if found := difference(value, got[key], tolerance):
            return Difference(found.kind, f"key {key!r}: {found.detail}", found.index)
    return None


def _wrong(expected: np.ndarray, got: np.ndarray, tolerance: float) -> np.ndarray:
    """Elementwise: not within tolerance, or not finite where a number is expected."""
    with np.errstate(all="ignore"):
        close = np.isfinite(expected) & (np.abs(got - expected) <= tolerance + tolerance * np.abs(expected))
    return ~(close | (got == expected) | (np.isnan(expected) & np.isnan(got)))


def _as_array(nested: Any) -> Any:
    try:
        array = np.array(nested)
    except ValueError:  # ragged
        return nested
    return array if array.dtype.kind in "fiu" else nested


def _number(value: float) -> str:
    return f"{float(value):.6g}"
