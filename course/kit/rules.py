"""What an answer may not do: use the operation ready made, or loop where the exercise says not to."""

from __future__ import annotations

import builtins
import dis
import functools
import importlib
import itertools
import math
import operator
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest import mock

# Everywhere in the course you build the operation yourself; these would answer for you (the kit draws windows).
BANNED_MODULES = ("torch", "scipy", "skimage", "sklearn", "course")
BANNED_NAMES = ("numpy.convolve", "numpy.correlate")


class RuleBrokenError(Exception):
    """An answer used what its exercise asks you to build."""


def banned_in(function: Callable, names: tuple[str, ...] = BANNED_NAMES) -> str | None:
    """First banned thing that a function, its helpers or its parts refer to, by name; None where all is fine."""
    objects = {id(_resolve(name)): name for name in names}
    for item in _reachable(function):
        if isinstance(item, Remote):
            if found := item.banned(names):
                return found
            continue
        if id(item) in objects:
            return objects[id(item)]
        if (home := _home(item)) in BANNED_MODULES:
            return home
        if isinstance(item, types.CodeType):
            for module in _names_in(item).imported:
                if _top(module) in BANNED_MODULES:
                    return _top(module)
    return None


class Remote:
    """An answer that lives in another process, where it can be asked what it refers to.

    memo: what has been found out about it; it stays the same object only as long as no cell has run there.
    """

    __slots__ = ("memo",)

    def banned(self, names: tuple[str, ...]) -> str | None:
        """What `banned_in` says of it there."""
        raise NotImplementedError


@dataclass
class Watch:
    """What is watched while an answer runs; a Remote has it watched where it runs."""

    names: tuple[str, ...]
    refused: list[str]
    most: int | None = None  # steps are counted, up to so many
    steps: float = 0


_watches: list[Watch] = []


def current_watch() -> Watch | None:
    """What is watched now, if anything is."""
    return _watches[-1] if _watches else None


@contextmanager
def enforced(names: tuple[str, ...] = BANNED_NAMES) -> Iterator[list[str]]:
    """While an answer runs, banned names and imports raise RuleBrokenError.

    Yields the list of what was refused: an answer that swallows the error has still broken the rule.
    """
    refused: list[str] = []
    real_import = builtins.__import__

    def refuse(name: str) -> None:
        refused.append(name)
        raise RuleBrokenError(name)

    def guarded_import(name: str, *args: Any, **kwargs: Any) -> Any:
        return refuse(_top(name)) if _top(name) in BANNED_MODULES else real_import(name, *args, **kwargs)

    def refuser(name: str) -> Callable:
        return lambda *_, **__: refuse(name)

    holders = [(builtins, "__import__", guarded_import)]
    holders += [(*_place(name), refuser(name)) for name in names]
    before = [(holder, attribute, getattr(holder, attribute)) for holder, attribute, _ in holders]
    _watches.append(Watch(names, refused))
    try:
        for place in holders:
            setattr(*place)
        yield refused
    finally:
        for place in reversed(before):
            setattr(*place)
        _watches.pop()


def python_steps(run: Callable[[], Any], most: int = 200_000) -> float:
    """How many bytecode steps a call takes, numpy's own Python included: the work that is not done in C.

    Infinity where there are more than `most`. Builtins that loop in C over Python objects (map, sum, ...) are
    replaced by their Python spelling meanwhile, so each of their turns counts. Imports don't count, and the call is
    made twice: the first one also fills numpy's caches, which is no work of the answer's.
    """
    return min(count_steps(run, most) for _ in range(2))


class _EnoughError(BaseException):
    """The call takes more steps than anyone wants to count."""


def count_steps(run: Callable[[], Any], most: int) -> float:
    """The steps of one call, see `python_steps`."""
    steps = 0

    def count(frame: types.FrameType, event: str, _: Any) -> Callable:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        if event == "call" and frame.f_globals.get("__name__") == "__main__":
            respell(frame.f_globals)
        if steps > most:
            raise _EnoughError
        return count

    def import_uncounted(*args: Any, **kwargs: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return real_import(*args, **kwargs)
        finally:
            sys.settrace(tracer)

    before, real_import = sys.gettrace(), builtins.__import__
    outer = current_watch()
    watch = Watch(outer.names if outer else (), outer.refused if outer else [], most)
    escaped = False
    with _loops_spelt_out() as respell, mock.patch.object(builtins, "__import__", import_uncounted):
        _watches.append(watch)
        threading.settrace(count)  # the work of its threads is the answer's work
        sys.settrace(count)
        try:
            run()
            escaped = sys.gettrace() is not count
        except _EnoughError:
            pass
        finally:
            sys.settrace(before)
            threading.settrace(None)
            _watches.pop()
    return math.inf if escaped or steps + watch.steps > most else steps + watch.steps


@contextmanager
def _loops_spelt_out() -> Iterator[Callable[[dict], None]]:
    """Replace the builtins that loop; yields what does so in a namespace that has imported some by name."""

    def spelt_map(function: Callable, *columns: Iterable) -> Iterator:
        return (function(*row) for row in zip(*columns, strict=False))

    def spelt_starmap(function: Callable, rows: Iterable) -> Iterator:
        return (function(*row) for row in rows)

    def spelt_filter(function: Callable | None, items: Iterable) -> Iterator:
        return (item for item in items if (function(item) if function else item))

    def spelt_sum(items: Iterable, start: Any = 0) -> Any:
        for item in items:
            start = start + item
        return start

    def spelt_reduce(function: Callable, items: Iterable, *start: Any) -> Any:
        items = iter(items)
        result = start[0] if start else next(items)
        for item in items:
            result = function(result, item)
        return result

    def spelt_accumulate(items: Iterable, func: Callable = operator.add, *, initial: Any = None) -> Iterator:
        items = iter(items)
        result = next(items) if initial is None else initial
        yield result
        for item in items:
            yield (result := func(result, item))

    spelt = {
        map: spelt_map,
        filter: spelt_filter,
        sum: spelt_sum,
        itertools.starmap: spelt_starmap,
        itertools.accumulate: spelt_accumulate,
        functools.reduce: spelt_reduce,
    }
    seen: set[int] = set()
    replaced: list[tuple[dict, str, Any]] = []

    def respell(space: dict) -> None:
        if id(space) in seen:
            return
        seen.add(id(space))
        for name, value in list(space.items()):
            if type(value) in (type, types.BuiltinFunctionType) and value in spelt:
                replaced.append((space, name, value))
                space[name] = spelt[value]

    for module in (builtins, itertools, functools):
        respell(vars(module))
    try:
        yield respell
    finally:
        for space, name, value in replaced:
            space[name] = value


def _reachable(function: Any) -> Iterator[Any]:
    """What an answer can get at by name: code, globals, closure, defaults, attributes; no library's inside."""
    seen: set[int] = set()
    queue = [function]
    while queue:
        item = queue.pop(0)
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        queue += _parts(item)


def _parts(item: Any) -> list[Any]:
    if isinstance(item, Remote):
        return []
    if isinstance(item, types.FunctionType) and item.__globals__.get("__name__") == "__main__":
        codes = list(_codes(item.__code__))
        names = {name for code in codes for name in _names_in(code).read}
        cells = [cell.cell_contents for cell in item.__closure__ or () if _is_filled(cell)]
        used = [item.__globals__[name] for name in sorted(names) if name in item.__globals__]
        wrapped = [item.__wrapped__] if hasattr(item, "__wrapped__") else []
        return [
            *codes,
            *used,
            *cells,
            *(item.__defaults__ or ()),
            *(item.__kwdefaults__ or {}).values(),
            *wrapped,
        ]
    if isinstance(item, functools.partial):
        return [item.func, *item.args, *item.keywords.values()]
    if isinstance(item, types.MethodType):
        return [item.__func__, item.__self__]
    if isinstance(item, staticmethod | classmethod):
        return [item.__func__]
    if isinstance(item, type) and item.__module__ == "__main__":
        return [*vars(item).values(), *item.__bases__]
    if isinstance(item, tuple | list):
        return list(item)
    if isinstance(item, dict):
        return list(item.values())
    if type(item).__module__ == "__main__":
        return [type(item), *getattr(item, "__dict__", {}).values()]
    if isinstance(item, functools._lru_cache_wrapper):
        return [item.__wrapped__]
    return []


class _CodeNames(NamedTuple):
    """The global names that code reads, and the modules that it imports; co_names has its attributes as well."""

    read: frozenset[str]
    imported: tuple[str, ...]


@functools.lru_cache(maxsize=1024)  # a test asks of the same answer for every one of its calls
def _names_in(code: types.CodeType) -> _CodeNames:
    instructions = list(dis.get_instructions(code))
    return _CodeNames(
        frozenset(i.argval for i in instructions if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")),
        tuple(i.argval for i in instructions if i.opname == "IMPORT_NAME"),
    )


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _is_filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - reading an empty cell raises
    except ValueError:
        return False
    return True


def _home(item: Any) -> str:
    """Top package that an object comes from."""
    if isinstance(item, types.ModuleType):
        return _top(item.__name__)
    owner = getattr(item, "__self__", None)
    module = getattr(item, "__module__", None) or (
        getattr(type(owner), "__module__", None) if owner else None
    )
    if isinstance(owner, type):  # torch.conv1d is a builtin method of a class without a module of its own
        module = owner.__module__
    return _top(module if isinstance(module, str) else type(item).__module__)


def _top(module: str) -> str:
    return module.split(".")[0]


@functools.cache
def _place(name: str) -> tuple[types.ModuleType, str]:
    module, _, attribute = name.rpartition(".")
    return importlib.import_module(module), attribute


def _resolve(name: str) -> Any:
    return getattr(*_place(name))
