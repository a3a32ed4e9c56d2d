"""How fast grading is: the course's own, stock nbgrader's, and the limit; the same class, the same machine, one run.

    .venv/bin/python benchmarks/grading.py
    .venv/bin/python benchmarks/grading.py --growth 20 100 500 2000

Prints the seconds of a submission each way, their ratios, where the time goes, and what one call across the two
processes costs. Exits with 1 where stock nbgrader gives other marks.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any
from unittest import mock

import psutil
from rich.console import Console
from rich.progress import Progress

from course.grading.example_class import hand_in, students
from course.paths import Chapter

MB = 2**20
DISTINCT = 40  # students of the class; a larger one repeats them
SAMPLES = 20  # of the memory, over a run


@dataclass
class Run:
    """One way of grading, measured. seconds: from the first import to the last mark; ready: until work began."""

    count: int
    seconds: float = 0.0
    ready: float = 0.0
    marks: dict[str, Any] = field(default_factory=dict)  # by student
    errors: list[str] = field(default_factory=list)
    processor: dict[str, float] = field(default_factory=dict)  # seconds, by kind of process
    coordinator: dict[str, float] = field(default_factory=dict)  # seconds, by what it did
    memory: list[tuple[int, float, float]] = field(
        default_factory=list
    )  # submissions, MB: coordinator, a worker

    @property
    def each(self) -> float:
        """Seconds of a submission, once started."""
        return (self.seconds - self.ready) / self.count

    def seconds_for(self, count: int) -> float:
        """Seconds of a class of a size, all told."""
        return self.ready + count * self.each


# ---------------------------------------------------------------- the class


def make_course(root: Path, chapter: Chapter, count: int, seed: int) -> None:
    """A course folder with a built chapter and a class's notebooks."""
    for folder in ("source", "release", "solutions"):
        path = chapter.made(folder, root)
        path.parent.mkdir(parents=True)
        shutil.copy(chapter.made(folder), path)
    different = [hand_in(chapter, student, seed, root) for student in students(min(count, DISTINCT), seed)]
    for number in range(DISTINCT, count):
        copied = different[number % DISTINCT]
        path = root / "submitted" / f"repeated-{number:05}" / chapter.id / copied.name
        path.parent.mkdir(parents=True)
        shutil.copy(copied, path)


def kept_marks(root: Path, chapter: Chapter) -> dict[str, Any]:
    """What the gradebook says of every submission."""
    from course.converters import settings
    from course.grading.gradebook import Book
    from course.grading.work import submissions

    marks = {}
    with Book(settings(root)) as book:
        for student in submissions(chapter, root):
            with contextlib.suppress(ValueError, LookupError):
                marks[student] = book.marks(chapter.id, chapter.notebook, student)
    return marks


# ---------------------------------------------------------------- three ways; each runs in a process of its own


def course_grade(root: Path, chapter: Chapter, workers: int, copies: bool, shows: bool) -> Run:
    """As `course grade` does: gradebook, autograded notebooks and feedback pages."""
    run, begun = Run(0), time.perf_counter()
    from course.grading.isolation.sandbox import loading
    from course.grading.isolation.worker import Worker
    from course.grading.pool import LocalPool

    with LocalPool(workers, Worker) as pool:
        with loading():
            from course.grading import grade

        lesson = grade.register(chapter, root)
        lesson = lesson if copies else replace(lesson, solved=b"")
        level = pool.level
        run.ready = time.perf_counter() - begun
        before = processor_seconds()
        with timed_parts(run.coordinator), followed(f"course grade, isolation {level}", shows) as advance:
            step = max(1, len(list((root / "submitted").iterdir())) // SAMPLES)
            for result in grade.grade([lesson], pool, root):
                run.count += 1
                run.errors += [f"{result.student}: {result.error}"] if result.error else []
                if run.count % step == 0:
                    run.memory.append((run.count, *memory()))
                advance()
        run.seconds = time.perf_counter() - begun
        after = processor_seconds()
    run.processor = {kind: after[kind] - before[kind] for kind in after}
    run.marks = kept_marks(root, chapter)
    return run


def stock_autograde(root: Path, chapter: Chapter, shows: bool) -> Run:
    """nbgrader's own autograding, as without the line for isolation in nbgrader_config.py; no feedback pages."""
    run, begun = Run(0), time.perf_counter()
    from nbgrader.converters import Autograde

    from course.converters import ConversionError, convert
    from course.grading.grade import register

    register(chapter, root)
    run.ready, used = time.perf_counter() - begun, used_seconds()
    with followed("stock nbgrader autograde", shows) as advance:

        class Stock(Autograde):
            def __init__(self, **kwargs: Any) -> None:
                del kwargs["config"].Autograde["autograde_preprocessors"]
                super().__init__(**kwargs)

            def convert_single_notebook(self, notebook_filename: str) -> None:
                super().convert_single_notebook(notebook_filename)
                run.count += 1
                advance()

        try:
            convert(Stock, chapter.id, root)
        except ConversionError as error:
            run.errors.append(str(error))
    run.seconds, run.processor = time.perf_counter() - begun, {"all": used_seconds() - used}
    run.marks = kept_marks(root, chapter)
    return run


def bare(root: Path, chapter: Chapter, shows: bool) -> Run:
    """The limit: the notebooks' code, tests included, in one warm process; nothing else around it, nothing kept."""
    run, begun = Run(0), time.perf_counter()
    from course.grading.isolation.sandbox import ONE_THREAD

    os.environ.update(ONE_THREAD)
    import torch

    from course.grading.grade import register
    from course.grading.intake import find_notebook, read_folder
    from course.grading.isolation.outputs import Collector
    from course.grading.isolation.shell import make_shell
    from course.grading.restore import restored
    from course.grading.work import submissions

    torch.set_num_threads(1)
    lesson, shell, collector = register(chapter, root), make_shell(), Collector()
    shell.start(collector, 4 * MB)
    notebooks = []
    for student in submissions(chapter, root):
        nb, _, _ = find_notebook(read_folder(root / "submitted" / student / chapter.id), lesson)
        notebooks.append(restored(nb, lesson.record)[0])
    execute(shell, collector, notebooks[0])  # warm
    run.ready, used = time.perf_counter() - begun, used_seconds()
    with followed("the code alone", shows) as advance:
        for nb in notebooks:
            execute(shell, collector, nb)
            run.count += 1
            advance()
    run.seconds, run.processor = time.perf_counter() - begun, {"all": used_seconds() - used}
    return run


def execute(shell: Any, collector: Any, nb: Any) -> None:
    """Run all cells of a notebook in a shell."""
    shell.reset(new_session=True)
    for count, cell in enumerate((c for c in nb.cells if c.cell_type == "code"), 1):
        collector.begin(count)
        shell.run(cell.source, count)


@contextlib.contextmanager
def followed(what: str, shows: bool) -> Iterator[Callable[[], None]]:
    """Say on a terminal how many submissions are done; yields what to call after each."""
    with Progress("{task.description}: {task.completed}", transient=True, disable=not shows) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda: progress.advance(bar)


# ---------------------------------------------------------------- where the time and the memory go


@contextlib.contextmanager
def timed_parts(seconds: dict[str, float]) -> Iterator[None]:
    """Note how long the coordinator takes for each of its parts. The gradebook's time includes what it waits for."""
    from course.grading import feedback, grade
    from course.grading.gradebook import Book

    parts = [
        ("reading", grade, "read_folder"),
        ("marks", grade, "automatic"),
        ("notebook as JSON", grade.nbformat.v4, "writes"),
        ("feedback page", feedback, "page"),
        ("files", grade, "replace_file"),
        ("gradebook", Book, "save"),
    ]
    with contextlib.ExitStack() as stack:
        for name, holder, attribute in parts:
            counted = stopwatch(getattr(holder, attribute), name, seconds)
            stack.enter_context(mock.patch.object(holder, attribute, counted))
        yield
    for inner in ("feedback page", "files"):  # both happen before the commit
        seconds["gradebook"] -= seconds.get(inner, 0.0)


def stopwatch(function: Callable, name: str, seconds: dict[str, float]) -> Callable:
    """A function whose time is added up."""
    seconds[name] = 0.0

    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[name] += time.perf_counter() - begun

    return timed


def used_seconds() -> float:
    """Processor time of this process and of all that it has started and that has ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def processor_seconds() -> dict[str, float]:
    """What this process, its workers and theirs have used so far. A fork counts when it has ended."""
    used = dict.fromkeys(("coordinator", "examiners", "students", "servers that fork them"), 0.0)
    own = psutil.Process().cpu_times()
    used["coordinator"] = own.user + own.system
    for worker, nursery in workers():
        for process, forks in ((worker, "examiners"), (nursery, "students")):
            times = process.cpu_times()
            used[forks] += times.children_user + times.children_system
            used["servers that fork them"] += times.user + times.system
    return used


def workers() -> Iterator[tuple[psutil.Process, psutil.Process]]:
    """The worker processes of this one, each with the server that it gets students' processes from."""
    for worker in psutil.Process().children():
        for child in worker.children():
            with contextlib.suppress(psutil.NoSuchProcess):  # an examiner that has ended
                if any(part.endswith("nursery") for part in child.cmdline()):
                    yield worker, child


def memory() -> tuple[float, float]:
    """MB of the coordinator, and of the largest worker with its forks; what these share counts once."""
    of_workers = []
    for worker, _ in workers():
        family = [worker, *worker.children(recursive=True)]
        of_workers.append(sum(map(proportional, family)))
    return psutil.Process().memory_info().rss / MB, max(of_workers, default=0.0)


def proportional(process: psutil.Process) -> float:
    """MB of a process; 0 where it has ended or may not be looked at."""
    with contextlib.suppress(psutil.Error):
        return process.memory_full_info().pss / MB
    return 0.0


def one_call() -> dict[str, float]:
    """Seconds of a call from the examiner into a student's process and back, and of starting such a process."""
    import numpy as np

    from course.grading.isolation.limits import Limits
    from course.grading.isolation.session import Nursery, Session

    nursery = Nursery()

    def session() -> Session:
        made = Session(nursery, Limits(), {})
        made.run("def same(x): return x\ndef twice(x): return 2 * x", 1, lambda _: None)
        return made

    asked = session()
    asked.begin_test()
    answers = asked.look(["same", "twice"])
    small, large = np.zeros((100, 100)), np.zeros(MB // 8)
    took = {
        "a number there and back": best_of(lambda: answers["same"](1.0), 500),
        "a 100 x 100 array there, a new one back": best_of(lambda: answers["twice"](small), 200),
        "an array of 1 MB there, a new one back": best_of(lambda: answers["twice"](large), 20),
    }
    asked.close()
    took["a student's process, ready to run cells"] = best_of(lambda: session().close(), 5)
    nursery.close()
    return took


def best_of(action: Callable[[], Any], times: int) -> float:
    """Seconds of an action: the best mean of five rounds."""
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(times):
            action()
        rounds.append((time.perf_counter() - begun) / times)
    return min(rounds)


# ---------------------------------------------------------------- the report


def differing(ours: Run, stock: Run) -> list[str]:
    """Students to whom stock nbgrader gives other marks, with the first difference."""
    found = []
    for student, theirs in stock.marks.items():
        mine = ours.marks.get(student)
        if mine is None or mine != theirs:
            cells = mine.cells if mine else {}
            other = [n for n, mark in theirs.cells.items() if cells.get(n) != mark] or ["comments"]
            found.append(
                f"{student}: {other[0]}: {cells.get(other[0])} here, {theirs.cells.get(other[0])} stock"
            )
    return found


def machine() -> str:
    """What this was measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def print_rows(title: str, rows: list[tuple[str, str]]) -> None:
    """A small table."""
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name:<44}{value:>12}")
    sys.stdout.flush()


def print_speed(name: str, run: Run, ours: Run, count: int) -> None:
    """One way beside the course's own, which comes first."""
    if run is ours:
        print(
            f"\n{'':<46}{'starting':>10}{'one':>10}{f'all {count}':>10}{'times ours':>12}{'once started':>14}"
            f"{'processor':>11}"
        )
    times = run.seconds_for(count) / ours.seconds_for(count), run.each / ours.each
    print(
        f"  {name:<44}{run.ready:>8.1f} s{run.each:>8.2f} s{run.seconds_for(count):>8.1f} s"
        f"{times[0]:>12.2f}{times[1]:>14.2f}{sum(run.processor.values()) / run.count:>9.2f} s",
        flush=True,
    )


def print_ratio(stock: Run, ours: list[Run], count: int) -> None:
    """Stock nbgrader's time in times of the course's own, which was measured before it and after it."""
    all_told = stock.seconds_for(count) / mean(run.seconds_for(count) for run in ours)
    once_started = stock.each / mean(run.each for run in ours)
    print(
        f"  course grade has {all_told:.1f} times stock nbgrader's throughput, start-up included; "
        f"{once_started:.1f} times once started",
        flush=True,
    )


def print_breakdown(run: Run, workers: int) -> None:
    """Where a submission's time goes."""
    rows = [*run.processor.items(), ("all", sum(run.processor.values()))]
    print_rows("Processor time of a submission", [(k, f"{1000 * s / run.count:.0f} ms") for k, s in rows])
    parts = [(part, f"{1000 * s / run.count:.1f} ms") for part, s in run.coordinator.items()]
    print_rows("Time in the coordinator, a submission", parts)
    rates = [("submissions a second", 1 / run.each), ("of one worker", 1 / run.each / workers)]
    print_rows("Throughput, once started", [(name, f"{rate:.2f}") for name, rate in rates])


def print_growth(count: int, run: Run, is_first: bool) -> None:
    """Throughput and memory of a class of a size."""
    if is_first:
        print("\nGrowth: submissions a second, and MB of memory at first and at last")
        print(
            f"{'submissions':>13}{'all told':>11}{'once started':>14}{'coordinator':>16}{'a worker':>16}"
            f"{'gradebook':>12}"
        )
    (_, *first), (_, *last) = run.memory[0], run.memory[-1]
    coordinator, worker = (f"{a:.0f} to {b:.0f}" for a, b in zip(first, last, strict=True))
    book = 1000 * run.coordinator["gradebook"] / count
    print(
        f"{count:>13,}{count / run.seconds:>11.2f}{1 / run.each:>14.2f}{coordinator:>16}{worker:>16}{book:>9.1f} ms",
        flush=True,
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Measure grading: the course's own, stock nbgrader's, and the code alone.",
        epilog="Example: benchmarks/grading.py --students 40 --stock-sample 1 --growth 20 100 500 2000",
    )
    parser.add_argument("--chapter", default="ch02_conv2d", help="default: %(default)s")
    parser.add_argument("--students", type=int, default=40, help="in the class; default: %(default)s")
    parser.add_argument("--workers", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another class")
    parser.add_argument(
        "--stock-sample", type=int, default=3, metavar="N",
        help="stock nbgrader marks every Nth submission only; 0: none; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--growth", type=int, nargs="+", default=[], metavar="N", help="also classes of these sizes"
    )
    return parser.parse_args()


class Bench:
    """The class in folders of its own, and processes of their own to measure in."""

    def __init__(self, folder: Path, chapter: Chapter, seed: int) -> None:
        self.folder, self.chapter, self.seed = folder, chapter, seed
        self.shows = Console().is_terminal
        self.numbers = itertools.count()

    def course(self, count: int, every: int = 1) -> Path:
        """A new course folder, with every Nth submission of the class."""
        root = self.folder / f"course-{next(self.numbers)}"
        make_course(root, self.chapter, count, self.seed)
        for number, student in enumerate(sorted((root / "submitted").iterdir())):
            if number % every:
                shutil.rmtree(student)
        return root

    def measure(self, function: Callable, *args: Any) -> Any:
        """Call a function in a fresh process."""
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
            return executor.submit(function, *args).result()

    def grade(self, count: int, workers: int, copies: bool = True) -> Run:
        """The course's own way, for a class of a size."""
        return self.measure(course_grade, self.course(count), self.chapter, workers, copies, self.shows)


def compare(bench: Bench, asked: argparse.Namespace) -> tuple[dict[str, Run], list[str]]:
    """Grade one class in all ways, and say of each how long it took; the runs, and where their marks differ."""
    runs: dict[str, Run] = {}
    differences = []

    def note(name: str, run: Run) -> None:
        runs[name] = run
        print_speed(name, run, next(iter(runs.values())), asked.students)

    ours = bench.grade(asked.students, asked.workers)
    note(f"course grade, {asked.workers} workers", ours)
    if asked.stock_sample:
        root = bench.course(asked.students, asked.stock_sample)
        stock = bench.measure(stock_autograde, root, bench.chapter, bench.shows)
        note(f"stock nbgrader autograde, measured on {stock.count}", stock)
        again = bench.grade(asked.students, asked.workers)  # a machine's speed changes from minute to minute
        note("course grade, once more", again)
        print_ratio(stock, [ours, again], asked.students)
        differences += differing(ours, stock)
    everything = bench.grade(asked.students, asked.workers, copies=False)
    note("course grade, no picture copied", everything)
    note(
        "the limit: the code alone, in one process",
        bench.measure(bare, bench.course(asked.students), bench.chapter, bench.shows),
    )
    return runs, differences + differing(ours, everything)


def main() -> int:
    """Measure and report."""
    asked = arguments()
    print(f"{asked.chapter}, {asked.students} submissions, seed {asked.seed}; {machine()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="course-benchmark-") as folder:
        bench = Bench(Path(folder), Chapter(asked.chapter), asked.seed)
        runs, differences = compare(bench, asked)
        print_breakdown(next(iter(runs.values())), asked.workers)
        calls = bench.measure(one_call)
        print_rows("Across the two processes", [(what, f"{1000 * s:.3f} ms") for what, s in calls.items()])
        for number, count in enumerate(asked.growth):
            print_growth(count, bench.grade(count, asked.workers), number == 0)
    for error in [e for run in runs.values() for e in run.errors]:
        print(f"not graded: {error}", file=sys.stderr)
    for difference in differences:
        print(f"other marks: {difference}", file=sys.stderr)
    marked = sum(len(run.marks) for name, run in runs.items() if name.startswith("stock"))
    if marked and not differences:
        print(f"\nStock nbgrader gives the same marks: {marked} submissions, cell by cell.")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
