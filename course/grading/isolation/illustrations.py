"""Cells of the course's own that only show something: where their outcome is known, it is copied, not run again.

Such a cell is unmarked, unchanged, and no answer needs what it binds. It shows what the student's answers give; where
all answers that it depends on are right, that is what the solution shows. The rest runs, with all that it depends on.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from nbformat import NotebookNode, from_dict

from course.grading.record import Record
from course.grading.work import Lesson
from course.names import Names, names_of, statements_of

_DRAWN_IN_ORDER = re.compile(
    r"\b(rng|random|next|iter|open|read)\b"
)  # from a stream: what is left out, shifts the rest
NOT_TIMED = "(not timed again: what a busy grading machine measures says little about your code)\n"


@dataclass(frozen=True)
class Part:
    """Statements that bind or change names, and what they read."""

    source: str
    bound: frozenset[str]
    free: frozenset[str]


@dataclass(frozen=True)
class Shown:
    """A cell of the course's own, as in the solution notebook."""

    outputs: list[dict]
    names: Names
    bound: frozenset[str]  # what of it is bound or changed, modules aside
    parts: list[Part]  # of it, what may be asked for when it has been left out
    timed: bool  # it only measures time, so nobody need run it


@dataclass
class Illustrations:
    """The illustrations of one submitted notebook, by place, and what of them has been left out so far."""

    nb: NotebookNode
    cells: dict[int, Shown]
    left_out: list[Part] = field(default_factory=list)

    @classmethod
    def of(cls, nb: NotebookNode, lesson: Lesson) -> Illustrations:
        """Those of a restored notebook that needn't always run."""
        known = _known(lesson)
        found = {
            place: known[cell.source]
            for place, cell in enumerate(nb.cells)
            if cell.cell_type == "code" and "nbgrader" not in cell.metadata and cell.source in known
        }
        return cls(nb, {p: found[p] for p in found if not _is_needed(p, nb, found, lesson.record)})

    def copied(self, place: int, changed: set[str], right: set[str], answers: frozenset) -> list | None:
        """The outputs of the cell at a place, where they are known; then it is left out.

        changed: names that the student's own code has bound. right: answers that have passed all their tests so far.
        """
        shown = self.cells.get(place)
        if shown is None:
            return None
        free = self._all_free(place)
        if not shown.timed and (free & changed or not (free & answers) <= right):
            return None
        self.left_out += shown.parts
        return from_dict(shown.outputs)

    def owed(self, place: int) -> list[str]:
        """Of the cells left out so far, what the cell at a place depends on; from now on that counts as run."""
        needed, wanted = [], set(self._names(place).free)
        for part in reversed(self.left_out):
            if part.bound & wanted:
                needed.insert(0, part)
                wanted |= part.free
        self.left_out = [part for part in self.left_out if part not in needed]
        return [part.source for part in needed]

    def _all_free(self, place: int) -> frozenset[str]:
        """What a cell depends on, by way of earlier illustrations too."""
        return frozenset().union(
            self.cells[place].names.free, *(self.cells[p].names.free for p in self._before(place))
        )

    def _before(self, place: int) -> set[int]:
        """The illustrations that bind what a cell reads, and what those read."""
        before: set[int] = set()
        queue = [place]
        while queue:
            at = queue.pop()
            for p, shown in self.cells.items():
                if p < at and p not in before and shown.bound & self._names(at).free:
                    before.add(p)
                    queue.append(p)
        return before

    def _names(self, place: int) -> Names:
        return self.cells[place].names if place in self.cells else names_of(self.nb.cells[place].source)


def _is_needed(place: int, nb: NotebookNode, found: dict[int, Shown], record: Record) -> bool:
    """Must it always run? Because somebody else's cell reads what it binds, or because it can't be put off.

    Put off means: run later, when a wrong answer makes a cell run that depends on it. Then it must not undo what
    another cell has bound in between, for somebody to read.
    """
    names, bound = found[place].names, found[place].bound
    later = [(p, names_of(c.source)) for p, c in enumerate(nb.cells) if p > place and _is_theirs(c, record)]
    if names.opaque or any(n.free & bound for p, n in later if p not in found):
        return True
    if not any(n.free & bound for _, n in later):
        return False
    undone = [(p, n.bound & bound) for p, n in later if n.bound & bound]
    return any(n.free & both for between, both in undone for p, n in later if p > between)


def _imported(record: Record) -> frozenset[str]:
    """The modules that the course's setup imports: calling `plt.show()` changes nothing that a cell could read."""
    return frozenset().union(*(names_of(c.source).imported for c in record.cells.values() if c.is_given))


def _is_theirs(cell: NotebookNode, record: Record) -> bool:
    """Does it run in the student's process?"""
    role = record.cells.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
    return cell.cell_type == "code" and not (role is not None and role.is_test)


_cache: dict[str, dict[str, Shown]] = {}


def _known(lesson: Lesson) -> dict[str, Shown]:
    """The unmarked code cells of a chapter by source, with their outputs; none without a solution notebook."""
    if lesson.digest not in _cache:
        _cache[lesson.digest] = {}
        if lesson.solved and lesson.source:
            modules = _imported(lesson.record)
            solved = {_key(c): c for c in json.loads(lesson.solved)["cells"] if c["cell_type"] == "code"}
            for cell in json.loads(lesson.source)["cells"]:
                if (
                    cell["cell_type"] == "code"
                    and "nbgrader" not in cell["metadata"]
                    and _key(cell) in solved
                ):
                    _cache[lesson.digest][_source(cell)] = _shown(solved[_key(cell)], cell, modules)
    return _cache[lesson.digest]


def _shown(solved: dict, cell: dict, modules: frozenset[str]) -> Shown:
    timed = "timing" in cell["metadata"].get("tags", [])
    outputs = [_joined(output) for output in solved["outputs"]]
    if timed:
        outputs = [{"output_type": "stream", "name": "stdout", "text": NOT_TIMED}]
    names = names_of(_source(cell))
    return Shown(
        outputs, names, names.bound | (names.called - modules), _parts(_source(cell), modules), timed
    )


def _parts(source: str, modules: frozenset[str]) -> list[Part]:
    """What of a cell binds or changes names: a statement each, or all as one where their order may matter."""
    parts = []
    for text in statements_of(source) or []:
        names = names_of(text)
        if bound := names.bound | (names.called - modules):
            parts.append(Part(text, bound, names.free))
    in_order = any(
        later.bound & (part.bound | part.free) for i, part in enumerate(parts) for later in parts[i + 1 :]
    )
    if len(parts) < 2 or not (in_order or _DRAWN_IN_ORDER.search(source)):
        return parts
    bound, free = (frozenset().union(*sets) for sets in zip(*((p.bound, p.free) for p in parts), strict=True))
    return [Part("\n".join(part.source for part in parts), bound, free)]


def _joined(output: dict) -> dict:
    """An output as it is in memory: in a file, long texts are lists of lines."""
    joined = dict(output)
    if "text" in output:
        joined["text"] = "".join(output["text"])
    if "data" in output:
        joined["data"] = {
            kind: "".join(value) if isinstance(value, list) and kind != "application/json" else value
            for kind, value in output["data"].items()
        }
    return joined


def _key(cell: dict) -> tuple[str, str]:
    return cell.get("id", ""), _source(cell)


def _source(cell: dict) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
