"""The checks in the notebooks: `examples` explain what went wrong, `hidden` names only the property that fails."""

from __future__ import annotations

import builtins
import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from course.kit.compare import Difference, describe, difference
from course.kit.exercise import Call, Exercise, Outcome, StoppedError, error_name, load
from course.kit.rules import Remote

_NOT_WRITTEN = (
    "there is no answer yet: replace `raise NotImplementedError()` in the cell above with your code"
)


class CheckFailedError(AssertionError):
    """A check that an answer does not pass. Notebooks show its message alone, without our frames."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


class Checks:
    """The checks of one chapter. `check = Checks("ch01_conv1d")`."""

    def __init__(self, chapter: str) -> None:
        self.chapter = chapter

    @functools.cached_property
    def exercises(self) -> dict[str, Exercise]:
        return load(self.chapter)

    def examples(self, name: str, function: Callable, *calls: Call) -> None:
        """Try an answer on worked examples; on the first that fails say why, draw it and raise CheckFailedError.

        name: the exercise. function: your answer. calls: each states its result, or else torch is asked.
        """
        exercise = self.exercises[name]
        self._raise_if_rule_broken(exercise, function)
        for given in calls:
            _raise_if_misstated(exercise, given)
        for given, outcome in _outcomes(exercise, function, calls):
            print(outcome.printed, end="")
            found = exercise.verdict(given, outcome)
            if found is not None:
                _draw(exercise, given, outcome, found)
                if needs := _needs(name, self.exercises, outcome):
                    raise CheckFailedError(f"✗ {name}\n  {needs}")
                raise CheckFailedError(_explanation(exercise, function, given, outcome, found))
        print(f"✓ {name}: {len(calls)} example{'s' * (len(calls) > 1)} right")

    def hidden(self, name: str, function: Callable, about: str, *calls: Call) -> None:
        """Try an answer on hidden calls; on failure raise CheckFailedError with `about` and the likely cause only."""
        exercise = self.exercises[name]
        self._raise_if_rule_broken(exercise, function)
        for given, outcome in _outcomes(exercise, function, calls):
            if found := exercise.verdict(given, outcome):
                what = _needs(name, self.exercises, outcome) or _kind_text(found, outcome)
                lines = [f"✗ {name}, hidden test: {about}", f"  {what}"]
                raise CheckFailedError("\n".join(lines + _likely(exercise, function, outcome))) from None
        print(f"✓ {name}: {about}")

    def _raise_if_rule_broken(self, exercise: Exercise, function: Callable) -> None:
        if not callable(function):
            raise CheckFailedError(
                f"✗ {exercise.name}\n  a function is expected here, not {describe(function)}"
            )
        if broken := _once(function, f"rule {exercise.name}", exercise.broken_rule):
            raise CheckFailedError(f"✗ {exercise.name}\n  {broken}")


def _outcomes(
    exercise: Exercise, function: Callable, calls: Sequence[Call]
) -> Iterator[tuple[Call, Outcome]]:
    """Each call and what came of it. The first that returns is made again, to see what later calls change."""
    again = True
    for given in calls:
        outcome = exercise.outcome(function, given, again)
        again = again and outcome.error is not None
        yield given, outcome


def _once(function: Callable, question: str, ask: Callable[[Callable], Any]) -> Any:
    """What is asked of an answer by every test of it; of one in another process, where that takes long, only once."""
    if not isinstance(function, Remote):
        return ask(function)
    if question not in function.memo:
        function.memo[question] = ask(function)
    return function.memo[question]


def _raise_if_misstated(exercise: Exercise, given: Call) -> None:
    """An example that states another result than the oracle's is the course's mistake, not the student's."""
    if given.stated is not None and (wrong := difference(exercise.expected(given), given.stated, 1e-3)):
        raise ValueError(f"the example {_call_text(exercise, given)} states a wrong result: {wrong.detail}")


def _needs(name: str, exercises: Iterable[str], outcome: Outcome) -> str | None:
    """Where an answer fails because it calls another exercise's, which isn't written yet: that."""
    if not isinstance(outcome.error, NotImplementedError):
        return None
    line = _student_line(outcome.error) or ""
    for other in exercises:
        if other != name and line.endswith(f"`{other}`"):
            return f"your answer calls `{other}`, which has no answer yet: write that one first"
    return None


def _explanation(
    exercise: Exercise, function: Callable, given: Call, outcome: Outcome, found: Difference
) -> str:
    if isinstance(outcome.error, NotImplementedError):
        return f"✗ {exercise.name}\n  {_NOT_WRITTEN}"
    rows = [("call", _call_text(exercise, given))]
    if given.error is None and outcome.error is None and found.kind in ("values", "shape", "type"):
        both = exercise.expected(given), outcome.value
        rows += zip(("expected", "got"), _telling_texts(*both), strict=True)
    if not isinstance(outcome.value, int | float | np.number) or found.kind != "values":
        rows += [("problem", found.detail)]  # for a number, expected and got say it all
    if outcome.error is not None and (line := _student_line(outcome.error)):
        rows += [("where", line)]
    lines = [f"  {label:<9} {_indented(text)}" for label, text in rows]
    return "\n".join([f"✗ {exercise.name}", *lines, *_likely(exercise, function, outcome)])


def _likely(exercise: Exercise, function: Callable, outcome: Outcome) -> list[str]:
    if isinstance(outcome.error, NotImplementedError | StoppedError):
        return []
    mistake = _once(function, f"mistake {exercise.name}", exercise.diagnose)
    return [f"  {'likely':<9} {mistake.hint}"] if mistake else []


def _kind_text(found: Difference, outcome: Outcome) -> str:
    """What kind of thing is wrong, in words that carry no input and no expected value."""
    if isinstance(outcome.error, NotImplementedError):
        return "there is no answer yet"
    if found.kind in ("rule", "stopped"):
        return found.detail
    if outcome.error is not None:
        # A name of the student's own making could smuggle the hidden input out.
        module, _, name = error_name(outcome.error).rpartition(".")
        known = module == "builtins" and hasattr(builtins, name)
        return f"your function raised {name if known else 'an exception of its own'}"
    return {
        "values": "the shape is right, some values are not" if found.index else "the value is not right",
        "shape": "the result has the wrong shape",
        "type": "the result has the wrong type",
        "error": "your function returned a value where it must raise an exception",
        "input": "your function changed its input",
    }.get(found.kind, found.detail)


def _call_text(exercise: Exercise, given: Call) -> str:
    inline = [_argument_text(v) for v in given.args]
    inline += [f"{k}={_argument_text(v)}" for k, v in given.kwargs.items()]
    return f"{exercise.name}({', '.join(inline)})"


def _argument_text(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"<array {value.shape}>"
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, separator=", ").replace("\n", "")
    if isinstance(value, np.random.Generator):
        return "rng"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_argument_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple | list):
        inside = ", ".join(map(_argument_text, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return getattr(value, "__name__", None) or repr(value)


def _telling_texts(expected: Any, got: Any) -> tuple[str, str]:
    """Both values with four digits, which read best, or with more where they would look the same."""
    for digits in (4, 10, 17):
        texts = _value_text(expected, digits), _value_text(got, digits)
        if texts[0] != texts[1]:
            break
    return texts


def _value_text(value: Any, digits: int = 4) -> str:
    if isinstance(value, np.ndarray):
        text = _array_text(value, digits)
        return f"{text}   shape {value.shape}" if value.ndim == 1 else f"{text}\nshape {value.shape}"
    if isinstance(value, tuple | list) and any(isinstance(v, np.ndarray) for v in value):
        return "\n".join(f"item {i}: {_value_text(v, digits)}" for i, v in enumerate(value))
    text = f"{value:.{max(10, digits)}g}" if isinstance(value, float | np.floating) else repr(value)
    return text if len(text) < 200 else text[:200] + " ..."


def _array_text(array: np.ndarray, digits: int) -> str:
    """Rows of numbers, set in columns; the middle of large arrays left out."""
    width = max((len(f"{v:.{digits}g}") for v in array.flat), default=1) if array.dtype.kind == "f" else 0
    columns = {"float_kind": lambda v: f"{v:{width}.{digits}g}"}
    text = np.array2string(array, threshold=60, edgeitems=2, formatter=columns)
    return re.sub(r"\n\s*\n", "\n", text)  # numpy sets the matrices of larger arrays apart by empty lines


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 12)


def _student_line(error: Exception) -> str | None:
    """The last line of the student's own code that the exception passed through."""
    if there := getattr(error, "student_line", None):
        return there
    found = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "__main__":
            found = f"line {trace.tb_lineno} of the cell that defines `{trace.tb_frame.f_code.co_name}`"
        trace = trace.tb_next
    return found


def _draw(exercise: Exercise, given: Call, outcome: Outcome, found: Difference) -> None:
    """In a notebook, show expected, got and their difference side by side."""
    in_notebook = "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None
    if not in_notebook or found.kind not in ("values", "shape") or not isinstance(outcome.value, np.ndarray):
        return
    expected = exercise.expected(given)
    if isinstance(expected, np.ndarray) and expected.size > 1:
        from course.kit import figures  # matplotlib is not needed unless something is drawn

        figures.comparison(expected, outcome.value)
