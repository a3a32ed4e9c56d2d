"""The examiner's end: a student's process to run cells in, and proxies for what the student defined there.

What comes back is checked in form and taken as an answer, never as an order: it can be wrong, and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from typing import Any

import matplotlib
import msgpack
import numpy as np

from course.grading.isolation import protocol, sandbox
from course.grading.isolation.limits import MB, Limits
from course.grading.isolation.mirror import mirror
from course.grading.isolation.protocol import (
    Channel,
    ClosedError,
    Ext,
    LateError,
    ProtocolError,
    TooMuchError,
)
from course.grading.isolation.source import banned_in_source
from course.kit import rules
from course.kit.exercise import StoppedError

_REPLIES = ("ran", "returned", "raised", "interrupted", "found")
GRACE = 0.5  # seconds from SIGINT to SIGKILL
STARTS = 5  # tries to start a student's process, which somebody else may kill
START_SECONDS = 60  # for that, with many files beside the notebook
REMEMBERED = 64 * MB  # of an answer's results, which can be handed back as the student's own objects
_MODULE = "course.grading.isolation.nursery"


class Nursery:
    """Starts students' processes; the examiner's end of nursery.py."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-m", _MODULE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=kept | sandbox.ONE_THREAD | {"MPLCONFIGDIR": matplotlib.get_configdir(), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        theirs.close()

    @property
    def level(self) -> str:
        """The level of isolation that it reaches."""
        return self._greeting["level"]

    @property
    def lacks(self) -> list[str]:
        """What it lacks for a better one."""
        return self._greeting["lacks"]

    @cached_property
    def _greeting(self) -> dict:
        """What it says when it is ready; until somebody asks, others can get ready meanwhile."""
        hello = self.socket.recv(1 << 16)
        if not hello:
            raise ClosedError("the server for students' processes did not start")
        return json.loads(hello)

    def spawn(self, limits: Limits) -> tuple[Channel, int, int]:
        """A new student's process: its channel, its pid, and a descriptor to signal it by."""
        ours, theirs = socket.socketpair()
        reply, descriptors = self._ask({"op": "spawn", "limits": asdict(limits)}, [theirs.fileno()])
        theirs.close()
        return Channel(ours.detach(), limits.message_bytes), reply["pid"], descriptors[0]

    def ended(self, pid: int) -> dict | None:
        """How a process ended: status, cpu_seconds, too_large; None where it hasn't, or nobody knows."""
        return self._ask({"op": "status", "pid": pid}, [])[0]["ended"]

    def end(self) -> None:
        """Kill all students' processes."""
        self._ask({"op": "end"}, [])

    def close(self) -> None:
        """Stop the server and all its children."""
        self.socket.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ask(self, request: dict, descriptors: list[int]) -> tuple[dict, list[int]]:
        _ = self._greeting  # it comes first
        nonce = secrets.token_hex(8)
        message = json.dumps(request | {"nonce": nonce}).encode()
        with contextlib.suppress(OSError):  # then nothing is received
            socket.send_fds(self.socket, [message], descriptors)
        while True:  # what an examiner that was killed had asked for may still come
            try:
                data, received, _, _ = socket.recv_fds(self.socket, 1 << 16, 4)
            except OSError:
                data = b""
            if not data:
                raise ClosedError("the server for students' processes has gone")
            reply = json.loads(data)
            if reply["nonce"] == nonce:
                return reply, received
            for descriptor in received:
                os.close(descriptor)


class Answer(rules.Remote):
    """A proxy for an object in the student's process."""

    __module__ = (
        "__main__"  # functools.wraps copies it: a function around an answer is the notebook's, not ours
    )
    __slots__ = ("_ext", "_process", "_session", "_type_name")

    def __init__(self, session: Session, ext: msgpack.ExtType, type_name: str) -> None:
        self._session, self._ext, self._type_name = session, ext, type_name
        self._process = session.restarts  # which of the session's processes keeps it
        self.memo: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._session.attribute(self, name)

    def __repr__(self) -> str:
        return f"<the student's {self._type_name}>"

    def _raise_if_lost(self) -> None:
        """A number means another thing, or nothing, in a later process; a name is there again."""
        if self._ext.code == Ext.KEPT and self._process != self._session.restarts:
            raise _LostError("an object of yours was lost, because the process it was in had to be stopped")

    def banned(self, names: tuple[str, ...]) -> str | None:
        """Which banned thing it refers to."""
        found = self._session.banned(self, names)
        return found if isinstance(found, str) and len(found) < 100 else None


class CallableAnswer(Answer):
    """A proxy that can be called: arguments go as copies, and what the call changed in them comes back."""

    __module__ = "__main__"
    __slots__ = ("__name__",)

    def __init__(self, session: Session, ext: msgpack.ExtType, type_name: str, name: str) -> None:
        super().__init__(session, ext, type_name)
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)  # the work of the examiner is not the answer's
        try:
            return self._session.call(self, args, kwargs)
        finally:
            sys.settrace(tracer)


def _is_same_function(one: Any, other: Any) -> bool:
    return (
        isinstance(one, CallableAnswer)
        and isinstance(other, CallableAnswer)
        and one._ext == other._ext
        and one._process == other._process
    )


class _ToStudent(protocol.Packer):
    """Sends the student's own things back as references, and functions as callbacks."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def instead(self, value: Any) -> msgpack.ExtType | None:
        if isinstance(value, Answer):
            value._raise_if_lost()
            return value._ext
        number, copy, before = self.session.origins.get(id(value), (0, None, b""))
        unchanged = copy is value and copy is not None and protocol.pack(value) == before
        return self.ext(Ext.KEPT, number) if unchanged else None

    def other(self, value: Any) -> msgpack.ExtType:
        if not callable(value):
            return super().other(value)
        name = str(getattr(value, "__name__", type(value).__name__))
        return self.ext(Ext.CALLBACK, [self.session.number_of(value), name[:100]])


class _FromStudent(protocol.Resolver):
    """Turns what the student's process sends into data and proxies."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def shared(self, number: int, value: Any) -> Any:
        self.session.remember(number, value)
        return value

    def object(self, number: int, type_name: str, is_callable: bool) -> Any:
        ext = protocol.Packer().ext(Ext.KEPT, number)
        if is_callable:
            return CallableAnswer(self.session, ext, type_name, type_name)
        return Answer(self.session, ext, type_name)

    def named(self, name: str, type_name: str, is_callable: bool) -> Any:
        ext = protocol.Packer().ext(Ext.NAMED, [name, type_name, is_callable])
        return CallableAnswer(self.session, ext, type_name, name)


class _Died(Exception):  # noqa: N818 - caught in here
    """The student's process is gone. The text says why, for the student."""


class _Late(Exception):  # noqa: N818 - caught in here
    """Time was up; the process has been interrupted, or killed."""


class _LostError(StoppedError):
    """An object was in a process that is gone."""


class StartError(RuntimeError):
    """No process for a student's code comes up: the grader's failure, which must cost no marks."""


class Session:
    """One student's notebook in a process of its own, which is started again when something in it had to be stopped."""

    def __init__(self, nursery: Nursery, limits: Limits, files: dict[str, bytes]) -> None:
        self.nursery, self.limits, self.files = nursery, limits, files
        self.channel: Channel | None = None
        self.done: list[str] = []  # the cells that were run, to be replayed
        self.restarts = self.depth = self.received = 0
        self.killed = 0  # how often somebody else has ended the process
        self.died_at: str | None = None  # the cell in whose replay it has
        self.failure: StartError | None = None
        self.ends = time.monotonic() + limits.submission_seconds
        self.cell_ends = self.ends
        self.shown_left = limits.notebook_bytes
        self.shown: _Shown | None = None  # what shows the events of the cell that runs
        self.packer, self.resolver = _ToStudent(self), _FromStudent(self)
        self.looked: dict[str, Any] = {}  # what the names stood for when they were asked for last
        self.forget()

    # ------------------------------------------------------------ what the examiner asks for

    def run(self, source: str, count: int, emit: Callable[[dict], None]) -> None:
        """Run a cell and report its events; raises StoppedError where it had to be stopped."""
        self._run_cell({"op": "run", "source": source, "count": count}, emit)

    def catch_up(self, sources: list[str]) -> None:
        """Run cells that had been left out, without showing anything."""
        for source in sources:
            self._run_cell({"op": "replay", "source": source}, lambda _: None)

    def _run_cell(self, request: dict, emit: Callable[[dict], None]) -> None:
        source, shown = request["source"], _Shown(emit, self.limits, self.shown_left)
        self.looked.clear()
        self.cell_ends = self._ends_of_cell()
        try:
            self._persistently(lambda: self._run(request, shown))
        except _Late:
            if self.channel is not None:  # it came to an end when it was interrupted
                self.done.append(source)
            raise StoppedError(_too_long("this cell", self.limits.cell_seconds)) from None
        finally:
            self.shown, self.shown_left = None, self.shown_left - shown.used
        self.done.append(source)

    def _run(self, request: dict, shown: _Shown) -> None:
        shown.restart()
        self.shown = shown
        number = self._request(request, self.cell_ends)
        while (message := self._reply(number, self.cell_ends))["op"] == "event":
            shown(message, self.received)
        self.shown = None
        self._expect(message, "ran", "interrupted")

    def begin_test(self) -> None:
        """A test has its own time."""
        self.cell_ends = self._ends_of_cell()

    def look(self, names: list[str]) -> dict[str, Any]:
        """What the student's notebook calls so: data as copies, functions as proxies."""

        def ask() -> dict:
            message = self._exchange({"op": "look", "names": names}, self.cell_ends, "found")
            values = message.get("values")
            if type(values) is not dict or not all(type(v) is bytes for v in values.values()):
                raise ProtocolError("names without values")
            return {n: protocol.unpack(values[n], self.resolver) for n in names if n in values}

        try:
            found = self._persistently(ask)
        except _Late:
            raise StoppedError("your notebook's process did not answer") from None
        for name, value in found.items():
            if _is_same_function(known := self.looked.get(name), value):
                found[name] = known  # with all that is known of it
        self.looked |= found
        return found

    def call(self, target: Answer, args: tuple, kwargs: dict) -> Any:
        """Call a function of the student's: what it raises is raised here, by its nearest builtin class."""
        watch = rules.current_watch()
        request = {
            "op": "call",
            "target": target,
            "args": args,
            "kwargs": kwargs,
            "watch": {"names": watch.names, "most": watch.most} if watch else None,
        }
        return self._performed(request, (args, kwargs), watch)

    def attribute(self, target: Answer, name: str) -> Any:
        """An attribute of an object of the student's."""
        return self._performed({"op": "attribute", "target": target, "name": name})

    def banned(self, target: Answer, names: tuple[str, ...]) -> Any:
        """What the notebook's text says of a name, and else what `rules.banned_in` says in the student's process."""
        by_name = isinstance(target, CallableAnswer) and target._ext.code == Ext.NAMED
        if by_name and (found := banned_in_source(target.__name__, self.done, names)):
            return found
        return self._performed({"op": "banned", "target": target, "names": names})

    def _performed(self, request: dict, given: tuple = ((), {}), watch: rules.Watch | None = None) -> Any:
        try:
            said = self._persistently(lambda: self._ask(request, given))
        except _Late:
            raise StoppedError(_too_long("your function", self.limits.call_seconds)) from None
        if watch:
            watch.refused += said["refused"]
            watch.steps += said["steps"]
        if said["op"] == "raised":
            if said.get("type") == "MemoryError":
                raise StoppedError(_too_much_memory(self.limits))
            raise _error_like(said)
        return said["value"]

    def _ask(self, request: dict, given: tuple) -> dict:
        ends = min(self.cell_ends, time.monotonic() + self.limits.call_seconds)
        number = self._request(request, ends)
        while (message := self._reply(number, ends))["op"] in ("callback", "event"):
            if message["op"] == "callback":
                self._send(self._called_back(message, given), ends)
        if message["op"] == "interrupted":  # by the answer itself: nobody else sent a signal
            raise StoppedError("your function raised KeyboardInterrupt")
        self._expect(message, "returned", "raised")
        try:
            self._mirror(message, given)
            if message["op"] == "returned":
                message["value"] = protocol.unpack(message["value"], self.resolver)
            refused = [str(name)[:100] for name in message["refused"][:10]]
            return message | {"refused": refused, "steps": float(message.get("steps", 0))}
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise ProtocolError(f"a reply without its parts: {error}"[:100]) from None

    def _called_back(self, message: dict, given: tuple) -> bytes:
        """Call one of the examiner's functions for the student."""
        function, args, kwargs = (message.get(k) for k in ("number", "args", "kwargs"))
        function = self.callbacks.get(function) if isinstance(function, int) else None
        if function is None or not isinstance(args, tuple) or not isinstance(kwargs, dict):
            raise ProtocolError("a call of nothing")
        if message.get("changed"):
            mirror(given, protocol.unpack(message["changed"], self.resolver))
        before = _packed(args, kwargs)
        try:
            value = function(*args, **kwargs)
            after = _packed(args, kwargs)
            changed = after if after != before else None
            return self.packer.pack({"op": "value", "value": value, "changed": changed})
        except (StoppedError, ProtocolError, LateError):
            raise
        except Exception as error:
            named = type(error).__name__ if type(error).__module__ == "builtins" else "RuntimeError"
            return self.packer.pack({"op": "error", "type": named, "text": str(error)})

    def _mirror(self, said: dict, given: tuple) -> None:
        """Do here what the call did to its arguments, to earlier results and to numpy's global generator."""
        if said.get("printed"):
            print(str(said["printed"])[: self.limits.output_bytes], end="")
        if said.get("changed"):
            mirror(given, protocol.unpack(said["changed"], self.resolver))
        by_number = {n: v for n, v, _ in self.origins.values()} if said["updates"] else {}
        for number, packed in said["updates"]:
            local = by_number.get(number)
            if isinstance(local, np.ndarray):
                mirror(local, protocol.unpack(packed, self.resolver))
                self.remember(number, local)
        if said.get("random"):
            np.random.random()  # so that a check of the global generator's state sees it

    # ------------------------------------------------------------ things of the two sides

    def remember(self, number: int, value: Any) -> None:
        """Note that a value is a copy of a thing of the student's."""
        with contextlib.suppress(TypeError, ValueError):
            packed = protocol.pack(value)
            _, _, before = self.origins.pop(id(value), (0, None, b""))
            self.origins[id(value)] = (number, value, packed)
            self.remembered += len(packed) - len(before)
            while self.remembered > REMEMBERED:
                _, _, oldest = self.origins.pop(next(iter(self.origins)))
                self.remembered -= len(oldest)

    def number_of(self, function: Callable) -> int:
        """The number under which the student's process calls a function of the examiner's back."""
        self.callbacks[len(self.callbacks)] = function
        return len(self.callbacks) - 1

    def forget(self) -> None:
        """Start anew: numbers of an earlier process mean nothing."""
        self.origins: dict[int, tuple[int, Any, bytes]] = {}
        self.remembered = 0  # bytes of them
        self.callbacks: dict[int, Callable] = {}

    # ------------------------------------------------------------ the process

    def _persistently(self, action: Callable[[], Any]) -> Any:
        """Do something, and once more in a new process where it died: somebody else may have killed it."""
        self.depth += 1
        try:
            return self._watched(action)
        except _Died as first:
            if self.depth > 1:  # the call around this one has died with it
                raise StoppedError(str(first)) from None
            try:
                return self._watched(action)
            except _Died as second:
                raise StoppedError(str(second)) from None
            except _LostError:
                raise StoppedError(str(first)) from None
        finally:
            self.depth -= 1

    def _watched(self, action: Callable[[], Any]) -> Any:
        self._ensure_started()
        try:
            return action()
        except LateError:
            self._interrupt()
            raise _Late from None
        except ClosedError:
            raise _Died(self._why_it_ended()) from None
        except TooMuchError as error:
            self._kill()
            raise StoppedError(f"your code was stopped: {error}") from None
        except ProtocolError as error:
            self._kill()
            raise StoppedError(f"your code was stopped: it told the grader nonsense ({error})") from None

    def _ensure_started(self) -> None:
        begun = time.monotonic()
        while self.channel is None:
            if time.monotonic() > self.ends:
                raise StoppedError(_too_long("your notebook", self.limits.submission_seconds))
            if self.restarts > self.limits.restarts:
                raise StoppedError(
                    f"your code was stopped {self.limits.restarts} times; the rest was not run"
                )
            self.restarts += 1
            self._start()
            self._replay()
            # The earlier cells' time is not this one's.
            self.cell_ends = min(self.ends, self.cell_ends + time.monotonic() - begun)

    def _start(self) -> None:
        """A process that answers, with the files beside the notebook. Nothing of the student's has run in it yet."""
        for _ in range(STARTS):
            self.channel, self.pid, self.signals = self.nursery.spawn(self.limits)
            self.forget()
            try:
                ends = time.monotonic() + START_SECONDS  # whatever is left for the student's code
                self._exchange({"op": "files", "files": self.files}, ends, "ran")
                return
            except (LateError, ProtocolError):
                why = self._why_it_ended()
        self.failure = StartError(f"no process for students' code starts here ({why})")
        raise self.failure

    def _replay(self) -> None:
        """Run the earlier cells again. One that doesn't come to an end is left out from then on.

        One in which the process dies gets another try: somebody else may have killed it.
        """
        for place, source in enumerate(self.done):
            try:
                self._exchange({"op": "replay", "source": source}, self._ends_of_cell(), "ran")
            except (LateError, ProtocolError) as error:
                self._kill()
                if isinstance(error, ClosedError) and self.died_at != source:
                    self.died_at = source
                else:
                    del self.done[place]
                return
        self.died_at = None

    def _ends_of_cell(self) -> float:
        return min(self.ends, time.monotonic() + self.limits.cell_seconds)

    def _interrupt(self) -> None:
        """Stop what runs, kindly first: a process that answers to SIGINT keeps what it knows."""
        try:
            signal.pidfd_send_signal(self.signals, signal.SIGINT)
            ends = time.monotonic() + GRACE
            while (message := self._receive(ends))["op"] not in _REPLIES:
                if self.shown is not None and message["op"] == "event":
                    self.shown(message, self.received)
        except (OSError, LateError, ProtocolError):
            self._kill()

    def _kill(self) -> None:
        if self.channel is None:
            return
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.signals, signal.SIGKILL)
        self.channel.close()
        os.close(self.signals)
        self.channel = None

    def _why_it_ended(self) -> str:
        self._kill()
        for _ in range(50):
            if (ended := self.nursery.ended(self.pid)) is not None:
                self.killed += _is_of_unknown_hand(ended, self.limits)
                return _why(ended, self.limits)
            time.sleep(0.01)
        return _why({"status": 0, "cpu_seconds": 0, "too_large": False}, self.limits)

    def close(self) -> None:
        """End the student's process."""
        self._kill()

    def _exchange(self, request: dict, ends: float, *expected: str) -> dict:
        number = self._request(request, ends)
        while (message := self._reply(number, ends))["op"] == "event":
            pass
        return self._expect(message, *expected)

    def _request(self, request: dict, ends: float) -> bytes:
        """Ask for something; gives the number that the reply must have, which can't be known in advance."""
        number = os.urandom(8)
        self._send(self.packer.pack({"number": number, **request}), ends)
        return number

    def _reply(self, number: bytes, ends: float) -> dict:
        """The next message that is a reply to this request, a callback or an event; another reply comes too late."""
        while True:
            message = self._receive(ends)
            if message["op"] in ("callback", "event") or message.get("reply_to") == number:
                return message

    def _send(self, frame: bytes, ends: float) -> None:
        if len(frame) > self.limits.message_bytes:
            raise TooMuchError(f"it was to get {len(frame) // MB:,} MB at once")
        self.channel.send(frame, ends)

    def _receive(self, ends: float) -> dict:
        frame = self.channel.receive(ends)
        self.received = len(frame)
        message = protocol.unpack(frame, self.resolver)
        if not isinstance(message, dict) or not isinstance(message.get("op"), str):
            raise ProtocolError("not a message")
        return message

    @staticmethod
    def _expect(message: dict, *expected: str) -> dict:
        if message["op"] not in expected:
            raise ProtocolError(f"{message['op'][:40]!r} was not asked for")
        return message


class _Shown:
    """Passes a cell's events on, up to a limit."""

    def __init__(self, emit: Callable[[dict], None], limits: Limits, notebook_left: int) -> None:
        self.emit, self.memory = emit, f"{limits.memory_bytes // MB:,}"
        self.most = max(0, min(2 * limits.output_bytes + limits.picture_bytes, notebook_left))
        self.restart()

    def restart(self) -> None:
        """The cell begins, or begins anew."""
        self.emit({"event": "restart"})
        self.used, self.cut = 0, False

    def __call__(self, event: dict, size: int) -> None:
        """Pass on an event that took so many bytes."""
        if self.cut:
            return
        self.cut = self.used + size + 200 > self.most
        if self.cut:
            said = (
                f"\n[cut off: {self.most / MB:.3g} MB, pictures included, is all that this cell may show]\n"
            )
            event = {"event": "stream", "name": "stderr", "text": said}
        else:
            self.used += size + 200
        if event.get("ename") == "MemoryError" and type(event.get("traceback")) is list:
            event["traceback"].append(
                f"(a notebook may use {self.memory} MB: is an array larger than it has to be?)"
            )
        self.emit(event)


def _packed(args: tuple, kwargs: dict) -> bytes | None:
    """Arguments as bytes, None where one has no copy."""
    try:
        return protocol.pack((args, kwargs))
    except (TypeError, ValueError):
        return None


def _is_of_unknown_hand(ended: dict, limits: Limits) -> bool:
    """Was a process killed, and not for a limit?"""
    over = ended["too_large"] or ended["cpu_seconds"] >= limits.cpu_seconds
    return ended["status"] == signal.SIGKILL and not over


def _why(ended: dict, limits: Limits) -> str:
    """Why a student's process ended, for the student."""
    status = ended["status"]
    if ended["too_large"]:
        return (
            f"your code was stopped: its files take more than {limits.files_bytes // MB:,} MB, all together; "
            "write fewer or smaller ones"
        )
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if killed == signal.SIGXCPU or (killed == signal.SIGKILL and ended["cpu_seconds"] >= limits.cpu_seconds):
        return (
            f"your code was stopped: your notebook used {limits.cpu_seconds:,} s of processor time; "
            "is there a loop that never ends, perhaps in a thread?"
        )
    if killed:
        name = signal.Signals(killed).name
        return f"your code ended the process it ran in ({name}), which nothing in this course needs"
    if os.WEXITSTATUS(status) == sandbox.START_FAILED:
        return "the grader could not start a process for your notebook; please tell your instructor"
    return "your code ended the process it ran in, as os._exit does; leave that out"


def _too_much_memory(limits: Limits) -> str:
    return (
        f"your function was stopped: it needs more than the {limits.memory_bytes // MB:,} MB of memory that there are; "
        "is an array far larger than it has to be?"
    )


def _too_long(what: str, seconds: float) -> str:
    return (
        f"{what} was stopped after {seconds:g} s: is there a loop that never ends, or one that is very slow?"
    )


def _error_like(said: dict) -> Exception:
    """An exception of the builtin class that the student's is nearest to."""
    import builtins

    kind = getattr(builtins, str(said.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = RuntimeError
    try:
        error = kind(str(said.get("text", "")))
    except TypeError:  # UnicodeDecodeError and the like want more than a text
        error = RuntimeError(str(said.get("text", "")))
    error.own_name, error.student_line = str(said.get("own", "")), str(said.get("where", "")) or None
    return error
