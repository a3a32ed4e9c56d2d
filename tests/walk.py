"""Run a chapter's cells in one namespace, as a kernel would, without one."""

from __future__ import annotations

import contextlib
import io
import linecache

import matplotlib.pyplot as plt
from nbformat import NotebookNode

from course.build import text
from course.paths import Chapter


def read(chapter: Chapter) -> NotebookNode:
    return text.read(chapter.text.read_text("utf-8"))


def grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    return [c for c in nb.cells if c.cell_type == "code" and "timing" not in c.metadata.get("tags", [])]


class Notebook:
    """A chapter whose cells can be run one by one."""

    def __init__(self, chapter: Chapter) -> None:
        self.nb = read(chapter)
        self.space: dict = {"__name__": "__main__"}

    def run(self, source: str, name: str = "cell") -> str:
        """Run one cell's code; returns what it printed."""
        filename = f"<{name}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(source, filename, "exec"), self.space)
        plt.close("all")
        return out.getvalue()

    def run_all(self) -> dict[str, dict]:
        """Run all cells in order; returns the namespace as it was behind each answer cell."""
        after = {}
        for cell in code_cells(self.nb):
            self.run(cell.source, grade_id(cell) or "prose")
            after[grade_id(cell)] = dict(self.space)
        return after

    def tests(self, name: str) -> dict[str, str]:
        """The graded cells of an exercise: its examples and its hidden tests."""
        cells = code_cells(self.nb)
        wanted = (f"{name}-examples", f"{name}-hidden")
        return {
            grade_id(c): c.source
            for c in cells
            if grade_id(c) in wanted or grade_id(c).startswith(f"{name}-hidden-")
        }
