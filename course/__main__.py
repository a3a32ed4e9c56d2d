"""The command `course`: build the notebooks, make an example class, grade it, check one notebook."""

from __future__ import annotations

import enum
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from course.paths import Chapter, UnknownChapterError, chapters

if TYPE_CHECKING:
    from course.grading import grade as grading
    from course.grading.cluster import ClusterPool
    from course.grading.isolation.limits import Limits
    from course.grading.pool import LocalPool, Pool

# jsonschema looks for this package to check a format that notebooks don't have; building its grammar takes a second.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

app = typer.Typer(
    help="Sliding Windows: a course on convolutional networks, with an auto-grader.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console()
PROGRESS_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)
Chapters = Annotated[
    list[str] | None, typer.Argument(metavar="[CHAPTER]...", help="such as ch01_conv1d; all by default")
]


@app.command(epilog="Example: course build ch01_conv1d")
def build(
    names: Chapters = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit 1 where a notebook is not what the text gives."),
    ] = False,
) -> None:
    """Make source/, release/ and solutions/ from the chapters' texts."""
    from course.build.pipeline import BuildError

    wanted = _chapters(names)
    stop_at_once = (signal.SIGINT, signal.SIG_DFL)  # nothing is half-written: files are renamed into place
    with ProcessPoolExecutor(
        min(_cores(), len(wanted)), initializer=signal.signal, initargs=stop_at_once
    ) as processes:
        builds = {c.id: processes.submit(_checked if check else _built, c) for c in wanted}
        _each(names, lambda chapter: builds[chapter.id].result(), BuildError)


def _built(chapter: Chapter) -> str:
    from course.build import pipeline

    changed = pipeline.update(chapter)
    return f"{len(changed)} of 3 notebooks changed" if changed else "up to date"


def _checked(chapter: Chapter) -> str:
    from course.build import pipeline

    if stale := pipeline.build(chapter).stale():
        raise pipeline.BuildError("not what the text gives: " + ", ".join(map(pipeline.shown, stale)))
    return "up to date"


@app.command(epilog="Example: course pull ch01_conv1d")
def pull(names: Chapters = None) -> None:
    """Bring changes that someone made to source/ notebooks in JupyterLab back to the chapters' texts."""
    from course.build.pipeline import BuildError, shown
    from course.build.pull import pull as pull_chapter

    _each(
        names,
        lambda chapter: shown(chapter.text) if pull_chapter(chapter) else "nothing to pull",
        BuildError,
    )


@app.command(epilog="Example: course tidy ch01_conv1d")
def tidy(names: Chapters = None) -> None:
    """Put the chapters' texts in the form that `course pull` writes, so that its changes stay small."""
    from course.build.text import TextError
    from course.build.text import tidy as tidy_text

    _each(names, lambda chapter: "changed" if tidy_text(chapter.text) else "tidy", TextError)


@app.command(epilog="Example: course handout --to handout.zip")
def handout(
    names: Chapters = None,
    to: Annotated[Path, typer.Option(help="where to write it")] = Path("handout.zip"),
) -> None:
    """Zip what students need: the release notebooks and what they import, without solutions and tests."""
    from course.build.handout import write_handout
    from course.build.pipeline import BuildError

    try:
        print(f"{to}: {write_handout(to, _chapters(names))} files")
    except BuildError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


@app.command("example-class", epilog="Example: course example-class --students 10 --seed 1 ch01_conv1d")
def example_class(
    names: Chapters = None,
    count: Annotated[int, typer.Option("--students", min=1, help="how many")] = 10,
    seed: Annotated[int, typer.Option(help="another seed, another class")] = 1,
) -> None:
    """Fill submitted/ with the notebooks of a believable class. Its marks come from `course grade`."""
    from course.build.pipeline import BuildError
    from course.grading.example_class import hand_in, students

    def work(chapter: Chapter) -> str:
        for student in students(count, seed):
            hand_in(chapter, student, seed)
        return f"{count} submissions in submitted/"

    _each(names, work, BuildError)


class Isolation(enum.StrEnum):
    """How well student code is shut in, the best first."""

    full = "full"
    landlock = "landlock"
    process = "process"


LeastIsolation = Annotated[
    Isolation,
    typer.Option(
        help="The least that is accepted. full: namespaces, Landlock and seccomp; landlock: without namespaces; "
        "process: only a process of its own, for code you trust."
    ),
]


@app.command(epilog="Example: course grade ch01_conv1d ch02_conv2d --workers 4")
def grade(
    names: Chapters = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="how many submissions at once; as many as there are cores")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Grade what is up to date again. Marks given by hand stay.")
    ] = False,
    isolation: LeastIsolation = Isolation.landlock,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run on the workers of a Dask cluster, such as tcp://host:8786, instead of this machine's.",
        ),
    ] = None,
) -> None:
    """Grade submitted/: gradebook, autograded/, feedback/ and a table of marks. Exit 1 where a submission failed.

    What has not changed since it was graded is skipped, so a run that was stopped goes on where it was.
    """
    from course.grading.work import submissions

    if cluster and workers:
        print("--workers is for this machine; a cluster works with all the workers it has", file=sys.stderr)
        raise typer.Exit(2)
    wanted = [c for c in _chapters(names) if submissions(c)]
    if not wanted:
        print(
            "submitted/ holds nothing for these chapters; it wants submitted/<student>/<chapter>/<notebook>.ipynb"
        )
        raise typer.Exit(1)
    results: list[grading.Result] = []
    try:
        _run(wanted, workers or _cores(), cluster, force, isolation, results)
    except KeyboardInterrupt:
        print(f"stopped; {len(results)} are done. The same command goes on from here.", file=sys.stderr)
        raise typer.Exit(130) from None
    _report(results)


def _run(
    wanted: list[Chapter],
    workers: int,
    cluster: str | None,
    force: bool,
    isolation: str,
    results: list[grading.Result],
) -> None:
    """Grade, say how each submission went, and collect the results; what makes it impossible is said, with exit 1."""
    from course.grading.isolation.sandbox import loading

    limits: Future[Limits] = Future()
    with _pool(workers, cluster, isolation, limits) as pool:  # it gets ready while the rest is imported here
        with loading():
            from course.grading import grade as grading
            from course.grading.gradebook import GradebookError
            from course.grading.isolation.worker import WorkerError
            from course.grading.pool import PoolError

        limits.set_result(_limits())
        try:
            lessons = [grading.register(chapter) for chapter in wanted]
            _follow(grading.grade(lessons, pool, force=force, at_least=isolation), wanted, pool, results)
        except (grading.GradingError, GradebookError, PoolError, WorkerError) as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from None


def _pool(
    workers: int, cluster: str | None, isolation: str, limits: Future[Limits]
) -> LocalPool | ClusterPool:
    """Who runs the submissions: processes of this machine, or a cluster."""
    from course.grading.pool import LocalPool, PoolError

    if cluster is None:
        from course.grading.isolation.worker import Worker

        def start() -> Worker:
            worker = Worker(require=isolation)
            worker.limits = limits.result()
            return worker

        return LocalPool(workers, start)

    from course.grading.cluster import ClusterPool
    from course.grading.report import say

    try:
        return ClusterPool(cluster, isolation, limits, lambda text: say(console, text))
    except PoolError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


def _limits() -> Limits:
    """The limits for students' code that nbgrader_config.py sets."""
    from course.converters import settings
    from course.grading.isolation.limits import Limits

    return Limits(**settings().ExecuteIsolated.get("limits", {}))


def _follow(
    graded: Iterator[grading.Result], wanted: list[Chapter], pool: Pool, results: list[grading.Result]
) -> None:
    """Say how each submission went, as it gets finished."""
    from course.grading.report import progress_line, say
    from course.grading.work import submissions

    with Progress(
        *PROGRESS_COLUMNS, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task("grading", total=sum(len(submissions(c)) for c in wanted))
        said = False
        for result in graded:
            if not result.skipped and not said:
                say(console, f"isolation: {pool.level}")
                said = True
            results.append(result)
            say(console, progress_line(result))
            progress.update(bar, advance=1)


def _report(results: list[grading.Result]) -> None:
    from course.grading import report

    report.print_marks(console, results)
    report.print_mistakes(console, results)
    failed = report.print_remarks(console, results)
    print("Feedback pages: feedback/<student>/<chapter>/")
    if failed:
        print(f"{failed} of {len(results)} submissions could not be graded", file=sys.stderr)
        raise typer.Exit(1)


@app.command(epilog="Example: course check release/ch02_conv2d/conv2d.ipynb --visible")
def check(
    notebook: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="a notebook of this course")],
    visible: Annotated[
        bool, typer.Option("--visible", help="Only the tests that students see in their notebooks.")
    ] = False,
    isolation: LeastIsolation = Isolation.landlock,
) -> None:
    """Mark one notebook, without the gradebook: marks and messages by exercise. Exit 0 when all tests pass."""
    from course.grading.check import CheckError, lesson_of
    from course.grading.check import check as check_notebook
    from course.grading.isolation.worker import Worker, WorkerError
    from course.grading.report import print_checked

    try:
        lesson = lesson_of(notebook, visible)
        with console.status(f"{lesson.chapter} ..."), Worker(isolation, _limits()) as worker:
            checked = check_notebook(notebook, lesson, worker)
    except CheckError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    except WorkerError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    print_checked(console, checked)
    raise typer.Exit(not checked.passed)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _each(names: list[str] | None, work: Callable[[Chapter], str], expected: type[Exception]) -> None:
    """Do something for each chapter, say how each went, and exit 1 where one failed."""
    wanted, failed = _chapters(names), 0
    for chapter in wanted:
        try:
            with console.status(f"{chapter.id} ..."):
                said = work(chapter)
            print(f"{chapter.id}: {said}", flush=True)
        except expected as error:
            failed += 1
            print(f"{chapter.id}: FAILED\n{_indented(str(error))}", flush=True)
    if failed:
        print(f"{failed} of {len(wanted)} chapters failed", file=sys.stderr)
        raise typer.Exit(1)


def _chapters(names: list[str] | None) -> list[Chapter]:
    try:
        return chapters(names)
    except UnknownChapterError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
