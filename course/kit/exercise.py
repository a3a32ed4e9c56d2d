"""What an exercise is: an oracle in torch, probes to call it with, and the mistakes people make.

An answer is compared with the oracle by calling both. Nothing here or in a chapter's `exercises.py` is a numpy
solution: oracles and mistakes are one or two lines of torch, so this file can be read by students.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from course.kit import rules
from course.kit.compare import Difference, difference


@dataclass(frozen=True)
class Call:
    """One call of an answer, and what it must give: a stated value, an exception, or else what the oracle gives."""

    args: tuple
    kwargs: dict
    stated: Any = None
    error: type[Exception] | None = None
    disguise: Callable[[np.ndarray], np.ndarray] = np.copy

    def gives(self, value: Any) -> Call:
        """State the result by hand: a number, nested lists, ... It must be what the oracle gives, too."""
        return replace(self, stated=value)

    def raises(self, error: type[Exception]) -> Call:
        """State that the call must raise."""
        return replace(self, error=error)

    def mapped(self, change: Callable[[np.ndarray], np.ndarray]) -> Call:
        """The same call with `change` applied to every array in it, deep inside lists and dicts too."""
        return replace(self, args=_mapped(self.args, change), kwargs=_mapped(self.kwargs, change))

    def fresh(self) -> Call:
        """The same call with arrays of its own, in the memory layout of its disguise."""
        return self.mapped(self.disguise)

    def in_every_form(self) -> list[Call]:
        """The same numbers read-only, as strided views, in Fortran order, and as float32."""
        layouts = [replace(self, disguise=layout) for layout in (read_only, strided, np.asfortranarray)]
        return [*layouts, self.mapped(lambda a: a.astype(np.float32) if a.dtype.kind == "f" else a)]

    @property
    def arrays(self) -> list[np.ndarray]:
        return list(_arrays_in((self.args, self.kwargs)))

    @property
    def tolerance(self) -> float:
        return 1e-4 if any(a.dtype == np.float32 for a in self.arrays) else 1e-6


def call(*args: Any, **kwargs: Any) -> Call:
    """A call with these arguments."""
    return Call(args, kwargs)


def draw(
    seed: int, *shape: int, low: int | None = None, high: int | None = None, dtype: str = "float64"
) -> np.ndarray:
    """A random array, the same for the same seed: normal, or integers in low ... high - 1."""
    rng = np.random.default_rng(seed)
    if low is None or high is None:
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(low, high, shape).astype(dtype)


def read_only(array: np.ndarray) -> np.ndarray:
    """A copy that can't be written to."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def strided(array: np.ndarray) -> np.ndarray:
    """A copy that is a backwards view of every other element of a larger array."""
    if array.ndim == 0:
        return array.copy()
    larger = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    view = larger[..., ::-2]
    view[...] = array
    return view


class StoppedError(Exception):
    """An answer had to be stopped: it took too long, or ended the process it ran in. The text says which."""


@dataclass(frozen=True)
class Outcome:
    """What came of calling an answer: a value or an exception, and what the call did on the side."""

    value: Any = None
    error: Exception | None = None
    changed: str | None = None  # the argument that the call changed
    stale: str | None = None  # what went wrong when it was called again
    refused: str | None = None  # the banned name it used
    printed: str = ""

    def resembles(self, other: Outcome, tolerance: float) -> bool:
        """The same behaviour, so that the same mistake is a plausible cause."""
        if (self.error is None) != (other.error is None) or bool(self.changed) != bool(other.changed):
            return False
        if self.error is not None:
            return error_name(self.error) == error_name(other.error)
        if self.stale or other.stale:
            return bool(self.stale) == bool(other.stale)
        return difference(other.value, self.value, tolerance) is None


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people really give. Its name is the id, its docstring tells the instructor why it happens."""

    name: str
    hint: str
    function: Callable

    @property
    def explanation(self) -> str:
        return " ".join((self.function.__doc__ or "").split())


@dataclass
class Exercise:
    """An exercise of a chapter.

    oracle: the answer in torch. Gets tensors (float64, whatever came in) where the call has arrays.
    probes: calls that tell the oracle and all the mistakes apart; none of them is a hidden test.
    in_numpy: the oracle and mistakes take the call's own arrays instead, where torch would hide the point.
    banned: names that this exercise forbids besides those of the whole course.
    same_work: two calls for which the answer must do the same Python work: a rule against loops.
    also: a further demand on a result, (call, value) -> complaint or None.
    view: what of a result counts, where several are right: value -> what is compared and shown in its place.
    """

    oracle: Callable
    probes: Iterable[Call]
    in_numpy: bool = False
    banned: tuple[str, ...] = ()
    same_work: tuple[Call, Call] | None = None
    also: Callable[[Call, Any], str | None] | None = None
    view: Callable[[Any], Any] | None = None
    name: str = ""
    mistakes: dict[str, Mistake] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.probes = list(self.probes)

    def mistake(self, hint: str, own_types: bool = False) -> Callable[[Callable], Callable]:
        """Record a wrong function.

        hint: what to tell the student who made it, without giving the answer away.
        own_types: its tensors keep the type of the caller's arrays, for mistakes that only some types show.
        """

        def record(function: Callable) -> Callable:
            adapted = function if self.in_numpy else on_arrays(function, own_types)
            self.mistakes[function.__name__] = Mistake(function.__name__, hint, adapted)
            return function

        return record

    def expected(self, given: Call) -> Any:
        """What the oracle gives for a call; raises what it raises."""
        oracle = self.oracle if self.in_numpy else on_arrays(self.oracle)
        return self._viewed(oracle(*given.args, **given.kwargs))

    def outcome(self, function: Callable, given: Call, again: bool = True) -> Outcome:
        """Call an answer and report all that can be seen.

        again: call it with other and then with the same numbers, too, to see whether that changes the result.
        """
        asked = given.fresh()
        with self._enforced(function) as refused, _quiet() as printed:
            said = ""
            try:
                value = function(*asked.args, **asked.kwargs)
                said = printed.getvalue()
                kept = _frozen(value)
                changed = _changed_argument(given, asked)
                stale = self._stale(function, given, value, kept) if again and not changed else None
            except Exception as error:
                said, changed = said or printed.getvalue(), _changed_argument(given, asked)
                return Outcome(None, error, changed, None, _first(refused), said)
        return Outcome(self._viewed(kept), None, changed, stale, _first(refused), said)

    def verdict(self, given: Call, outcome: Outcome) -> Difference | None:
        """What is wrong with an outcome; None where nothing is."""
        if outcome.refused:
            return Difference("rule", _rule_text(outcome.refused))
        if isinstance(outcome.error, StoppedError):
            return Difference("stopped", str(outcome.error))
        if given.error is not None:
            return self._error_verdict(given.error, outcome)
        try:
            expected = self.expected(given)
        except Exception as error:  # the oracle refuses this call, and so must an answer
            return self._error_verdict(type(error), outcome)
        if outcome.error is not None:
            return Difference("error", f"your function raised {_describe_error(outcome.error)}")
        if found := difference(expected, outcome.value, given.tolerance):
            return found
        if outcome.changed:
            return Difference("input", f"your function changed its argument {outcome.changed}")
        if outcome.stale:
            return Difference("again", outcome.stale)
        if self.also and (complaint := self.also(given, outcome.value)):
            return Difference("also", complaint)
        return None

    def broken_rule(self, function: Callable) -> str | None:
        """Which rule an answer breaks, in words, judged without any expected value."""
        if self._is_ours(function):
            return None
        if name := rules.banned_in(function, self.banned_names):
            return _rule_text(name)
        if self.same_work and not self._works_the_same(function):
            return (
                "your function's Python work grows with the arrays: there is a loop over positions, channels, "
                "kernels or samples, perhaps in a function that it calls"
            )
        return None

    def diagnose(self, function: Callable) -> Mistake | None:
        """The known mistake that behaves as this answer on every probe: evidence, not proof.

        Where there is none, probes with integers are left out, first as the main argument and then as any: an
        answer may have its own trouble with them besides.
        """
        seen: dict[int, Outcome] = {}
        for arrays in (0, 1, None):
            probes = [p for p in self.probes if all(a.dtype.kind == "f" for a in p.arrays[:arrays])]
            if found := self._matching(function, probes, seen):
                return found
        return None

    def _matching(self, function: Callable, probes: list[Call], seen: dict[int, Outcome]) -> Mistake | None:
        """The first mistake that shows on these probes and agrees with the answer on all of them."""
        candidates = list(self.mistakes.values())
        for probe in probes:
            if id(probe) not in seen:
                seen[id(probe)] = self.outcome(function, probe)
            candidates = [
                m
                for m in candidates
                if seen[id(probe)].resembles(self._mistaken_outcome(m, probe), probe.tolerance)
            ]
            if not candidates:
                return None
        shown = (m for m in candidates if any(self.verdict(p, self._mistaken_outcome(m, p)) for p in probes))
        return next(shown, None)

    def _viewed(self, value: Any) -> Any:
        try:
            return self.view(value) if self.view else value
        except Exception:  # an answer of another kind altogether: compared, and shown, as it is
            return value

    def _enforced(self, function: Callable) -> contextlib.AbstractContextManager[list[str]]:
        return contextlib.nullcontext([]) if self._is_ours(function) else rules.enforced(self.banned_names)

    def _is_ours(self, function: Callable) -> bool:
        """A recorded mistake: written in torch, so the rules for answers don't hold for it."""
        return any(function is m.function for m in self.mistakes.values())

    @property
    def banned_names(self) -> tuple[str, ...]:
        return rules.BANNED_NAMES + self.banned

    def _mistaken_outcome(self, mistake: Mistake, probe: Call) -> Outcome:
        cache = self.__dict__.setdefault("_outcomes", {})
        key = (mistake.name, id(probe))
        if key not in cache:
            cache[key] = self.outcome(mistake.function, probe)
        return cache[key]

    def _stale(self, function: Callable, given: Call, value: Any, kept: Any) -> str | None:
        other = given.mapped(lambda a: np.flip(a).copy()).fresh()
        with contextlib.suppress(Exception):
            function(*other.args, **other.kwargs)
        if _other_values(kept, value):
            return "a later call changed the result that an earlier call had returned"
        again = given.fresh()
        if _other_values(kept, function(*again.args, **again.kwargs)):
            return "the same call gave another result the second time"
        return None

    def _error_verdict(self, error: type[Exception], outcome: Outcome) -> Difference | None:
        if outcome.error is None:
            return Difference("error", f"{error.__name__} is expected, but your function returned a value")
        if not isinstance(outcome.error, error):
            return Difference(
                "error",
                f"{error.__name__} is expected, but your function raised {_describe_error(outcome.error)}",
            )
        return None

    def _works_the_same(self, function: Callable) -> bool:
        with self._enforced(function), _quiet():
            try:
                small, large = (_steps(function, given.fresh()) for given in self.same_work or ())
            except Exception:
                return True  # the calls with expected values will tell
        # numpy's own Python takes a few steps more or less with the shapes; one turn of a loop takes about ten.
        return large - small < 60


def _steps(function: Callable, given: Call) -> int:
    return rules.python_steps(lambda: function(*given.args, **given.kwargs))


def shared_mistake(
    hint: str, *exercises: Exercise, own_types: bool = False
) -> Callable[[Callable], Callable]:
    """Record one mistake for several exercises. The function gets the exercise's oracle before the call's arguments."""

    def record(function: Callable) -> Callable:
        for exercise in exercises:
            bound = functools.partial(function, exercise.oracle)
            functools.update_wrapper(bound, function)
            exercise.mistake(hint, own_types)(bound)
        return function

    return record


def load(chapter: str) -> dict[str, Exercise]:
    """The exercises of a chapter by name, from its `exercises.py`; imports torch."""
    module = importlib.import_module(f"course.chapters.{chapter}.exercises")
    found = {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}
    for name, exercise in found.items():
        exercise.name = name
    return found


def on_arrays(function: Callable, own_types: bool = False) -> Callable:
    """A torch function as a numpy one: arrays in as float64 tensors, tensors out as arrays, 0-d ones as numbers.

    Tensors share memory with the caller's float64 arrays, so a mistake that changes its input really does.
    own_types: tensors of the arrays' own types instead of float64.
    """
    import torch

    def tensor(array: np.ndarray) -> torch.Tensor:
        if not array.flags.writeable:
            array = array.copy()
        return torch.from_numpy(np.ascontiguousarray(array, dtype=None if own_types else np.float64))

    def back(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.item() if value.ndim == 0 else value.numpy()
        if isinstance(value, tuple | list):
            return type(value)(back(v) for v in value)
        return {k: back(v) for k, v in value.items()} if isinstance(value, dict) else value

    def run(*args: Any, **kwargs: Any) -> Any:
        return back(function(*_mapped(args, tensor), **_mapped(kwargs, tensor)))

    run.__doc__, run.__name__ = function.__doc__, getattr(function, "__name__", "oracle")
    return run


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """Catch what an answer prints and drop its warnings: stderr in a graded cell would cost its marks."""
    printed = io.StringIO()
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        warnings.simplefilter("ignore")
        yield printed


def _mapped(value: Any, change: Callable[[np.ndarray], Any]) -> Any:
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, tuple | list):
        items = [_mapped(v, change) for v in value]
        return (
            type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        )  # a namedtuple, or not
    return {k: _mapped(v, change) for k, v in value.items()} if isinstance(value, dict) else value


def _arrays_in(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from _arrays_in(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _arrays_in(item)


def _frozen(value: Any) -> Any:
    return _mapped(value, lambda a: np.array(a, copy=True))


def _other_values(before: Any, after: Any) -> bool:
    found = difference(before, after, 1e-9)
    return found is not None and found.kind in ("values", "shape")


def _changed_argument(given: Call, asked: Call) -> str | None:
    """The first argument that isn't what it was, named by position or keyword."""
    named = [*((str(i + 1), v) for i, v in enumerate(given.args)), *given.kwargs.items()]
    after = [*asked.args, *asked.kwargs.values()]
    return next(
        (name for (name, before), now in zip(named, after, strict=True) if not _alike(before, now)), None
    )


def _alike(before: Any, now: Any) -> bool:
    """The same arrays and plain values, deep inside lists and dicts; what else there may be is not compared."""
    if isinstance(before, np.ndarray):
        return np.array_equal(before, now, equal_nan=before.dtype.kind == "f")
    if isinstance(before, dict):
        return before.keys() == now.keys() and all(_alike(v, now[k]) for k, v in before.items())
    if isinstance(before, tuple | list):
        return len(before) == len(now) and all(map(_alike, before, now))
    return not isinstance(before, int | float | str) or before == now


def error_name(error: Exception) -> str:
    """The full name of an exception's class; one from another process carries the name it has there."""
    return getattr(error, "own_name", "") or f"{type(error).__module__}.{type(error).__qualname__}"


def _first(items: list) -> Any:
    return items[0] if items else None


def _describe_error(error: Exception) -> str:
    name = error_name(error).rpartition(".")[2]
    return f"{name}: {error}" if str(error) else name


def _rule_text(name: str) -> str:
    return f"it uses {name.replace('numpy.', 'np.')}, and this exercise asks you to build that yourself"
