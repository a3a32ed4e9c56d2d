"""Put back what a student's notebook lost, so that one broken cell costs no more than its own exercise.

Stock nbgrader leaves a deleted test cell waiting for a person for ever, gives a notebook without metadata a silent 0,
and stops at a copied cell. The record of the instructor's notebook says what belongs where; every repair leaves a note.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Any

from nbformat import NotebookNode

from course.grading.record import Record, RecordedCell

NOTES = "course_notes"  # in the notebook's metadata: what was repaired, for the report and the feedback page
ALIKE = 0.75  # the share of words in common from which a cell counts as a changed version of the course's own
MANY = 8  # a note names no more cells than this

REPAIRS = {  # what is said of one cell, and of several
    "by_content": (
        "lost its name and was found by its content",
        "lost their names and were found by their content",
    ),
    "missing": ("was missing and has been put back", "were missing and have been put back"),
    "unanswered": (
        "was missing and has been put back, without an answer",
        "were missing and have been put back, without an answer",
    ),
    "elsewhere": (
        "was missing; its answer stands in another cell and was run there",
        "were missing; their answers stand in other cells and were run there",
    ),
    "adopted": (
        "was still empty; its answer was found in another cell",
        "were still empty; their answers were found in other cells",
    ),
    "copied": (
        "was there more than once: the copy that is as given counts, or the last answer that was written; other copies "
        "run as ordinary cells, or are left out where they say nothing new",
        "were there more than once: the copies that are as given count, or the last answers that were written; other "
        "copies run as ordinary cells, or are left out where they say nothing new",
    ),
    "moved": (
        "was out of order and has been moved to its place",
        "were out of order and have been moved to their places",
    ),
    "retyped": (
        "was no longer of the course's type and has it again",
        "were no longer of the course's type and have it again",
    ),
    "changed": (
        "was not as the course gives it; the course's own was used",
        "were not as the course gives them; the course's own were used",
    ),
    "settings": (
        "had other points or settings than the course gives; the course's own count",
        "had other points or settings than the course gives; the course's own count",
    ),
    "unknown": (
        "is not one of this chapter's and counts as an ordinary cell",
        "are not of this chapter and count as ordinary cells",
    ),
}

_BOUND = re.compile(
    r"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]*)?=(?!=)", re.MULTILINE
)
_WORD = re.compile(r"\w+")
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def restored(nb: NotebookNode, record: Record) -> tuple[NotebookNode, list[str]]:
    """The notebook with every recorded cell once, in order and with the record's metadata, and what was repaired.

    Answers keep the student's words; tests, given code and questions get the course's. Other cells stay where they are.
    """
    repair = _Repair([_Piece(cell) for cell in nb.cells], record)
    repair.take_by_name()
    repair.take_answers_by_content()
    repair.take_given_by_content()
    repair.take_written_answers()
    repair.leave_out_copies()
    order = repair.in_order()
    after = NotebookNode(nb)
    after.cells = [repair.finished(piece) for piece in order]
    after.metadata = NotebookNode(nb.metadata)
    after.nbformat, after.nbformat_minor = 4, max(5, nb.get("nbformat_minor", 5))
    _give_ids(after.cells)
    return after, repair.notes()


class _Piece:
    """A cell as it was handed in, or one that is put back. name: the recorded cell that it turned out to be."""

    def __init__(self, cell: NotebookNode) -> None:
        self.cell = cell
        self.name: str | None = None
        fields = cell.metadata.get("nbgrader")
        self.fields: dict[str, Any] = fields if isinstance(fields, dict) else {}

    @property
    def claim(self) -> str | None:
        """The name that its metadata says."""
        claim = self.fields.get("grade_id")
        return claim if isinstance(claim, str) and claim else None

    @property
    def is_plain_code(self) -> bool:
        return self.name is None and self.cell.cell_type == "code"

    @cached_property
    def text(self) -> str:
        return _plain(self.cell.source)

    @cached_property
    def binds(self) -> set[str]:
        """Names bound at the top level; found in code that doesn't parse, too."""
        return {a or b for a, b in _BOUND.findall(self.text)}

    @cached_property
    def words(self) -> Counter:
        return Counter(_WORD.findall(self.text))


@dataclass(frozen=True)
class _Wanted:
    """A recorded cell, with what it is recognised by."""

    cell: RecordedCell
    released: str
    whole: str  # with hidden tests
    binds: frozenset[str]
    words: Counter

    @classmethod
    @lru_cache(maxsize=1000)  # the same for all submissions of a chapter
    def of(cls, cell: RecordedCell) -> _Wanted:
        released = _plain(cell.released)
        names = {a or b for a, b in _BOUND.findall(released)} | {cell.name}
        return cls(cell, released, _plain(cell.source), frozenset(names), Counter(_WORD.findall(released)))

    @property
    def is_code_answer(self) -> bool:
        return self.cell.solution and self.cell.kind == "code"

    def is_untouched(self, piece: _Piece) -> bool:
        return piece.text in ("", self.released)

    def is_given_as(self, piece: _Piece) -> bool:
        """Is the piece what the course gave? An instructor may hand in the source with its hidden tests."""
        return piece.text in (self.released, self.whole)

    def likeness(self, piece: _Piece) -> float:
        """The share of words in common, 0 to 1; 0 for texts of very different length without a look at them."""
        if not len(self.released) / 4 <= len(piece.text) <= len(self.released) * 4:
            return 0
        both = self.words.total() + piece.words.total()
        return 2 * (self.words & piece.words).total() / both if both else 0


class _Repair:
    """The repair of one notebook: which piece is which recorded cell, where it goes, and what is said about it."""

    def __init__(self, pieces: list[_Piece], record: Record) -> None:
        self.pieces = pieces
        self.record = record
        self.wanted = {name: _Wanted.of(cell) for name, cell in record.cells.items()}
        self.taken: dict[str, _Piece] = {}
        self.repairs: dict[str, list[str]] = {kind: [] for kind in REPAIRS}

    # Which piece is which recorded cell?

    def take_by_name(self) -> None:
        """Cells that say who they are; of several copies the best."""
        claims: dict[str, list[_Piece]] = {name: [] for name in self.wanted}
        for piece in self.pieces:
            if piece.claim in claims:
                claims[piece.claim].append(piece)
        for name, copies in claims.items():
            if len(copies) > 1:
                self.repairs["copied"].append(name)
            if right := [p for p in copies if not self._is_another_answer(p, claims)]:
                self._take(name, _best_copy(self.wanted[name], right))

    def _is_another_answer(self, piece: _Piece, claims: dict[str, list[_Piece]]) -> bool:
        """Does a cell carry one answer's name and define another one, which has no cell that defines it?"""
        mine = self.wanted[piece.claim]
        if not mine.is_code_answer or mine.is_untouched(piece) or mine.binds & piece.binds:
            return False
        others = [w for w in self.wanted.values() if w.is_code_answer and w.binds & piece.binds]
        return any(
            all(w.is_untouched(p) or not w.binds & p.binds for p in claims[w.cell.name]) for w in others
        )

    def take_answers_by_content(self) -> None:
        """Answers that lost their name, or were written into another cell while their own stayed as it was."""
        for name, wanted in self.wanted.items():
            if not wanted.is_code_answer:
                continue
            own = self.taken.get(name)
            if own and not wanted.is_untouched(own):
                continue
            if written := [p for p in self.pieces if self._is_free(p) and self._answers(wanted, p)]:
                self._release(written[-1])
                if own:
                    own.name = None  # leave_out_copies takes it away
                    self.repairs["adopted"].append(name)
                else:
                    self.repairs["by_content"].append(name)
                self._take(name, written[-1])
            elif not own and (same := [p for p in self.pieces if not p.name and p.text == wanted.released]):
                self.repairs["by_content"].append(name)
                self._take(name, same[0])

    def _is_free(self, piece: _Piece) -> bool:
        """May a piece be an answer: is it no other cell, or one of the course's that somebody wrote over?"""
        if piece.name is None:
            return True
        wanted = self.wanted[piece.name]
        return wanted.cell.kind == "code" and not wanted.cell.solution and not wanted.is_given_as(piece)

    def _answers(self, wanted: _Wanted, piece: _Piece) -> bool:
        if not piece.text or piece.text == wanted.released or not wanted.binds & piece.binds:
            return False
        # Where the course's own tests and given code bind the name, or an old version of them, it is no answer.
        others = [w for w in self.wanted.values() if not w.cell.solution and w.cell.kind == "code"]
        return not any(
            w.is_given_as(piece) or (w.binds & wanted.binds and w.likeness(piece) >= ALIKE) for w in others
        )

    def take_given_by_content(self) -> None:
        """Tests, given code and questions that lost their name: the same text first, then one that is alike."""
        lost = [n for n, w in self.wanted.items() if n not in self.taken and not w.cell.solution]
        for least in (1.0, ALIKE):
            for name in lost:
                if name not in self.taken and (piece := self._most_alike(name, least)):
                    self.repairs["by_content"].append(name)
                    self._take(name, piece)

    def _most_alike(self, name: str, least: float) -> _Piece | None:
        wanted, start = self.wanted[name], self._place_before(name)
        best, found = 0.0, None
        for i, piece in enumerate(self.pieces):
            if piece.name is not None:
                continue
            same = wanted.is_given_as(piece)
            score = 1.0 if same else min(0.99, wanted.likeness(piece)) if least < 1 else 0.0
            if score >= least and (score, i > start) > (best, False):
                best, found = score, piece
                if same and i > start:
                    break
        return found

    def _place_before(self, name: str) -> int:
        """Where the last recorded cell before this one lies."""
        names = list(takewhile(lambda n: n != name, self.wanted))
        return next((self.pieces.index(self.taken[n]) for n in reversed(names) if n in self.taken), -1)

    def take_written_answers(self) -> None:
        """Written answers that lost their name: behind their question."""
        before = None
        for name, wanted in self.wanted.items():
            if wanted.cell.solution and not wanted.is_code_answer and name not in self.taken:
                asks = before and self.wanted[before].cell
                question = (
                    self.taken.get(before) if asks and asks.kind == "markdown" and not asks.solution else None
                )
                if piece := self._written_behind(question, wanted):
                    self.repairs["by_content"].append(name)
                    self._take(name, piece)
            before = name

    def _written_behind(self, question: _Piece | None, wanted: _Wanted) -> _Piece | None:
        stubs = [p for p in self.pieces if p.name is None and p.text == wanted.released]
        if question is None:
            return stubs[0] if stubs else None
        behind = self.pieces[self.pieces.index(question) + 1 :][:1]
        prose = [p for p in behind if p.name is None and p.cell.cell_type != "code"]
        # A heading starts the course's next section: the answer itself was deleted.
        return next((p for p in prose if not p.text.startswith("#")), stubs[0] if stubs else None)

    def leave_out_copies(self) -> None:
        """A copy that says nothing of its own goes: run later, an empty one would undo the answer."""
        gone: set[_Piece] = set()
        for name, wanted in self.wanted.items():
            chosen = self.taken.get(name)
            for piece in self.pieces:
                if piece.name is not None or chosen is None:
                    continue
                empty = wanted.is_code_answer and piece.text == wanted.released != chosen.text
                if empty or (
                    piece.claim == name and (wanted.is_untouched(piece) or piece.text == chosen.text)
                ):
                    gone.add(piece)
                    if name not in self.repairs["copied"] + self.repairs["adopted"]:
                        self.repairs["copied"].append(name)
        self.pieces = [p for p in self.pieces if p not in gone]

    def _take(self, name: str, piece: _Piece) -> None:
        self.taken[name], piece.name = piece, name

    def _release(self, piece: _Piece) -> None:
        if piece.name is not None:
            del self.taken[piece.name]
            piece.name = None

    # Where does it go?

    def in_order(self) -> list[_Piece]:
        """All pieces, recorded ones in the record's order: what is out of place moves, what is missing comes back."""
        stay = self._in_place()
        moved = self.repairs["moved"] = [n for n in self.wanted if n in self.taken and n not in stay]
        parties: dict[str, list[_Piece]] = {}
        going: set[_Piece] = set()
        for name in moved:
            parties[name] = [p for p in self._party(self.taken[name]) if p not in going]
            going.update(parties[name])
        order = [p for p in self.pieces if p not in going]
        before: _Piece | None = None
        for name in self.wanted:
            if name not in stay:
                party = parties.get(name) or [self._put_back(name)]
                at = self._place(name, before, order, stay)
                order[at:at] = party
            before = self.taken[name]
        return order

    def _in_place(self) -> set[str]:
        """The most cells that are in order as they are; answers count more, because cells around them may belong."""
        rank = {name: i for i, name in enumerate(self.wanted)}
        names = [p.name for p in self.pieces if p.name is not None]
        best: list[tuple[int, list[str]]] = []
        for i, name in enumerate(names):
            below = [best[j] for j in range(i) if rank[names[j]] < rank[name]]
            weight, chain = max(below, key=lambda b: b[0], default=(0, []))
            best.append((weight + (5 if self.wanted[name].cell.solution else 4), [*chain, name]))
        return set(max(best, key=lambda b: b[0], default=(0, []))[1])

    def _party(self, piece: _Piece) -> list[_Piece]:
        """A cell that moves, and the student's cells that touch an answer: the halves of a split one, what it calls."""
        if not self.wanted[piece.name].is_code_answer:
            return [piece]
        at = self.pieces.index(piece)
        above = list(takewhile(lambda p: p.is_plain_code, reversed(self.pieces[:at])))
        below = list(takewhile(lambda p: p.is_plain_code, self.pieces[at + 1 :]))
        return [*reversed(above), piece, *below]

    def _place(self, name: str, before: _Piece | None, order: list[_Piece], stay: set[str]) -> int:
        """Tests and given code go early, but behind a split answer; answers go late, below their heading."""
        wanted = self.wanted[name]
        early = order.index(before) + 1 if before else 0
        if wanted.cell.is_test:
            return early + len(list(takewhile(lambda p: p.is_plain_code, order[early:])))
        if wanted.cell.is_given:
            return early
        return next((i for i in range(early, len(order)) if order[i].name in stay), early)

    def _put_back(self, name: str) -> _Piece:
        wanted = self.wanted[name]
        source = wanted.cell.source
        if wanted.is_code_answer and any(self._answers(wanted, p) for p in self.pieces):
            self.repairs["elsewhere"].append(name)
            source = ""  # the course's empty answer would undo it
        else:
            self.repairs["unanswered" if wanted.cell.solution else "missing"].append(name)
        cell = NotebookNode(cell_type=wanted.cell.kind, metadata=NotebookNode(), source=source)
        piece = _Piece(cell)
        self._take(name, piece)
        return piece

    # What comes out, and what is said of it?

    def finished(self, piece: _Piece) -> NotebookNode:
        """A cell of the restored notebook; the one that was handed in stays as it is."""
        cell = NotebookNode(piece.cell)
        if piece.name is None:
            if "nbgrader" in cell.metadata:
                cell.metadata = NotebookNode(cell.metadata)
                del cell.metadata["nbgrader"]
            return cell
        recorded = self.record.cells[piece.name]
        # Nothing else of the metadata stays: a tag such as skip-execution would keep a test from running.
        cell.metadata = NotebookNode(nbgrader=NotebookNode(recorded.metadata()))
        cell.cell_type = recorded.kind
        if not recorded.solution:
            cell.source = recorded.source
        if recorded.kind == "code":
            cell.setdefault("outputs", [])
            cell.setdefault("execution_count", None)
            cell.pop("attachments", None)
        else:
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
        return cell

    def notes(self) -> list[str]:
        """Each repair in a sentence, for student and instructor."""
        for name, piece in self.taken.items():
            wanted = self.wanted[name]
            if piece.cell.cell_type != wanted.cell.kind:
                self.repairs["retyped"].append(name)
            if not wanted.cell.solution and not wanted.is_given_as(piece):
                self.repairs["changed"].append(name)
            if piece.claim == name and _has_other_settings(piece, wanted.cell):
                self.repairs["settings"].append(name)
        rank = {name: i for i, name in enumerate(self.wanted)}
        said = {kind: sorted(names, key=rank.__getitem__) for kind, names in self.repairs.items()}
        said["unknown"] = self._unknown()
        return [_note(kind, names) for kind, names in said.items() if names]

    def _unknown(self) -> list[str]:
        claims = [p.claim for p in self.pieces if p.name is None and p.claim not in (None, *self.wanted)]
        return list(dict.fromkeys(_shown(claim) for claim in claims))


def _best_copy(wanted: _Wanted, copies: list[_Piece]) -> _Piece:
    """Of a test, the one that is as given; of an answer, the last that defines what is asked, or says anything."""
    if not wanted.cell.solution:
        return next((p for p in copies if wanted.is_given_as(p)), copies[0])
    written = [p for p in copies if not wanted.is_untouched(p)]
    defining = [p for p in written if wanted.binds & p.binds] if wanted.is_code_answer else []
    return (defining or written or copies[:1])[-1]


def _has_other_settings(piece: _Piece, recorded: RecordedCell) -> bool:
    right = recorded.metadata()
    keys = ("grade", "solution", "locked", "points", "schema_version")
    return any(key in piece.fields and piece.fields[key] != right.get(key) for key in keys)


def _note(kind: str, names: list[str]) -> str:
    one, many = REPAIRS[kind]
    shown = ", ".join(f"`{name}`" for name in names[:MANY])
    if len(names) > MANY:
        shown += f" and {len(names) - MANY} more"
    return f"the cells {shown} {many}" if len(names) > 1 else f"the cell {shown} {one}"


def _give_ids(cells: list[NotebookNode]) -> None:
    """Every cell its own id; recorded cells are called by their names, as in the release."""
    used: set[str] = {c.metadata.nbgrader.grade_id for c in cells if "nbgrader" in c.metadata}
    for number, cell in enumerate(cells):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name and _ID.fullmatch(name):
            cell["id"] = name
            continue
        given = cell.get("id")
        if not isinstance(given, str) or given in used or not _ID.fullmatch(given):
            tries = (f"cell-{number:03}{'x' * i}" for i in range(len(cells) + 1))
            given = next(t for t in tries if t not in used)
        used.add(given)
        cell["id"] = given


def error_text(name: str, text: str) -> str:
    """An error in a line, and what is behind it where it may not have come up on the student's computer."""
    hint = {
        "FileNotFoundError": "only what is handed in with the notebook lies beside it",
        "ModuleNotFoundError": "a module of one's own is handed in with the notebook",
    }.get(name)
    return f"{name}: {text}" + (f" ({hint})" if hint else "")


def _plain(source: str) -> str:
    """A source without what doesn't count when two are compared: line ends and blanks at the ends."""
    return "\n".join(line.rstrip() for line in source.replace("\r\n", "\n").split("\n")).strip()


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:60])
