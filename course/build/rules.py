"""What every chapter keeps to. A chapter that breaks a rule is refused with file, cell and reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from course.names import names_of
from course.paths import Chapter

POINTS_PER_CHAPTER = 100
GRADE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")  # also a legal cell id
DIFFICULTY = re.compile(r"(?=[●○]{4}(?![●○]))●+○*")
MINUTES = re.compile(r"\b\d+ min\b")
HINT = re.compile(r"<details>\s*<summary>\s*Hint", re.IGNORECASE)
REGIONS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")


@dataclass(frozen=True)
class Problem:
    """A broken rule: where and why."""

    chapter: Chapter
    cell: str
    reason: str

    def __str__(self) -> str:
        return f"{self.chapter.text.name}: cell {self.cell}: {self.reason}"


def problems(chapter: Chapter, nb: NotebookNode) -> list[Problem]:
    """All rules that a chapter's notebook breaks."""
    return [Problem(chapter, cell, reason) for rule in RULES for cell, reason in rule(nb)]


def _grade_ids_are_well_formed(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    for number, cell in _numbered(nb):
        grade_id = _nbgrader(cell).get("grade_id") if "nbgrader" in cell.metadata else "-"
        if not isinstance(grade_id, str) or (not GRADE_ID.fullmatch(grade_id) and grade_id != "-"):
            yield number, f"malformed grade_id {grade_id!r}: use letters, digits, - and _, at most 64"


def _grade_ids_are_unique(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for number, cell in _numbered(nb):
        grade_id = _nbgrader(cell).get("grade_id")
        if grade_id in seen:
            yield number, f"duplicate grade_id {grade_id!r}, already used by cell {seen[grade_id]}"
        elif grade_id:
            seen[grade_id] = number


def _points_add_up(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    total = 0.0
    for number, cell in _graded(nb):
        points = cell.metadata.nbgrader.points
        if not isinstance(points, int | float) or points <= 0:
            yield number, f"points must be a positive number, not {points!r}"
            return
        total += points
    if total != POINTS_PER_CHAPTER:
        yield "(all)", f"the points add up to {total:g}, not {POINTS_PER_CHAPTER}"


def _tests_end_in_a_statement(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    """nbgrader takes a number shown by a test cell for partial credit."""
    for number, cell in _graded(nb):
        if cell.cell_type != "code" or cell.metadata.nbgrader.solution:
            continue
        try:
            body = ast.parse(cell.source).body
        except SyntaxError as error:
            yield number, f"is not Python: {error.msg} in line {error.lineno}"
            continue
        if body and isinstance(body[-1], ast.Expr) and not isinstance(body[-1].value, ast.Call):
            yield (
                number,
                "a test cell must end in a statement or a check; a value shown there is taken for marks",
            )


def _regions_are_closed(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    for number, cell in _numbered(nb):
        for region in REGIONS:
            marks = re.findall(rf"(BEGIN|END) {region}", cell.source)
            if marks != ["BEGIN", "END"] * (len(marks) // 2):
                yield number, f"BEGIN and END {region} don't pair up"


def _markers_stand_where_they_work(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    for number, cell in _numbered(nb):
        fields = _nbgrader(cell)
        if "BEGIN HIDDEN TESTS" in cell.source and not fields.get("grade"):
            yield number, "hidden tests in a cell without points would be left in the release"
        if "BEGIN SOLUTION" in cell.source and not fields.get("solution"):
            yield number, 'a solution in a cell that is not marked "solution": true'
        if "BEGIN MARK SCHEME" in cell.source and not fields.get("locked"):
            yield number, 'a mark scheme belongs in a question cell with "locked": true'


def _exercises_are_presented(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    """Each exercise says how hard it is and how long it takes, and has a folded hint."""
    prose = ""
    for _, cell in _numbered(nb):
        if cell.cell_type == "markdown":
            prose += cell.source + "\n"
        elif _nbgrader(cell).get("solution"):
            name = cell.metadata.nbgrader.grade_id
            if not DIFFICULTY.search(prose):
                yield name, "no difficulty (such as ●●○○) in the text above"
            if not MINUTES.search(prose):
                yield name, "no minutes (such as 10 min) in the text above"
            if not HINT.search(prose):
                yield name, "no hint (<details><summary>Hint 1</summary>) in the text above"
            prose = ""


def _exercises_have_tests(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    graded = [cell.metadata.nbgrader.grade_id for _, cell in _graded(nb)]
    for _, cell in _numbered(nb):
        fields = _nbgrader(cell)
        if cell.cell_type != "code" or not fields.get("solution"):
            continue
        name = fields["grade_id"]
        if f"{name}-examples" not in graded:
            yield name, f"no visible examples: a cell {name}-examples with points"
        if not any(g == f"{name}-hidden" or g.startswith(f"{name}-hidden-") for g in graded):
            yield name, f"no hidden tests: a cell {name}-hidden with points"


def _written_questions_have_schemes(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    schemes = "\n".join(c.source for c in nb.cells if "BEGIN MARK SCHEME" in c.source)
    for number, cell in _graded(nb):
        if cell.cell_type == "markdown" and not schemes:
            yield number, "a written question needs a mark scheme in the question cell above it"


def _cells_are_within_regions(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    """A code answer keeps its signature and docstring in the release, so it has a solution region."""
    for number, cell in _numbered(nb):
        fields = _nbgrader(cell)
        if cell.cell_type == "code" and fields.get("solution") and "### BEGIN SOLUTION" not in cell.source:
            yield number, "no ### BEGIN SOLUTION region: the whole cell would be cleared, its docstring too"
        hidden = "-hidden" in (fields.get("grade_id") or "")
        if hidden and "### BEGIN HIDDEN TESTS" not in cell.source:
            yield number, "no ### BEGIN HIDDEN TESTS region: the hidden tests would be released"


def _names_are_at_hand_when_graded(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    """Tests are graded in a process that has the locked cells, the answers and earlier tests, and nothing else.

    The student's process has everything but what only tests define. Locked cells run in both.
    """
    homes: dict[str, dict[str, str]] = {}  # by name: the last cell of each role to bind it, latest last
    for number, cell in _numbered(nb):
        if cell.cell_type != "code":
            continue
        role, names = _role(cell), names_of(cell.source)
        for name in sorted(names.free & homes.keys()):
            if reason := _out_of_reach(name, role, homes[name]):
                yield number, reason
        for name in names.bound:
            home = homes.setdefault(name, {})
            home.pop(role, None)
            home[role] = number


def _out_of_reach(name: str, reader: str, homes: dict[str, str]) -> str | None:
    last, number = list(homes.items())[-1]
    if reader == "test" and last == "plain":
        return (
            f"this test reads {name!r} of cell {number}, which is not there when tests are graded: "
            "define it in a locked cell, or in a test"
        )
    if reader == "locked" and last != "locked":
        return (
            f"this locked cell reads {name!r} of cell {number}, but runs before it when tests are graded: "
            "define it in a locked cell"
        )
    if reader != "test" and list(homes) == ["test"]:
        return (
            f"reads {name!r}, which only a test ({number}) defines, and tests are graded in another process: "
            "define it here, or in a locked cell"
        )
    return None


def _given_names_mean_one_thing(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    """All locked cells run before the first test is graded, so a name of theirs must not change on the way."""
    homes: dict[str, tuple[str, str]] = {}
    for number, cell in _numbered(nb):
        if cell.cell_type != "code" or (role := _role(cell)) == "plain":
            continue
        for name in sorted(names_of(cell.source).bound):
            first, where = homes.setdefault(name, (role, number))
            if where != number and "locked" in (first, role):
                yield (
                    number,
                    f"defines {name!r} anew, which {where} defines. Locked cells run before all others when tests are "
                    "graded, so one of the two needs another name",
                )


Rule = Callable[[NotebookNode], Iterator[tuple[str, str]]]
RULES: list[Rule] = [
    _grade_ids_are_well_formed,
    _grade_ids_are_unique,
    _points_add_up,
    _tests_end_in_a_statement,
    _regions_are_closed,
    _markers_stand_where_they_work,
    _cells_are_within_regions,
    _exercises_are_presented,
    _exercises_have_tests,
    _written_questions_have_schemes,
    _names_are_at_hand_when_graded,
    _given_names_mean_one_thing,
]


def _nbgrader(cell: NotebookNode) -> dict:
    return cell.metadata.get("nbgrader") or {}


def _role(cell: NotebookNode) -> str:
    """What a code cell is to the grader: an answer, a test, locked or plain."""
    fields = _nbgrader(cell)
    roles = {"solution": "answer", "grade": "test", "locked": "locked"}
    return next((role for field, role in roles.items() if fields.get(field)), "plain")


def _numbered(nb: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    for number, cell in enumerate(nb.cells, start=1):
        yield str(_nbgrader(cell).get("grade_id") or number), cell


def _graded(nb: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    return ((number, cell) for number, cell in _numbered(nb) if _nbgrader(cell).get("grade"))
