"""The command `course`: build the notebooks, make an example class, grade it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from course.paths import ROOT, Chapter, UnknownChapterError, chapters

app = typer.Typer(
    help="Sliding Windows: a course on convolutional networks, with an auto-grader.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console()
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
        if not check and pipeline.edited_by_hand(chapter.made("source")):
            raise pipeline.BuildError(
                f"{_shown(chapter.made('source'))} was edited by hand. Run `course pull {chapter.id}` to bring its "
                "changes to the text, or delete it, and build again."
            )
        built = pipeline.build(chapter)
        stale = built.stale()
        if check and stale:
            raise pipeline.BuildError("not what the text gives: " + ", ".join(map(_shown, stale)))
        if not check:
            built.write()
        return f"{len(stale)} of {len(built.files)} notebooks changed" if stale else "up to date"

    _each(names, work, pipeline.BuildError)


@app.command(epilog="Example: course pull ch01_conv1d")
def pull(names: Chapters = None) -> None:
    """Bring changes that someone made to source/ notebooks in JupyterLab back to the chapters' texts."""
    from course.build.pipeline import BuildError
    from course.build.pull import pull as pull_chapter

    _each(
        names,
        lambda chapter: _shown(chapter.text) if pull_chapter(chapter) else "nothing to pull",
        BuildError,
    )


def _each(names: list[str] | None, work, expected: type[Exception]) -> None:
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


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
