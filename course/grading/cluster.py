"""A cluster in the place of this machine's workers: submissions go out through a Dask scheduler, notebooks come back.

Only bytes travel, msgpack of plain data, and no names of students. The coordinator says which Dask worker runs a
submission: one that has another version of the course, or shuts students' code in too little, gets none, and what a
lost one had goes to others.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
import math
import queue
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import msgpack
import nbformat
from nbformat import NotebookNode

from course.grading.isolation.limits import Limits
from course.grading.pool import LEVELS, Finished, PoolError, Task, run
from course.grading.work import Done, Folder, Lesson
from course.paths import ROOT

INSTALL = "grading on a cluster needs Dask: run `.venv/bin/pip install --editable '.[cluster]'` in the course folder"
CONNECT = 15  # seconds to reach the scheduler
GREETING = 120  # seconds for a worker to get ready, before grading starts without it
PATIENCE = 600  # seconds without any worker, after which grading is given up
LOOK = 2  # seconds between two looks at which workers there are
IDLE = 120  # seconds that a warm process without work is kept
SMALL = 1000  # characters of an output that always travel
TRIES = 3  # of a submission whose Dask worker was lost
_LIBRARIES = ("numpy", "torch", "matplotlib", "ipython", "nbformat")


def fingerprint() -> dict[str, str]:
    """What must be the same everywhere for marks to be the same: the course, Python, and the libraries that matter."""
    found = {f"course/{part}": _digest(part) for part in ("kit", "grading", "chapters")}
    found["Python"] = "{}.{}".format(*sys.version_info)
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name).partition("+")[0]  # torch has the same version with +cpu
    return found


def _digest(part: str) -> str:
    folder, known = ROOT / "course" / part, hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".j2", ".json")):
        known.update(
            f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
        )
    return known.hexdigest()[:12]


# ---------------------------------------------------------------- the coordinator


@dataclass
class _Hand:
    """A Dask worker that is fit for work. busy: how many submissions it has been given."""

    level: str
    threads: int
    busy: int = 0
    closed: bool = False  # it has one that was lost before, and gets no other meanwhile

    @property
    def load(self) -> float:
        return math.inf if self.closed else self.busy / self.threads

    def takes(self, attempt: _Attempt) -> bool:
        """It gets one more than it can run, so that it never waits for the network.

        What was lost with a worker goes alone: it may be what ended that worker, and should take nothing along.
        """
        return not self.busy if attempt.number else not self.closed and self.busy <= self.threads


@dataclass(eq=False)
class _Attempt:
    """A submission on its way. number: how often it was sent, this time included."""

    task: Task
    number: int = 0
    address: str = ""
    future: Any = None


class ClusterPool:
    """The workers of a Dask cluster, as many as there are at any time."""

    def __init__(
        self,
        address: str,
        require: str = "landlock",
        limits: Future[Limits] | None = None,
        say: Callable[[str], None] = print,
        patience: float = PATIENCE,
    ) -> None:
        """limits: of students' code, asked for with the first submission. say: tells of workers lost or not fit."""
        self.address, self._require, self._say, self._patience = address, require, say, patience
        self._limits = limits
        self._client = _connect(address)
        self._name = f"course-{uuid.uuid4().hex[:12]}"
        self._course = fingerprint()
        self._present: dict[str, dict] = {}  # what the scheduler says of all workers
        self._hands: dict[str, _Hand] = {}
        self._refused: dict[str, str] = {}
        self._greeted: dict[str, str] = {}  # the workers that were asked, by the question's key
        self._sent: dict[str, _Attempt] = {}
        self._again: deque[_Attempt] = deque()
        self._over: deque[Finished] = deque()
        self._lessons: dict[str, Any] = {}
        self._answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._keys = 0
        self._looked = -float("inf")
        self._alone_since: float | None = None
        self._said_alone = False

    def __enter__(self) -> ClusterPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def level(self) -> str:
        """The weakest isolation level of all workers that get work; waits until there are any."""
        ends = time.monotonic() + GREETING
        while not self._hands or (self._greeted and time.monotonic() < ends):
            self._receive()
            if self._refused and not self._hands and not self._greeted:
                raise PoolError(f"no worker of the cluster at {self.address} is fit for grading, see above")
        return min((hand.level for hand in self._hands.values()), key=LEVELS.index)

    def results(self, tasks: Iterable[Task]) -> Iterator[Finished]:
        """Every task's result, once, in the order of completion; takes tasks only as workers get free."""
        _ = self.level
        tasks = iter(tasks)
        while self._hand_out(tasks):
            self._receive()
            while self._over:
                yield self._over.popleft()

    def close(self) -> None:
        """Stop. What is being run comes to its end on its worker, and nobody takes the result."""
        with contextlib.suppress(Exception):  # the cluster may be gone
            self._client.close(timeout=5)

    # What goes out

    def _hand_out(self, tasks: Iterator[Task]) -> bool:
        """Fill the workers; False when nothing is left to do or to wait for."""
        while attempt := self._next(tasks):
            address = min(self._hands, key=lambda a: self._hands[a].load, default=None)
            if address is None or not self._hands[address].takes(attempt):
                self._again.appendleft(attempt)
                return True
            self._send(attempt, address)
        return bool(self._sent)

    def _next(self, tasks: Iterator[Task]) -> _Attempt | None:
        if self._again:
            return self._again.popleft()
        task = next(tasks, None)
        return task and _Attempt(task)

    def _send(self, attempt: _Attempt, address: str) -> None:
        hand = self._hands[address]
        hand.busy, hand.closed = hand.busy + 1, attempt.number > 0
        attempt.number, attempt.address = attempt.number + 1, address
        limits = self._limits.result() if self._limits else Limits()
        lesson, folder = self._lesson(attempt.task.lesson), msgpack.packb(asdict(attempt.task.folder))
        key, attempt.future = self._ask(address, work, lesson, folder, self._require, limits.data)
        self._sent[key] = attempt

    def _lesson(self, lesson: Lesson) -> Any:
        """A chapter's data on the cluster: sent once, copied from worker to worker, made again where all are lost."""
        if lesson.digest not in self._lessons:
            key = f"{self._name}-lesson-{lesson.chapter}-{lesson.digest}"
            # Any worker can do this. Naming some would leave it undone where all of those are lost.
            self._lessons[lesson.digest] = self._client.submit(bytes, msgpack.packb(lesson.data), key=key)
        return self._lessons[lesson.digest]

    def _ask(self, address: str, function: Callable, *arguments: Any) -> tuple[str, Any]:
        """Have one worker, and no other, do something; the answer comes to `_answers`."""
        self._keys += 1
        key = f"{self._name}-{function.__name__}-{self._keys}"
        future = self._client.submit(function, *arguments, key=key, workers=[address])
        asyncio.run_coroutine_threadsafe(self._fetch(key, future), self._client.loop.asyncio_loop)
        return key, future

    async def _fetch(self, key: str, future: Any) -> None:
        try:
            answer = await self._client.gather(future, asynchronous=True)
        except (Exception, asyncio.CancelledError) as error:
            answer = error
        self._answers.put((key, answer))

    # What comes back

    def _receive(self) -> None:
        """Wait a moment for an answer, and look now and then at which workers there are."""
        if time.monotonic() > self._looked + LOOK:
            self._look()
        try:
            key, answer = self._answers.get(timeout=LOOK)
        except queue.Empty:
            return
        if address := self._greeted.pop(key, None):
            self._welcome(address, answer)
        elif attempt := self._sent.pop(key, None):  # else its worker was given up, and another has it
            if hand := self._hands.get(attempt.address):
                hand.busy, hand.closed = hand.busy - 1, False
            if isinstance(answer, BaseException):
                self._try_again(attempt, f"{type(answer).__name__}: {answer}")
            else:
                self._over.append(_finished(attempt.task, answer))

    def _try_again(self, attempt: _Attempt, why: str) -> None:
        if attempt.number < TRIES:
            self._again.append(attempt)
            return
        problem = (
            f"the cluster failed {TRIES} times at it, the last time because {why}; the next run tries again"
        )
        self._over.append(Finished(attempt.task, None, problem, 0.0))

    # Which workers there are

    def _look(self) -> None:
        """Greet new workers, and send what lost ones had to others."""
        try:
            # Not scheduler_info(): it may return what the client keeps for itself, where no worker is named.
            workers = self._client.sync(self._client.scheduler.identity, n_workers=-1)["workers"]
        except Exception as error:
            raise PoolError(
                f"the scheduler at {self.address} can't be reached any more ({error}). What was graded is kept; when "
                "the cluster is back, the same command goes on from here."
            ) from error
        self._looked = time.monotonic()
        self._present = {a: w for a, w in workers.items() if not w["status"].startswith("clos")}
        for address in self._known - self._present.keys():
            self._lose(address)
        for address in self._present.keys() - self._known:
            key, _ = self._ask(address, greet, self._course, self._require)
            self._greeted[key] = address
        self._be_patient()

    @property
    def _known(self) -> set[str]:
        return {*self._hands, *self._refused, *self._greeted.values()}

    def _welcome(self, address: str, answer: Any) -> None:
        if isinstance(answer, BaseException):
            answer = {"problem": f"it can't be asked about its course ({type(answer).__name__}: {answer})"}
        if "problem" in answer:
            self._refused[address] = answer["problem"]
            self._say(f"worker {address} gets no work: {answer['problem']}")
        else:
            self._hands[address] = _Hand(answer["level"], self._present[address]["nthreads"])
            self._alone_since, self._said_alone = None, False

    def _lose(self, address: str) -> None:
        self._refused.pop(address, None)
        self._greeted = {key: asked for key, asked in self._greeted.items() if asked != address}
        if self._hands.pop(address, None) is None:
            return
        lost = [key for key, attempt in self._sent.items() if attempt.address == address]
        self._say(f"worker {address} is lost; the {len(lost)} submissions that it had go to others")
        for key in lost:
            attempt = self._sent.pop(key)
            attempt.future.release()
            self._try_again(attempt, f"the worker {address} was lost")

    def _be_patient(self) -> None:
        """Wait for workers where there are none, and not for ever."""
        if self._hands:
            return
        now = time.monotonic()
        self._alone_since = self._alone_since or now
        if now > self._alone_since + self._patience:
            raise PoolError(
                f"the cluster at {self.address} had no worker ready for {self._patience:.0f} s. What was graded is "
                "kept; start workers, and the same command goes on from here."
            )
        if not self._greeted and not self._said_alone:
            self._said_alone = True
            self._say(f"the cluster has no worker for us; waiting up to {self._patience:.0f} s for one")


def _connect(address: str) -> Any:
    try:
        import dask
        from distributed import Client, Security
        from distributed.comm import connect
    except ImportError:
        raise PoolError(INSTALL) from None

    async def knock() -> None:
        comm = await connect(address, timeout=CONNECT, **Security().get_connection_args("client"))
        comm.abort()

    # A folder may have 100 MB; there are never many of them under way.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"})
    try:
        asyncio.run(knock())  # a client that never reaches its scheduler is hard to get rid of
        return Client(address, timeout=CONNECT, set_as_default=False, name="course-grade")
    except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:  # also wrong versions
        raise PoolError(
            f"no Dask scheduler answers at {address} ({error}). An address looks like tcp://host:8786; for tls:// the "
            "certificates are named in Dask's configuration, see docs/cluster.md."
        ) from error


def _finished(task: Task, answer: bytes) -> Finished:
    fields = msgpack.unpackb(answer)
    problem, seconds, taken = fields.pop("problem"), fields.pop("seconds"), fields.pop("taken", ())
    if problem:
        return Finished(task, None, problem, seconds)
    if fields["notebook"]:
        nb = fields["notebook"] = nbformat.from_dict(json.loads(fields["notebook"]))
        for cell, output, kind, number in taken:
            nb.cells[cell].outputs[output].data[kind] = _pictures(task.lesson.solved)[number]
    return Finished(task, Done(**fields), None, seconds)


@functools.lru_cache(maxsize=32)
def _pictures(solved: bytes) -> list[str]:
    """What the solution notebook shows, in order. Most students' notebooks show much of it, and it need not travel."""
    if not solved:
        return []
    outputs = [
        o for cell in nbformat.reads(solved.decode(), as_version=4).cells for o in cell.get("outputs", [])
    ]
    shown = [value for o in outputs for value in o.get("data", {}).values()]
    return [value for value in shown if isinstance(value, str) and len(value) > SMALL]


# ---------------------------------------------------------------- on a Dask worker


def greet(course: dict[str, str], require: str) -> dict[str, str]:
    """Get ready, and say how well students' code is shut in here, or why none should run."""
    here = fingerprint()
    if here != _LOADED:
        return {"problem": "the course has changed since it was started; start it again"}
    if differences := [
        _difference(n, here.get(n), wanted) for n, wanted in course.items() if here.get(n) != wanted
    ]:
        return {
            "problem": f"it has {', '.join(differences)}; install what the coordinator has, and start it again"
        }
    try:
        with _CREW.worker(require) as worker:
            return {"level": worker.level}
    except Exception as error:
        return {"problem": str(error)}


def _difference(name: str, here: str | None, wanted: str) -> str:
    return (
        f"another {name}" if name.startswith("course/") else f"{name} {here or 'missing'} instead of {wanted}"
    )


def work(lesson: bytes, folder: bytes, require: str, limits: dict[str, float]) -> bytes:
    """Run a submission."""
    known = _lesson(lesson)
    with _CREW.worker(require) as worker:
        worker.limits = Limits(**limits)
        finished = run(worker, Task("", known, Folder(**msgpack.unpackb(folder))))
    answer: dict[str, Any] = {"problem": finished.problem, "seconds": finished.seconds}
    if done := finished.done:
        taken = _take_out(done.notebook, _pictures(known.solved)) if done.notebook else []
        notebook = done.notebook and json.dumps(done.notebook)
        answer |= {"notebook": notebook, "taken": taken}
        answer |= {"notes": done.notes, "error": done.error, "isolation": done.isolation}
    return msgpack.packb(answer)


def _take_out(nb: NotebookNode, pictures: list[str]) -> list[tuple[int, int, str, int]]:
    """Empty the outputs that the solution has too; returns which, by their places, and what they showed."""
    numbers = {picture: number for number, picture in enumerate(pictures)}
    taken = []
    for c, cell in enumerate(nb.cells):
        for o, output in enumerate(cell.get("outputs", [])):
            for kind, value in output.get("data", {}).items():
                if isinstance(value, str) and value in numbers:
                    output.data[kind] = ""
                    taken.append((c, o, kind, numbers[value]))
    return taken


@functools.lru_cache(maxsize=32)
def _lesson(data: bytes) -> Lesson:
    fields = msgpack.unpackb(data)
    return Lesson.of_data(fields)


class _Crew:
    """The workers of this process, one for each of its threads that needs one, ended when they have been idle."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[float, str, Any]] = []  # since when, for which level, the worker
        self._timer: threading.Timer | None = None

    @contextlib.contextmanager
    def worker(self, require: str) -> Iterator[Any]:
        """A warm worker, for one thread at a time."""
        from course.grading.isolation.worker import Worker

        worker = self._take(require) or Worker(require=require)
        try:
            yield worker
        except BaseException:
            worker.close()
            raise
        with self._lock:
            self._idle.append((time.monotonic(), require, worker))
            self._watch()

    def _take(self, require: str) -> Any:
        with self._lock:
            for entry in reversed(self._idle):
                if entry[1] == require:
                    self._idle.remove(entry)
                    return entry[2]
        return None

    def _watch(self) -> None:
        if self._timer is None and self._idle:
            self._timer = threading.Timer(IDLE, self._end_idle)
            self._timer.daemon = True
            self._timer.start()

    def _end_idle(self) -> None:
        with self._lock:
            self._timer = None
            old = [entry for entry in self._idle if entry[0] < time.monotonic() - IDLE]
            self._idle = [entry for entry in self._idle if entry not in old]
            self._watch()
        for *_, worker in old:
            worker.close()


_CREW = _Crew()
_LOADED = fingerprint()
