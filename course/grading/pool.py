"""Many submissions at once: what maps (lesson, folder) to what came of it. Here with subprocesses of this machine."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from course.grading.work import Done, Folder, Lesson

LEVELS = ("process", "landlock", "full")  # of isolation, the weakest first


@dataclass(frozen=True)
class Task:
    """A submission to be run."""

    student: str
    lesson: Lesson
    folder: Folder


@dataclass(frozen=True)
class Finished:
    """A task and what came of it. problem: why the grader itself, not the submission, failed; then done is None."""

    task: Task
    done: Done | None
    problem: str | None
    seconds: float


class PoolError(Exception):
    """There is nobody to work."""


class Pool(Protocol):
    """Runs submissions, many at once."""

    @property
    def level(self) -> str:
        """The weakest isolation level that is reached; waits until workers are ready, raises if they never are."""

    def results(self, tasks: Iterable[Task]) -> Iterator[Finished]:
        """Every task's result, in the order of completion; takes tasks only as workers get free."""

    def close(self) -> None:
        """Stop everything, at once."""


class LocalPool:
    """Workers of this machine, each owned by a thread that waits for it."""

    def __init__(self, workers: int, start: Callable[[], Any]) -> None:
        """start: makes a worker, such as `lambda: Worker(require="landlock")`; it is called in the thread."""
        self._start = start
        self._waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[Finished] = queue.SimpleQueue()
        self._started: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._workers: list[Any] = []
        self._level: str | None = None
        self._running = 0
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def level(self) -> str:
        if self._level is None:
            for _ in self._threads:
                worker = self._started.get()
                if isinstance(worker, Exception):
                    raise worker
                self._workers.append(worker)
            self._level = min((w.level for w in self._workers), key=LEVELS.index)
        return self._level

    def results(self, tasks: Iterable[Task]) -> Iterator[Finished]:
        _ = self.level  # nothing is read before there is somebody to work on it
        tasks = iter(tasks)
        self._hand_out(tasks, 2 * len(self._threads))
        while self._running:
            finished = self._finished.get()
            self._running -= 1
            self._hand_out(tasks, 1)
            yield finished

    def _hand_out(self, tasks: Iterator[Task], count: int) -> None:
        for task in itertools.islice(tasks, count):
            self._running += 1
            self._waiting.put(task)

    def close(self) -> None:
        """Stop. Submissions that are being run are given up: their workers end by themselves, with this process."""
        while not self._waiting.empty():
            self._waiting.get()
        for _ in self._threads:
            self._waiting.put(None)
        idle = self._level is not None and not self._running
        for thread in self._threads:
            thread.join(timeout=10 if idle else 0.1)

    def _serve(self) -> None:
        try:
            worker = self._start()
        except Exception as error:
            self._started.put(error)
            return
        with worker:
            self._started.put(worker)
            while (task := self._waiting.get()) is not None:
                self._finished.put(run(worker, task))


def run(worker: Any, task: Task) -> Finished:
    """Have a worker run a submission, whatever happens."""
    begun, done, problem = time.perf_counter(), None, None
    try:
        done = worker.work(task.lesson, task.folder)
    except Exception as error:  # one submission never stops the rest
        problem = f"the grader failed ({type(error).__name__}: {error}); the next run tries again"
    return Finished(task, done, problem, time.perf_counter() - begun)
