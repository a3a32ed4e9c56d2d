"""Mistakes that are possible wherever arrays go in and an array of numbers comes out."""

from __future__ import annotations

from typing import Any

from course.kit.exercise import Exercise, shared_mistake


def common_mistakes(*exercises: Exercise) -> None:
    """Record, for each exercise, the mistakes about types, inputs and memory."""
    for mistake, (hint, own_types) in _HINTS.items():
        shared_mistake(hint, *exercises, own_types=own_types)(mistake)


def truncates_to_int(oracle: Any, *args: Any, **kwargs: Any) -> Any:
    """Writes the results to an array made with an integer type."""
    return oracle(*args, **kwargs).trunc()


def takes_the_type_of_its_input(oracle: Any, *args: Any, **kwargs: Any) -> Any:
    """Makes the output array with np.zeros_like(x) or dtype=x.dtype: integers in, truncated results out."""
    y = oracle(*(_double(a) for a in args), **kwargs)
    return y if args[0].is_floating_point() else y.trunc().to(args[0].dtype)


def uint8_overflow(oracle: Any, *args: Any, **kwargs: Any) -> Any:
    """Multiplies or adds uint8 with uint8, which wraps around at 256."""
    y = oracle(*(_double(a) for a in args), **kwargs)
    return y if any(getattr(a, "is_floating_point", bool)() for a in args) else y % 256


def changes_its_input(oracle: Any, *args: Any, **kwargs: Any) -> Any:
    """Works in place, with x -= ... or x *= ..., on the caller's array or on a view of it."""
    y = oracle(*(_double(a).clone() if hasattr(a, "clone") else a for a in args), **kwargs)
    args[0].mul_(2)
    return y


def keeps_a_result_between_calls(oracle: Any, *args: Any, **kwargs: Any) -> Any:
    """Fills one array, made once, on every call: the result of an earlier call changes under the caller's feet."""
    y = oracle(*args, **kwargs)
    buffer = _BUFFERS.setdefault(tuple(y.shape), y)
    buffer[...] = y
    return buffer


_BUFFERS: dict[tuple, Any] = {}

_HINTS = {
    truncates_to_int: (
        "Your results have lost what follows the decimal point: does your output array hold integers?",
        False,
    ),
    takes_the_type_of_its_input: (
        "For an input of integers your results are cut to integers: which type does your output array have?",
        True,
    ),
    uint8_overflow: (
        "Numbers of type uint8 wrap around at 256: convert to float before you calculate.",
        True,
    ),
    changes_its_input: (
        "Your function changes its input array. Work on a copy, or write y = x * ... for x *= ...",
        True,
    ),
    keeps_a_result_between_calls: (
        "Your function returns the same array each time, so a later call changes an earlier result. Make a new one.",
        False,
    ),
}


def _double(value: Any) -> Any:
    return value.double() if hasattr(value, "double") else value
