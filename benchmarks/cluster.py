"""What grading on a cluster takes: a scheduler and workers on this machine, one class, and a plan for more.

    .venv/bin/python benchmarks/cluster.py
    .venv/bin/python benchmarks/cluster.py --plan 100000 --cores 64 --price 0.04

Prints processor time, memory and bytes of a submission, in each kind of process, and what they come to for a plan.
Processor time hardly depends on what else this machine does; the throughput does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
from distributed import Client
from grading import machine, make_course, print_rows, proportional

from course.grading import cluster, grade
from course.grading.gradebook import Book
from course.paths import Chapter


@dataclass
class Measured:
    """One run. processor: seconds by kind of process; saving: seconds in which marks and files were written."""

    count: int
    seconds: float = 0.0
    processor: dict[str, float] = field(default_factory=dict)
    saving: float = 0.0
    memory: dict[str, float] = field(default_factory=dict)  # MB, the most that was seen
    sent: list[int] = field(default_factory=list)  # bytes of each submission
    received: list[int] = field(default_factory=list)  # bytes of each answer

    def each(self, kind: str) -> float:
        """Seconds of processor time that a submission takes in a kind of process."""
        return self.processor[kind] / self.count


@contextlib.contextmanager
def running_cluster(folder: Path, workers: int) -> Iterator[tuple[str, dict[str, list[psutil.Process]]]]:
    """A scheduler and workers with one thread each; yields the address, and the processes by kind."""
    place = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    common = [sys.executable, "-m", "dask"]
    local = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> psutil.Process:
            process = subprocess.Popen([*common, *arguments, *local], **quiet)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return psutil.Process(process.pid)

        scheduler = start("scheduler", "--port", "0", "--scheduler-file", str(place))
        while not place.exists():
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        arguments = ("worker", address, "--nthreads", "1", "--memory-limit", "0", "--no-nanny")
        everyone = {"scheduler": [scheduler], "workers": [start(*arguments) for _ in range(workers)]}
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers)
        yield address, everyone


def measure(chapter: Chapter, students: int, workers: int, seed: int) -> Measured:
    """Grade a class on a cluster of this machine."""
    run = Measured(students)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "course"
        make_course(root, chapter, students, seed)
        lesson = grade.register(chapter, root)
        with (
            running_cluster(Path(folder), workers) as (address, processes),
            cluster.ClusterPool(address) as pool,
        ):
            _ = pool.level  # all are ready
            processes["coordinator"] = [psutil.Process()]
            before, begun = processor_seconds(processes), time.perf_counter()
            with counted(run):
                for number, result in enumerate(grade.grade([lesson], pool, root)):
                    if result.error:
                        sys.exit(f"{result.student}: {result.error}")
                    if number % 5 == 0:
                        note_memory(run, processes)
            run.seconds = time.perf_counter() - begun
            after = processor_seconds(processes)
            run.processor = {kind: after[kind] - before[kind] for kind in after}
    return run


@contextlib.contextmanager
def counted(run: Measured) -> Iterator[None]:
    """Note the bytes that go out and come back, and how long marks and files take to be written."""
    finished, save = cluster._finished, Book.save

    def counting(task: Any, answer: bytes) -> Any:
        run.received.append(len(answer))
        run.sent.append(sum(map(len, task.folder.files.values())))
        return finished(task, answer)

    def timed(*args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        try:
            return save(*args, **kwargs)
        finally:
            run.saving += time.perf_counter() - begun

    with mock.patch.object(cluster, "_finished", counting), mock.patch.object(Book, "save", timed):
        yield


def families(processes: dict[str, list[psutil.Process]]) -> Iterator[tuple[str, psutil.Process]]:
    """All processes by kind; the workers with all that they have started, the coordinator alone."""
    for kind, mothers in processes.items():
        for mother in mothers:
            yield kind, mother
            if kind == "workers":
                yield from ((kind, child) for child in mother.children(recursive=True))


def processor_seconds(processes: dict[str, list[psutil.Process]]) -> dict[str, float]:
    """What they have used so far. A fork counts when it has ended."""
    used = dict.fromkeys(processes, 0.0)
    for kind, process in families(processes):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used[kind] += times.user + times.system
            if kind == "workers":
                used[kind] += times.children_user + times.children_system
    return used


def note_memory(run: Measured, processes: dict[str, list[psutil.Process]]) -> None:
    used = dict.fromkeys(processes, 0.0)
    for kind, process in families(processes):
        used[kind] += proportional(process)
    for kind, amount in used.items():
        run.memory[kind] = max(run.memory.get(kind, 0.0), amount / len(processes[kind]))


def print_measured(run: Measured, workers: int) -> None:
    """What a submission takes."""
    print_rows(
        f"A submission, of {run.count}, {workers} workers",
        [
            ("submissions a second", f"{run.count / run.seconds:.2f}"),
            *((f"processor time, {kind}", f"{1000 * run.each(kind):.0f} ms") for kind in run.processor),
            ("marks and files written, waiting included", f"{1000 * run.saving / run.count:.0f} ms"),
            ("sent to a worker", f"{sum(run.sent) / run.count / 1000:.0f} kB"),
            ("sent back", f"{sum(run.received) / run.count / 1000:.0f} kB"),
        ],
    )
    each = [(kind, f"{amount:.0f} MB") for kind, amount in run.memory.items()]
    print_rows("Memory of one process of a kind, with its forks", each)


def print_plan(run: Measured, count: int, cores: int, price: float) -> None:
    """What a number of submissions comes to."""
    hours = count * run.each("workers") / 3600
    bound = 1 / max(run.each("coordinator"), run.each("scheduler"))
    useful = bound * run.each("workers")
    gigabytes = count * (sum(run.sent) + sum(run.received)) / run.count / 1e9
    print_rows(
        f"{count:,} submissions on {cores} cores, at {price} a core-hour",
        [
            ("core-hours", f"{hours:.1f}"),
            ("hours", f"{hours / min(cores, useful):.2f}"),
            ("cost", f"{hours * price:.2f}"),
            ("more cores than this don't help: one coordinator", f"{useful:.0f}"),
            ("over the network", f"{gigabytes:.0f} GB"),
        ],
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure grading on a cluster, and plan with the figures.")
    parser.add_argument("--chapter", default="ch02_conv2d", help="default: %(default)s")
    parser.add_argument("--students", type=int, default=40, help="in the class; default: %(default)s")
    parser.add_argument("--workers", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another class")
    parser.add_argument(
        "--plan", type=int, default=100_000, metavar="N", help="submissions; default: %(default)s"
    )
    parser.add_argument(
        "--cores", type=int, nargs="+", default=[16, 64], help="of the cluster; default: 16 and 64"
    )
    parser.add_argument("--price", type=float, default=0.04, help="of a core-hour; default: %(default)s")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    given = arguments()
    print(machine())
    run = measure(Chapter(given.chapter), given.students, given.workers, given.seed)
    print_measured(run, given.workers)
    for cores in given.cores:
        print_plan(run, given.plan, cores, given.price)


if __name__ == "__main__":
    main()
