"""What is done to an autograded notebook to make the feedback page."""

from __future__ import annotations

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, GetGrades, NbGraderPreprocessor


class HideTestFrames(NbGraderPreprocessor):
    """Keep the last line of an error in a test cell: the frames above it show the hidden tests."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, _: int) -> tuple[NotebookNode, dict]:
        if utils.is_grade(cell) and cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "error" and output.ename != "CheckFailedError":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


FEEDBACK_STEPS = [
    GetGrades,
    HideTestFrames,
    ClearHiddenTests,
    ClearMarkScheme,
    CSSHTMLHeaderPreprocessor,
]
