"""What is done to a source notebook to make its solution, on top of nbgrader's own steps; in this order."""

from __future__ import annotations

from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    Execute,
    LockCells,
    NbGraderPreprocessor,
)

from course.build.text import without_markers

TIMING_TAG = "timing"  # a cell that shows how long something takes on this machine


class SolutionError(RuntimeError):
    """A cell of a solution notebook went wrong."""


class StopOnError(NbGraderPreprocessor):
    """Refuse a solution that raised, wrote to stderr or printed a memory address; stock nbgrader would keep it."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, _: int) -> tuple[NotebookNode, dict]:
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise SolutionError(f"cell {name}: {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                raise SolutionError(f"cell {name}: wrote to stderr: {output.text.strip()[:300]}")
            if " at 0x" in output.get("text", "") + output.get("data", {}).get("text/plain", ""):
                raise SolutionError(f"cell {name}: prints a memory address, which differs from run to run")
        return cell, resources


class ForgetTimings(NbGraderPreprocessor):
    """Empty the outputs of cells that measure time: they differ from run to run, and from machine to machine."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, _: int) -> tuple[NotebookNode, dict]:
        if TIMING_TAG in cell.metadata.get("tags", []):
            cell.outputs = []
        return cell, resources


class StripMarkers(NbGraderPreprocessor):
    """Take out the BEGIN/END SOLUTION lines; the solution between them stays."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, _: int) -> tuple[NotebookNode, dict]:
        cell.source = without_markers(cell.source)
        return cell, resources


class PlainMetadata(NbGraderPreprocessor):
    """Keep the metadata that the source has; the kernel's version and the like are the machine's."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        nb.metadata.language_info = NotebookNode(name="python")
        return nb, resources


SOLUTION_STEPS = [
    LockCells,
    ClearOutput,
    Execute,
    StopOnError,
    CoalesceStreamsPreprocessor,
    ForgetTimings,
    ClearHiddenTests,
    ClearMarkScheme,
    StripMarkers,
    PlainMetadata,
]
