"""The examiner: walks through a notebook; the course's tests run here, the student's cells in a student's process.

`examine` is the whole of it for one notebook, and runs in a process of its own, forked from a warm server (worker.py).
What a cell is comes from the record of the instructor's notebook, never from the submission.
"""

from __future__ import annotations

import itertools
import json
import re

from nbformat import NotebookNode

from course.grading.isolation.illustrations import Illustrations
from course.grading.isolation.limits import Limits
from course.grading.isolation.outputs import Collector
from course.grading.isolation.session import Nursery, Session
from course.grading.isolation.shell import NO_INPUT, CapturingShell
from course.grading.record import Record, RecordedCell
from course.grading.restore import error_text
from course.grading.work import Lesson
from course.kit.exercise import StoppedError, load
from course.names import names_of, statements_of

STOPPED = "StoppedError"
MOST_MISHAPS = 5
_OF_THE_PLACE = {  # errors that a cell may not have had where it was written
    STOPPED, "OSError", "FileNotFoundError", "PermissionError", "ConnectionError", "URLError", "gaierror",
    "ImportError", "ModuleNotFoundError", "MemoryError", "_NotHereError",
}  # fmt: skip
_SAID_BY_US = re.compile(r"(`[^\n]{1,150}` did nothing: commands don't run.*)|\[(cut off: .*)\]")
MISTAKES = "course_mistakes"  # in the notebook's metadata: what `named_mistakes` found


def examine(
    nb: NotebookNode,
    lesson: Lesson,
    shell: CapturingShell,
    nursery: Nursery,
    limits: Limits,
    files: dict[str, bytes],
) -> None:
    """Run a restored notebook and write its outputs into it.

    The shell has run the lesson's given cells already. files: what lies beside the notebook. Raises StartError where
    the grader can't start a process for the student's code.
    """
    examiner = _Examiner(nb, lesson, shell, Session(nursery, limits, files), Collector())
    shell.start(examiner.collector, limits.output_bytes)
    counts = itertools.count(1)
    try:
        for place, cell in enumerate(nb.cells):
            if cell.cell_type == "code" and cell.source.strip():
                cell.execution_count = next(counts)
                examiner.collector.begin(cell.execution_count)
                examiner.run(place, cell)
                cell.outputs = examiner.collector.finished()
                if examiner.session.failure is not None:
                    raise examiner.session.failure
    finally:
        examiner.session.close()
    nb.metadata[MISTAKES] = named_mistakes(nb, lesson)


class _Examiner:
    """What is known while walking through one notebook."""

    def __init__(
        self,
        nb: NotebookNode,
        lesson: Lesson,
        shell: CapturingShell,
        session: Session,
        collector: Collector,
    ) -> None:
        self.record, self.shell, self.session, self.collector = lesson.record, shell, session, collector
        self.illustrations = Illustrations.of(nb, lesson)
        self.answers = answered_names(lesson.record)
        self.given = imports(lesson.record)
        self.changed: set[str] = set()  # names that the student's own code has bound
        self.tested: set[str] = set()  # answers that have been tested
        self.wrong: set[str] = set()  # and failed

    def run(self, place: int, cell: NotebookNode) -> None:
        """Run a cell, wherever it belongs."""
        role = self.record.cells.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if role is not None and role.is_test:
            self._run_test(cell)
        elif (
            copied := self.illustrations.copied(place, self.changed, self.tested - self.wrong, self.answers)
        ) is not None:
            self.collector.outputs = copied
            cell.metadata["course_copied"] = True
        else:
            self._run_theirs(place, cell, role)

    def _run_theirs(self, place: int, cell: NotebookNode, role: RecordedCell | None) -> None:
        if role is None and place not in self.illustrations.cells:
            self._note_changes(cell.source, frozenset())
        elif role is not None and role.solution:
            self._note_changes(cell.source, names_of(role.source).bound)
        try:
            self.session.catch_up(self.illustrations.owed(place))
            self.session.run(cell.source, cell.execution_count, self.collector)
        except StoppedError as error:
            self.collector.error(STOPPED, str(error))

    def _note_changes(self, source: str, meant: frozenset[str]) -> None:
        """An import that the course makes as well changes nothing."""
        statements = statements_of(source)
        if statements is not None:
            source = "\n".join(s for s in statements if s not in self.given)
        names = names_of(source)
        self.changed |= (names.bound | names.called | (names.free if names.opaque else set())) - meant

    def _run_test(self, cell: NotebookNode) -> None:
        wanted = self.answers & names_of(cell.source).free
        killed = self.session.killed
        passed = self._passes(cell, wanted)
        if not passed and self.session.killed > killed:  # by somebody else, perhaps: that must cost nothing
            self.collector.begin(cell.execution_count)
            passed = self._passes(cell, wanted)
        self.tested |= wanted
        if not passed:
            self.wrong |= wanted

    def _passes(self, cell: NotebookNode, wanted: frozenset[str]) -> bool:
        self.session.begin_test()
        for name in wanted:
            self.shell.user_ns.pop(name, None)
        try:
            self.shell.user_ns.update(self.session.look(sorted(wanted)))
            return self.shell.run(cell.source, cell.execution_count)
        except StoppedError as error:
            self.collector.error(STOPPED, str(error))
            return False


def named_mistakes(nb: NotebookNode, lesson: Lesson) -> list[tuple[str, str, str]]:
    """The known mistakes that the tests named: exercise, mistake, and why it is made."""
    said = [
        output.evalue
        for cell in nb.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error" and _is_test(cell, lesson.record)
    ]
    known = (
        [(name, m) for name, e in load(lesson.chapter).items() for m in e.mistakes.values()] if said else []
    )
    return [(n, m.name, m.explanation) for n, m in known if any(_names(text, n, m.hint) for text in said)]


def mishaps(nb: NotebookNode, lesson: Lesson) -> list[str]:
    """What happened in cells that were added because they ran here, and not on the student's computer."""
    said, above = [], "the start"
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            above = f"`{cell.metadata.nbgrader.grade_id}`"
        elif cell.cell_type == "code" and (what := _mishap(cell)) and cell.source not in _plain_cells(lesson):
            said.append(f"a cell that was added, below {above}: {what}")
    return said[:MOST_MISHAPS]


def _mishap(cell: NotebookNode) -> str | None:
    for output in cell.outputs:
        if output.output_type == "error" and (output.ename in _OF_THE_PLACE or output.evalue == NO_INPUT):
            text = " ".join(output.evalue.split())[:200]
            return text if output.ename == STOPPED or text == NO_INPUT else error_text(output.ename, text)
        if output.output_type == "stream" and (found := _SAID_BY_US.search(output.text)):
            return found[1] or f"its output was {found[2]}"
    return None


def _plain_cells(lesson: Lesson) -> set[str]:
    """The course's own cells without marks: where an answer is wrong, they may fail."""
    cells = json.loads(lesson.source)["cells"] if lesson.source else []
    return {"".join(c["source"]) for c in cells if c["cell_type"] == "code"}


def _names(message: str, exercise: str, hint: str) -> bool:
    return message.startswith((f"✗ {exercise}\n", f"✗ {exercise},")) and hint in message


def _is_test(cell: NotebookNode, record: Record) -> bool:
    role = record.cells.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
    return role is not None and role.is_test


def imports(record: Record) -> frozenset[str]:
    """The import statements of the cells that the course gives."""
    statements = [s for c in record.cells.values() if c.is_given for s in statements_of(c.source) or []]
    return frozenset(s for s in statements if s.startswith(("import ", "from ")))


def answered_names(record: Record) -> frozenset[str]:
    """The names that the instructor's answer cells define: these a test takes from the student, and no others."""
    cells = [c for c in record.cells.values() if c.solution and c.kind == "code"]
    return frozenset().union(*(names_of(c.source).bound for c in cells))
