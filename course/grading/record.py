"""What an instructor's notebook says of each cell: the only thing that roles, tests and points are taken from."""

from __future__ import annotations

import copy
import re
from dataclasses import asdict, dataclass
from typing import Any

from nbformat import NotebookNode

_MARK_SCHEME = re.compile(
    r"^[^\n]*BEGIN MARK SCHEME.*?END MARK SCHEME[^\n]*$", flags=re.DOTALL | re.MULTILINE
)
_HIDDEN_TESTS = re.compile(
    r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*$", flags=re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class RecordedCell:
    """A cell with nbgrader metadata. source: an answer's stub, a test with its hidden part, a question."""

    name: str
    kind: str  # "code" or "markdown"
    source: str
    locked: bool
    solution: bool
    points: float | None  # None: not graded

    @property
    def released(self) -> str:
        """The source as students got it, without hidden tests and the mark scheme of a question."""
        return (_MARK_SCHEME if self.kind == "markdown" else _HIDDEN_TESTS).sub("", self.source).strip()

    @property
    def is_test(self) -> bool:
        return self.points is not None and not self.solution

    @property
    def is_given(self) -> bool:
        """Code that the course provides and the tests may use: imports, data, helpers."""
        return self.kind == "code" and self.locked and self.points is None and not self.solution

    def metadata(self) -> dict[str, Any]:
        """nbgrader's metadata of the cell, schema 3."""
        fields = {
            "schema_version": 3,
            "grade_id": self.name,
            "grade": self.points is not None,
            "solution": self.solution,
            "locked": self.locked,
            "task": False,
        }
        return fields | ({} if self.points is None else {"points": self.points})


@dataclass(frozen=True)
class Record:
    """The recorded cells of one notebook, in order."""

    cells: dict[str, RecordedCell]

    @classmethod
    def of_gradebook(cls, notebook: Any) -> Record:
        """From nbgrader's gradebook: `gradebook.find_notebook(name, assignment)`."""
        points = {c.name: c.max_score for c in notebook.grade_cells}
        solutions = {c.name for c in notebook.solution_cells}
        return cls(
            {
                c.name: RecordedCell(
                    c.name, c.cell_type, c.source, c.locked, c.name in solutions, points.get(c.name)
                )
                for c in notebook.source_cells
            }
        )

    @classmethod
    def of_notebook(cls, nb: NotebookNode) -> Record:
        """From a source notebook, or a release notebook for what students see; answers lose their solution."""
        from nbgrader.preprocessors import ClearSolutions

        nb, _ = ClearSolutions(enforce_metadata=False).preprocess(copy.deepcopy(nb), {"language": "python"})
        cells = {}
        for cell in nb.cells:
            if m := cell.metadata.get("nbgrader"):
                cells[m.grade_id] = RecordedCell(
                    m.grade_id,
                    cell.cell_type,
                    cell.source,
                    bool(m.get("locked")) or (bool(m.get("grade")) and not m.get("solution")),
                    bool(m.get("solution")),
                    float(m.points) if m.get("grade") else None,
                )
        return cls(cells)

    @classmethod
    def of_data(cls, data: list[dict]) -> Record:
        """From what `data` gave."""
        return cls({c["name"]: RecordedCell(**c) for c in data})

    @property
    def data(self) -> list[dict]:
        """Plain data, to send to a worker."""
        return [asdict(c) for c in self.cells.values()]

    @property
    def max_score(self) -> float:
        return sum(c.points for c in self.cells.values() if c.points is not None)
