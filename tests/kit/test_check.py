"""What a student reads when a check fails."""

import numpy as np
import pytest

from course.kit import CheckFailedError, Checks, call
from course.kit.exercise import Exercise

check = Checks("ch01_conv1d")


def message(name, function, *calls, hidden=None):
    run = check.hidden if hidden else check.examples
    with pytest.raises(CheckFailedError) as failed:
        run(name, function, *([hidden] if hidden else []), *calls)
    return str(failed.value)


def right(x, w, stride=1):
    return np.lib.stride_tricks.sliding_window_view(x, len(w))[::stride] @ w.astype(float)


x, w = np.array([1.0, 2, 0, 3, 5]), np.array([1.0, 0, -1])


def test_success_is_one_line(capsys):
    check.examples("cross_correlate", right, call(x, w).gives([1, -1, -5]), call(x, w, stride=2))
    assert capsys.readouterr().out == "✓ cross_correlate: 2 examples right\n"


def test_failure_says_call_expected_got_difference_and_likely_cause():
    said = message(
        "cross_correlate", lambda x, w, stride=1: right(x, w[::-1], stride), call(x, w).gives([1, -1, -5])
    )
    assert "call      cross_correlate([1., 2., 0., 3., 5.], [ 1.,  0., -1.])" in said
    assert "expected  [ 1 -1 -5]   shape (3,)" in said
    assert "got       [-1  1  5]   shape (3,)" in said
    assert "first at [0]: 1 is expected, not -1 (3 of 3 values differ)" in said
    assert "likely    Your result matches a kernel read back to front." in said


def test_an_unwritten_answer_is_called_that():
    def stub(x, w, stride=1):
        raise NotImplementedError

    assert "there is no answer yet" in message("cross_correlate", stub, call(x, w))
    assert "there is no answer yet" in message("cross_correlate", stub, call(x, w), hidden="stride 1")


def test_an_unwritten_answer_that_another_needs_is_named():
    notebook = {"__name__": "__main__"}
    exec("def cross_correlate(x, w, stride=1):\n    raise NotImplementedError()\n", notebook)
    exec("def convolve(x, w, mode='full'):\n    return cross_correlate(x, w[::-1])\n", notebook)
    for hidden in (None, "full"):
        said = message("convolve", notebook["convolve"], call(x, w), hidden=hidden)
        assert "your answer calls `cross_correlate`, which has no answer yet: write that one first" in said
        assert "there is no answer yet" not in said
    said = message("cross_correlate", notebook["cross_correlate"], call(x, w), hidden="stride 1")
    assert "there is no answer yet" in said


def test_a_hidden_test_names_the_property_and_neither_input_nor_expected_value():
    secret = np.array([123.456, 2, 0, 3, 5])

    class SmuggledError(Exception):
        pass

    def leaks(x, w, stride=1):
        print(x)
        raise SmuggledError(str(x))

    said = message("cross_correlate", leaks, call(secret, w), hidden="stride 2 and more")
    assert "hidden test: stride 2 and more" in said
    assert "raised an exception of its own" in said
    assert "123" not in said
    assert "Smuggled" not in said
    said = message(
        "cross_correlate", lambda x, w, stride=1: right(x, w) + 1, call(secret, w), hidden="stride 1"
    )
    assert "the shape is right, some values are not" in said
    assert "123" not in said


def test_what_a_hidden_call_prints_is_swallowed(capsys):
    def noisy(x, w, stride=1):
        import sys

        print(x, file=sys.stderr)
        print(x)
        return right(x, w, stride)

    check.hidden("cross_correlate", noisy, "stride 1", call(x, w))
    seen = capsys.readouterr()
    assert seen.err == ""
    assert seen.out == "✓ cross_correlate: stride 1\n"


def test_an_example_shows_what_the_answer_prints_and_nothing_on_stderr(capsys):
    def debugging(x, w, stride=1):
        import warnings

        print("here")
        warnings.warn("careful", stacklevel=1)
        np.array([1.0]) / 0
        return right(x, w, stride)

    check.examples("cross_correlate", debugging, call(x, w))
    seen = capsys.readouterr()
    assert seen.err == ""
    assert seen.out == "here\n✓ cross_correlate: 1 example right\n"  # once, however often the check calls


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x, w, stride=1: None, "is a `return` missing?"),
        (lambda x, w, stride=1: right(x, w, stride)[:, None], "shape (3,) is expected, not (3, 1)"),
        (lambda x, w, stride=1: right(x, w, stride) + 0j, "take `.real`"),
        (lambda x, w, stride=1: 1 / 0, "ZeroDivisionError: division by zero"),
        ("not a function", "a function is expected here"),
    ],
)
def test_other_failures_say_what_is_the_matter(wrong, says):
    assert says in message("cross_correlate", wrong, call(x, w))


def test_values_that_look_the_same_get_more_digits():
    said = message("cross_correlate", lambda x, w, stride=1: right(x, w, stride) + 1e-5, call(x, w))
    expected, got = (line for line in said.splitlines() if line.split()[0] in ("expected", "got"))
    assert expected.split(maxsplit=1)[1] != got.split(maxsplit=1)[1]


def test_side_effects_are_failures():
    def changes(x, w, stride=1):
        y = right(x, w, stride)
        x *= 2
        return y

    kept = np.zeros(3)

    def reuses(x, w, stride=1):
        kept[...] = right(x, w, stride)
        return kept

    assert "changed its argument 1" in message("cross_correlate", changes, call(x, w))
    assert "Your function changes its input array" in message("cross_correlate", changes, call(x, w))
    assert "a later call changed the result" in message("cross_correlate", reuses, call(x, w))


def test_changes_inside_lists_and_dicts_are_seen_too():
    exercise = Exercise(oracle=lambda layers: len(layers), probes=[])

    def pops(layers):
        count = len(layers)
        layers[0].pop("kind")
        return count

    given = call([{"kind": "relu", "name": "relu1"}, {"kind": "linear", "out": 3}])
    assert exercise.outcome(pops, given).changed == "1"
    assert exercise.outcome(len, given).changed is None
    assert exercise.verdict(given, exercise.outcome(pops, given)).kind == "input"


def test_an_error_names_the_students_line():
    space = {"__name__": "__main__"}
    exec(
        compile("def cross_correlate(x, w, stride=1):\n    y = x\n    return y[99]\n", "<cell>", "exec"),
        space,
    )
    said = message("cross_correlate", space["cross_correlate"], call(x, w))
    assert "where     line 3 of the cell that defines `cross_correlate`" in said


def test_an_example_with_a_wrong_number_is_the_courses_fault():
    with pytest.raises(ValueError, match="states a wrong result"):
        check.examples("cross_correlate", right, call(x, w).gives([1, -1, 5]))


def test_a_notebook_shows_the_message_alone():
    assert CheckFailedError("✗ f\n  one\n  two")._render_traceback_() == ["✗ f", "  one", "  two"]
