"""A student's process: runs the cells of one notebook, and calls what they define, for an examiner outside.

Nothing in here is trusted by the examiner: the student's code lives in the same interpreter and may change all of it.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import io
import mmap
import os
import sys
import threading
import traceback
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from course.grading.isolation import protocol
from course.grading.isolation.mirror import mirror
from course.grading.isolation.protocol import Channel, Ext
from course.grading.isolation.sandbox import RESERVE_BYTES
from course.grading.isolation.shell import CapturingShell
from course.kit import Checks, rules

KEPT = 2000  # how many of the things that an answer returned are remembered, for the examiner to hand back
WATCHED = 24  # of how many of them it is checked whether a later call changes them
HIDDEN_PACKAGES = ("torch", "torchgen", "functorch", "torchvision")


class _ToExaminer(protocol.Packer):
    """Packs what isn't plain data as a number under which the agent keeps it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    def other(self, value: Any) -> msgpack.ExtType:
        return self.ext(Ext.OBJECT, [self.agent.keep(value), type(value).__name__[:100], callable(value)])


class _ResultToExaminer(_ToExaminer):
    """Numbers the mutable parts of a result as well."""

    def number(self, value: Any) -> int | None:
        return self.agent.keep(value)


class Agent(protocol.Resolver):
    """Serves the examiner's requests until the channel closes."""

    def __init__(self, channel: Channel, shell: CapturingShell, output_bytes: int) -> None:
        self.channel, self.shell, self.output_bytes = channel, shell, output_bytes
        self.packer, self.result_packer = _ToExaminer(self), _ResultToExaminer(self)
        self.things: OrderedDict[int, Any] = OrderedDict()
        self.numbers: dict[int, int] = {}  # of the things, by id
        self.watched: OrderedDict[int, bytes] = OrderedDict()
        self.next_number = 0
        self.running: list[
            tuple[tuple, bytes]
        ] = []  # the arguments of the calls that run now, and as they came
        self.lock = threading.RLock()
        self.reserve: mmap.mmap | None = mmap.mmap(-1, RESERVE_BYTES, flags=mmap.MAP_PRIVATE)
        shell.start(self._emit, output_bytes)

    def serve(self) -> None:
        """Answer requests, one after the other, until the examiner goes."""
        while True:
            try:
                self._answer(self._receive())
            except KeyboardInterrupt:  # it came after the cell had ended
                continue
            except protocol.ClosedError:
                os._exit(0)

    def _receive(self) -> dict:
        return protocol.unpack(self.channel.receive(), self)

    def _answer(self, request: dict) -> None:
        operation, number = _OPERATIONS[request.pop("op")], request.pop("number")
        try:
            reply = operation(self, **request)
        except KeyboardInterrupt:
            reply = {"op": "interrupted"}
        self._send({**reply, "reply_to": number})

    def _send(self, message: dict) -> None:
        self.channel.send(self.packer.pack(message))

    def _emit(self, event: dict) -> None:
        with self.lock:
            self._send({"op": "event", **event})

    # ------------------------------------------------------------ requests

    def run(self, source: str, count: int) -> dict:
        """Run a cell."""
        ok = self.shell.run(source, count)
        self._make_room()
        return {"op": "ran", "ok": ok}

    def replay(self, source: str) -> dict:
        """Run a cell again after a restart, or one that was left out, without showing anything."""
        self.shell.run_unseen(source)
        self._make_room()
        return {"op": "ran", "ok": True}

    def _make_room(self) -> None:
        """A cell that has taken all memory keeps it; that must not cost the exercises below."""
        if self.reserve is not None:
            try:
                mmap.mmap(-1, RESERVE_BYTES, flags=mmap.MAP_PRIVATE).close()
            except (OSError, MemoryError):
                self.reserve.close()
                self.reserve = None

    def files(self, files: dict[str, bytes]) -> dict:
        """Lay files beside the notebook: those that there is a place for."""
        for name, data in files.items():
            path = Path(name)
            with contextlib.suppress(OSError, ValueError):
                if not path.parent.exists():
                    path.parent.mkdir(parents=True)
                path.write_bytes(data)
        return {"op": "ran", "ok": True}

    def look(self, names: list[str]) -> dict:
        """What some names stand for; those that stand for nothing are left out."""
        space, found = self.shell.user_ns, {}
        for name in names:
            if name in space:
                value = space[name]
                seen = _Named(name, value) if callable(value) else value
                found[name] = _NamedToExaminer(self).pack(seen)
        return {"op": "found", "values": found}

    def call(self, target: Any, args: tuple, kwargs: dict, watch: dict | None) -> dict:
        """Call something, and say all that can be seen of it."""
        return self._performed(lambda: target(*args, **kwargs), (args, kwargs), watch)

    def attribute(self, target: Any, name: str) -> dict:
        """An attribute of an object."""
        return self._performed(lambda: getattr(target, name))

    def banned(self, target: Any, names: tuple) -> dict:
        """Which banned thing a function refers to."""
        return self._performed(lambda: rules.banned_in(target, names))

    def _performed(self, action: Callable, given: tuple = ((), {}), watch: dict | None = None) -> dict:
        random_state = _global_random()
        self.running.append([given, self.packer.pack(given)])
        try:
            with _captured(self.output_bytes) as printed:
                said = self._outcome(action, watch)
            changed = self._changed()
        finally:
            self.running.pop()
        return said | {
            "printed": printed.getvalue(),
            "random": _global_random() != random_state,
            "changed": changed,
            "updates": self._updates(),
        }

    def _outcome(self, action: Callable, watch: dict | None) -> dict:
        watch = watch or {"names": None, "most": None}
        guard = contextlib.nullcontext([]) if watch["names"] is None else rules.enforced(watch["names"])
        with guard as refused:
            try:
                returned: list[Any] = []
                if watch["most"]:
                    steps = rules.count_steps(lambda: returned.append(action()), watch["most"])
                    returned = returned or [None]
                else:
                    steps, returned = 0, [action()]
                said = {
                    "op": "returned",
                    "value": self.result_packer.pack(returned[0]),
                    "steps": float(steps),
                }
            except KeyboardInterrupt:
                said = {"op": "interrupted"}
            except BaseException as error:
                said = {"op": "raised", **_described(error)}
        return said | {"refused": list(refused)}

    def _changed(self) -> bytes | None:
        """The arguments of the call that runs now, where they are no longer as the examiner knows them."""
        if not self.running:
            return None
        given, known = self.running[-1]
        self.running[-1][1] = now = self.packer.pack(given)
        return now if now != known else None

    def _updates(self) -> list:
        """Arrays that the examiner has a copy of and that have changed since."""
        changed = []
        for number, before in list(self.watched.items()):
            now = self.things[number].tobytes()
            if now != before:
                self.watched[number] = now
                changed.append([number, self.packer.pack(self.things[number])])
        return changed

    # ------------------------------------------------------------ things on the wire

    def keep(self, value: Any) -> int:
        """Remember a thing by number, so that the examiner can hand it back."""
        if (known := self.numbers.get(id(value))) is not None:
            return known
        number, self.next_number = self.next_number, self.next_number + 1
        self.things[number], self.numbers[id(value)] = value, number
        if isinstance(value, np.ndarray) and value.nbytes <= 1 << 20 and value.dtype.kind != "O":
            self.watched[number] = value.tobytes()
            if len(self.watched) > WATCHED:
                self.watched.popitem(last=False)
        if len(self.things) > KEPT:
            oldest, thing = self.things.popitem(last=False)
            self.watched.pop(oldest, None)
            del self.numbers[id(thing)]
        return number

    def kept(self, number: int) -> Any:
        return self.things[number]

    def named(self, name: str, *_: Any) -> Any:
        return self.shell.user_ns[name]

    def callback(self, number: int, name: str) -> Callable:
        """A function of the examiner's, to be called from here."""

        def call_back(*args: Any, **kwargs: Any) -> Any:
            message = {"op": "callback", "number": number, "args": args, "kwargs": kwargs}
            with self.lock:
                self._send(message | {"changed": self._changed()})
                message = self._until_value()
            if message.get("changed"):
                mirror((args, kwargs), protocol.unpack(message["changed"], self))
            return message["value"]

        call_back.__name__ = call_back.__qualname__ = name
        return call_back

    def _until_value(self) -> dict:
        """Serve nested requests until the answer to a callback comes."""
        while (message := self._receive())["op"] not in ("value", "error"):
            self._answer(message)
        if message["op"] == "value":
            return message
        raise getattr(builtins, message["type"], RuntimeError)(message["text"])


class _Named:
    """Something callable, by the name it has in the notebook."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value


class _NamedToExaminer(_ResultToExaminer):
    def other(self, value: Any) -> msgpack.ExtType:
        if isinstance(value, _Named):
            return self.ext(Ext.NAMED, [value.name, type(value.value).__name__[:100], True])
        return super().other(value)


_OPERATIONS = {
    f.__name__: f
    for f in (Agent.run, Agent.replay, Agent.files, Agent.look, Agent.call, Agent.attribute, Agent.banned)
}


def _global_random() -> bytes:
    """The state of numpy's global generator, as it lies in memory: asking for it nicely takes as long as the rest."""
    generator = np.random.get_bit_generator()
    if not isinstance(generator, np.random.MT19937):
        return b""
    return ctypes.string_at(generator.ctypes.state_address, 625 * 4)


class _CappedText(io.StringIO):
    """Text that stops growing."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most

    def write(self, text: str) -> int:
        kept = text[: max(0, self.left)]
        self.left -= len(text)
        super().write(kept)
        return len(text)


@contextlib.contextmanager
def _captured(most: int) -> Iterator[io.StringIO]:
    """Catch what is printed, and drop warnings: a warning in a test would cost its marks."""
    printed = _CappedText(most)
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        warnings.simplefilter("ignore")
        yield printed


def _described(error: BaseException) -> dict[str, str]:
    """An exception in plain words: its nearest builtin class, its own name, its text, and where it came from."""
    builtin = next(c.__name__ for c in type(error).__mro__ if getattr(builtins, c.__name__, None) is c)
    try:
        text = str(error)
    except Exception:
        text = ""
    own = f"{type(error).__module__}.{type(error).__qualname__}"
    return {"type": builtin, "own": own[:200], "text": text[:2000], "where": _where(error)[:200]}


def _where(error: BaseException) -> str:
    """The last line of the notebook's code that an exception passed through."""
    frames = [
        f for f, _ in traceback.walk_tb(error.__traceback__) if f.f_globals.get("__name__") == "__main__"
    ]
    lines = [
        n for f, n in traceback.walk_tb(error.__traceback__) if f.f_globals.get("__name__") == "__main__"
    ]
    return f"line {lines[-1]} of the cell that defines `{frames[-1].f_code.co_name}`" if frames else ""


# ---------------------------------------------------------------- what isn't there


class _NotHereError(rules.RuleBrokenError, AttributeError):
    """Also an AttributeError, because numpy and matplotlib ask sys.modules for torch's classes."""


class _NotHere(types.ModuleType):
    """A package that can be imported, for what else a cell does, and used for nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _NotHereError(
            f"{self.__name__}.{name}: {self.__name__.partition('.')[0]} isn't there while a notebook is graded; "
            "answers are built from numpy"
        )


class _NotHereFinder(MetaPathFinder, Loader):
    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in HIDDEN_PACKAGES else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return _NotHere(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def hide_packages() -> None:
    """Let torch be imported, and be refused where it is used."""
    sys.meta_path.insert(0, _NotHereFinder())


def quiet_checks() -> None:
    """Checks in a student's own cells have no torch to ask; the graded ones run with the examiner."""

    def examples(self: Checks, name: str, *_: Any) -> None:  # noqa: ARG001
        print(f"{name}: a check in a cell of your own is not run again while the notebook is graded")

    Checks.examples = Checks.hidden = examples  # type: ignore[method-assign]
