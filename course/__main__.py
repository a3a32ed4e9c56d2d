"""The command `course`: build the notebooks, make an example class, grade it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from course.paths import Chapter, UnknownChapterError, chapters

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
    from course.build import pipeline

    def work(chapter: Chapter) -> str:
        if not check:
            changed = pipeline.update(chapter)
            return f"{len(changed)} of 3 notebooks changed" if changed else "up to date"
        if stale := pipeline.build(chapter).stale():
            raise pipeline.BuildError("not what the text gives: " + ", ".join(map(pipeline.shown, stale)))
        return "up to date"

    _each(names, work, pipeline.BuildError)


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


@app.command(epilog="Example: course grade ch01_conv1d")
def grade(names: Chapters = None) -> None:
    """Grade all of submitted/: gradebook, autograded/, feedback/ and a table of marks. Exit 1 where one failed."""
    from course.grading import grade as grading
    from course.grading.report import print_marks, print_mistakes

    wanted = _chapters(names)
    waiting = {c: n for c in wanted if (n := len(grading.submissions(c)))}
    if not waiting:
        print(
            "submitted/ holds nothing for these chapters; it wants submitted/<student>/<chapter>/<notebook>.ipynb"
        )
        raise typer.Exit(1)
    results = []
    with Progress(
        *PROGRESS_COLUMNS, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task("grading", total=sum(waiting.values()))
        for chapter in waiting:
            try:
                grading.register(chapter)
            except grading.GradingError as error:
                print(error, file=sys.stderr)
                raise typer.Exit(1) from None
            for result in grading.grade(chapter):
                results.append(result)
                progress.update(bar, advance=1, description=f"{result.chapter.id} {result.student}")
    print_marks(console, results)
    print_mistakes(console, results)
    for result in results:
        for note in result.notes:
            print(f"note: {result.chapter.id} {result.student}: {note}")
    failed = [r for r in results if r.error]
    for result in failed:
        print(f"FAILED {result.chapter.id} {result.student}: {result.error}")
    if len(failed) < len(results):
        print("Feedback pages: feedback/<student>/<chapter>/")
    if failed:
        print(f"{len(failed)} of {len(results)} submissions could not be graded", file=sys.stderr)
        raise typer.Exit(1)


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
