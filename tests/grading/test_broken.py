"""Broken submissions, from the bytes that were handed in to marks: each costs no more than what is broken."""

import copy
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from stand_in import solver

from course.build.text import without_markers
from course.grading.intake import find_notebook
from course.grading.record import Record
from course.grading.restore import restored
from course.grading.work import Folder, Lesson
from course.paths import ROOT, Chapter

CH02 = Chapter("ch02_conv2d")
SOURCE = nbformat.read(CH02.made("source"), as_version=4)
LESSON = Lesson(CH02.id, CH02.notebook, Record.of_notebook(SOURCE))
ANSWERS = {n for n, c in LESSON.record.cells.items() if c.solution and c.kind == "code"}
ALL = sum(c.points for c in LESSON.record.cells.values() if c.is_test)


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def place(nb, wanted):
    return next(i for i, c in enumerate(nb.cells) if name(c) == wanted)


def solved():
    """The release notebook with the course's own answers, without cells that only draw."""
    nb = nbformat.read(CH02.made("release"), as_version=4)
    answers = {name(c): without_markers(c.source) for c in SOURCE.cells if name(c)}
    for cell in nb.cells:
        if name(cell) in ANSWERS:
            cell.source = answers[name(cell)]
    nb.cells = [c for c in nb.cells if name(c) or c.cell_type == "markdown"]
    return nb


def graded(nb):
    """What each test is worth when the cells run one after the other, and the notes."""
    data = json.dumps(nb).encode()
    found, _, noticed = find_notebook(Folder({"conv2d.ipynb": data}), LESSON)
    after, repairs = restored(found, LESSON.record)
    space, points = {}, {}
    for cell in after.cells:
        if cell.cell_type != "code":
            continue
        try:
            exec(compile(cell.source, cell.id, "exec"), space)
            right = True
        except Exception:
            right = False
        if cell.metadata.get("nbgrader", {}).get("grade"):
            points[name(cell)] = cell.metadata.nbgrader.points * right
    plt.close("all")
    return points, noticed + repairs


def change_none(nb):
    pass


def delete(*names):
    return lambda nb: setattr(nb, "cells", [c for c in nb.cells if name(c) not in names])


def strip(nb):
    for cell in nb.cells:
        cell.metadata = {}


def rename(nb):
    for number, cell in enumerate(nb.cells):
        if name(cell):
            cell.metadata.nbgrader.grade_id = f"cell-{number}"


def retype(nb):
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.cell_type = "raw"
            del cell["outputs"], cell["execution_count"]


def halve_points(nb):
    for cell in nb.cells:
        if name(cell):
            cell.metadata.nbgrader.update(points=0.5, solution=False, locked=False, grade=False)


def skip_tests(nb):
    for cell in nb.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]


def edit_tests(nb):
    for cell in nb.cells:
        if name(cell) and name(cell) not in ANSWERS:
            cell.source = "raise SystemError" if cell.cell_type == "code" else "edited"


def answers_last(nb):
    answers = [c for c in nb.cells if name(c) in ANSWERS]
    nb.cells = [c for c in nb.cells if name(c) not in ANSWERS] + answers


def backwards(nb):
    nb.cells.reverse()


def all_twice(nb):
    nb.cells = [copy.deepcopy(c) for cell in nb.cells for c in (cell, cell)]


def stubs_behind(nb):
    """Every answer cell is followed by an empty copy of it, as after an undo."""
    for wanted in ANSWERS:
        stub = copy.deepcopy(nb.cells[place(nb, wanted)])
        stub.source = LESSON.record.cells[wanted].source
        nb.cells.insert(place(nb, wanted) + 1, stub)


def split(nb):
    """JupyterLab's split leaves the metadata on both halves, others only on the first."""
    for wanted, both in (("cross_correlate2d", True), ("conv2d", False)):
        i = place(nb, wanted)
        first, second = copy.deepcopy(nb.cells[i]), copy.deepcopy(nb.cells[i])
        first.source = "import math\nlimit = math.inf"
        second.source = second.source.replace("):\n", ", limit=limit):\n", 1)
        if not both:
            second.metadata = {}
        nb.cells[i : i + 1] = [first, second]


def from_scratch(nb):
    code = [c.source for c in nb.cells if name(c) in ANSWERS]
    nb.cells = [nbformat.v4.new_code_cell("\n\n".join(code))]


def a_cell_each(nb):
    code = [c.source for c in nb.cells if name(c) in ANSWERS]
    nb.cells = [nbformat.v4.new_code_cell(c) for c in code]


def own_cells_below(nb):
    """Written into new cells at the end; those of the course stay empty."""
    for cell in list(nb.cells):
        if name(cell) in ANSWERS:
            nb.cells.append(nbformat.v4.new_code_cell(cell.source))
            cell.source = LESSON.record.cells[name(cell)].source


FREE = {  # what costs nothing, and what the notes say
    "nothing": (change_none, None),
    "the setup deleted": (delete("setup"), "`setup` was missing"),
    "tests deleted": (
        delete("cross_correlate2d-hidden", "conv2d-examples"),
        "were missing and have been put back",
    ),
    "metadata stripped": (strip, "lost their names"),
    "cells renamed": (rename, "lost their names"),
    "cells retyped": (retype, "were no longer of the course's type"),
    "points and flags edited": (halve_points, "other points or settings"),
    "tests told to be skipped": (skip_tests, None),
    "tests edited": (edit_tests, "not as the course gives them"),
    "answers behind all tests": (answers_last, "out of order"),
    "all backwards": (backwards, "out of order"),
    "all cells twice": (all_twice, "more than once"),
    "empty copies behind the answers": (stubs_behind, "more than once"),
    "answers split": (split, "`cross_correlate2d` was there more than once"),
    "one cell from scratch": (from_scratch, "stand in other cells"),
    "a cell each from scratch": (a_cell_each, "lost their names"),
    "own cells at the end": (own_cells_below, "were still empty"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FREE)
def test_what_can_be_mended_costs_nothing_and_is_said(case):
    nb = solved()
    change, said = FREE[case]
    change(nb)
    points, notes = graded(nb)
    assert sum(points.values()) == ALL, points
    assert (said is None) == (notes == []), notes
    assert said is None or any(said in note for note in notes)


def unfinished(nb):
    """A bracket is missing."""
    nb.cells[place(nb, "conv2d")].source += "\n("


COSTLY = {  # what costs one exercise, and what the notes say
    "an answer deleted": (
        delete("conv2d"),
        "conv2d",
        "`conv2d` was missing and has been put back, without an answer",
    ),
    "an exercise deleted": (
        delete(
            "conv2d", "conv2d-examples", *(n for n in LESSON.record.cells if n.startswith("conv2d-hidden"))
        ),
        "conv2d",
        "`conv2d` was missing and has been put back, without an answer",
    ),
    "code that doesn't parse": (unfinished, "conv2d", None),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", COSTLY)
def test_what_is_lost_costs_its_own_exercise_alone(case):
    nb = solved()
    change, exercise, said = COSTLY[case]
    change(nb)
    points, notes = graded(nb)
    lost = {
        n
        for n, c in LESSON.record.cells.items()
        if c.is_test and n.startswith((f"{exercise}-examples", f"{exercise}-hidden"))
    }
    assert {n for n, p in points.items() if not p} - {"why-im2col"} == lost
    assert said is None or any(said in note for note in notes)


# ---------------------------------------------------------------- the real thing: one class, one `course grade`

POINTS = {
    exercise: sum(
        c.points
        for n, c in LESSON.record.cells.items()
        if c.is_test and re.fullmatch(rf"{exercise}-(examples|hidden.*)", n)
    )
    for exercise in ANSWERS
}
LIMITS = "c.ExecuteIsolated.limits = {'cell_seconds': 3, 'call_seconds': 1, 'memory_bytes': 400_000_000}\n"
HIDDEN = CH02.made("release").read_bytes()


@dataclass(frozen=True)
class Case:
    """What a student handed in, and what comes of it. Without an error everything that is not lost counts in full."""

    hand_in: Callable[[Path], None]
    notes: tuple[str, ...] = ()  # words of each note, in order
    lost: dict[str, str] = field(default_factory=dict)  # exercises without points, and words of the reason
    error: str | None = None  # words of the reason why nothing was graded
    by_hand: int = 8  # points that wait for a person
    score: float | None = None  # where an exercise earns a part of its points

    @property
    def mark(self):
        if self.error:
            return "failed"
        score = ALL - sum(POINTS[e] for e in self.lost) if self.score is None else self.score
        return f"{score:g}" + (f" +{self.by_hand}" if self.by_hand else "")


def complete():
    """The release notebook with all of the course's own answers, and its pictures."""
    nb = nbformat.read(CH02.made("release"), as_version=4)
    solver(CH02)(nb)
    return nb


def write(path, nb):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(nb if isinstance(nb, bytes) else json.dumps(nb).encode())


def changed(*changes, beside=None):
    """Hand in the right notebook after some changes, with other files beside it."""

    def hand_in(folder):
        nb = complete()
        for change in changes:
            change(nb)
        write(folder / "conv2d.ipynb", nb)
        for name, data in (beside or {}).items():
            write(folder / name, data)

    return hand_in


def files(**named):
    """Hand in just these: names without .ipynb, and bytes or a notebook."""

    def hand_in(folder):
        for name, data in named.items():
            write(folder / f"{name}.ipynb", data)

    return hand_in


def answer(wanted, source):
    return lambda nb: nb.cells[place(nb, wanted)].update(source=source)


def own_cell(source, below="setup"):
    """A cell of the student's own."""
    return lambda nb: nb.cells.insert(place(nb, below) + 1, nbformat.v4.new_code_cell(source))


def renamed(nb):
    """The same bytes under other names."""
    return json.dumps(nb).encode()


def of_nbformat(version):
    """As an old Jupyter would have saved it: cells in worksheets, code in `input`, before 3 without metadata."""

    def change(nb):
        cells = []
        for cell in nb.cells:
            old = {"cell_type": cell.cell_type, "metadata": dict(cell.metadata) if version > 2 else {}}
            text = {"input" if cell.cell_type == "code" else "source": cell.source}
            code = {"language": "python", "outputs": [], "prompt_number": 1, "collapsed": False}
            cells.append(old | text | (code if cell.cell_type == "code" else {}))
        nb.clear()
        nb.update(nbformat=version, nbformat_minor=0, metadata={"name": ""}, worksheets=[{"cells": cells}])

    return change


def null_sources(nb):
    nb.cells[place(nb, "conv1x1")].source = None
    nb.cells[0].source = None


def much_output(nb):
    nb.cells[place(nb, "setup")].outputs = [
        {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    ]


def split_answer(nb):
    split(nb)


def linked(to, name="conv2d.ipynb"):
    def hand_in(folder):
        changed()(folder)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(to)

    return hand_in


def linked_folder(folder):
    folder.rmdir()
    folder.symlink_to("../honest/ch02_conv2d")


def loop(folder):
    changed()(folder)
    (folder / "loop").symlink_to(".")


def pipe(name):
    def hand_in(folder):
        if name != "conv2d.ipynb":
            changed()(folder)
        os.mkfifo(folder / name)

    return hand_in


def with_mode(mode, name, beside=None):
    def hand_in(folder):
        changed(beside=beside)(folder)
        (folder / name).chmod(mode)
        if mode == 0o444:
            folder.chmod(0o555)

    return hand_in


def in_sub_folder(folder):
    write(folder / "ch02 final" / "conv2d.ipynb", complete())


ROTATE = "def rotate180(kernel):\n    return kernel[..., ::-1, ::-1].copy()"
SHADOW = b"raise SystemError('the wrong module')"
MODULE = b"def turned(kernel):\n    return kernel[..., ::-1, ::-1].copy()\n"
FROM_MODULE = "from my_module import turned\n\ndef rotate180(kernel):\n    return turned(kernel)"
FROM_DATA = (
    "order = np.loadtxt('daten über/order 1.csv', dtype=int)\n\ndef rotate180(kernel):\n"
    "    return kernel[..., ::order[0], ::order[0]].copy()"
)
ENDLESS = "def rotate180(kernel):\n    while True:\n        pass"
BOMB = "def rotate180(kernel):\n    x = [np.ones(10**7) for _ in range(10**4)]\n    return x"
LEAVES = "import os\n\ndef rotate180(kernel):\n    os._exit(0)"
CRASH = "import ctypes\n\ndef rotate180(kernel):\n    ctypes.string_at(0)"
SETS_FIRST = "flip = {}\n\ndef rotate180(kernel):\n    return kernel[..., ::flip, ::flip].copy()"

BROKEN = {
    "honest": Case(changed()),
    "honest too": Case(changed(own_cell("def my_own(x):\n    return x\n\nmy_own(3)"))),
    "empty folder": Case(lambda folder: None, error="the folder holds no file: hand in conv2d.ipynb"),
    "empty file": Case(files(conv2d=b""), error="conv2d.ipynb is empty: it holds nothing. Save"),
    "truncated file": Case(files(conv2d=HIDDEN[:-500]), error="conv2d.ipynb is cut off: its end is missing"),
    "merge-marked file": Case(
        files(conv2d=HIDDEN.replace(b' "cells": [\n', b' "cells": [\n<<<<<<< HEAD\n', 1)),
        error="an unfinished git merge (line 3: <<<<<<< HEAD)",
    ),
    "missing notebook": Case(
        lambda folder: write(folder / "answers.txt", b"42"),
        error="there is no notebook, only answers.txt: hand in conv2d.ipynb",
    ),
    "another chapter": Case(
        files(conv2d=Chapter("ch01_conv1d").made("release").read_bytes()),
        error="conv2d.ipynb is the notebook of ch01_conv1d, not of ch02_conv2d",
    ),
    "two that could be it": Case(
        files(mine=complete(), yours=solved()), error="mine.ipynb, yours.ipynb could each be it"
    ),
    "untouched": Case(files(conv2d=HIDDEN), lost=dict.fromkeys(ANSWERS, "there is no answer yet"), by_hand=0),
    "nbformat 2": Case(changed(of_nbformat(2)), ("is of nbformat 2; it was read", "lost their names")),
    "nbformat 3": Case(changed(of_nbformat(3)), ("is of nbformat 3; it was read",)),
    "nbformat 5": Case(changed(lambda nb: nb.update(nbformat=5)), ("is of nbformat 5; it was read",)),
    "NaN": Case(
        changed(lambda nb: nb.metadata.update(a=float("nan"))), ("held NaN, which JSON doesn't allow",)
    ),
    "null sources": Case(
        changed(null_sources), ("without a text, read as empty: 2",), {"conv1x1": "`conv1x1` is not defined"}
    ),
    "wrong name": Case(
        files(**{"Ada's homework (2)": complete()}),
        ("handed in as Ada's homework (2).ipynb, not as conv2d.ipynb; it was graded all the same",),
    ),
    "sub-folder": Case(in_sub_folder, ("handed in as ch02 final/conv2d.ipynb, not as conv2d.ipynb",)),
    "extra notebooks": Case(
        files(conv2d=complete(), scratch=solved()), ("only conv2d.ipynb was graded, not scratch.ipynb",)
    ),
    "tests deleted": Case(
        changed(delete("conv2d-examples", "conv2d-hidden")), ("`conv2d-hidden` were missing and have been",)
    ),
    "an answer deleted": Case(
        changed(delete("im2col")),
        ("`im2col` was missing and has been put back, without an answer",),
        {"im2col": "there is no answer yet"},
    ),
    "all cells twice": Case(changed(all_twice), ("were there more than once",)),
    "split": Case(changed(split), ("`cross_correlate2d` was there more than once",)),
    "reordered": Case(changed(answers_last), ("were out of order and have been moved",)),
    "retyped": Case(changed(retype), ("were no longer of the course's type",)),
    "renamed cells": Case(changed(rename), ("lost their names and were found by their content",)),
    "edited points and flags": Case(changed(halve_points), ("had other points or settings",)),
    "stripped metadata": Case(changed(strip), ("lost their names and were found by their content",)),
    "foreign kernel": Case(
        changed(lambda nb: nb.metadata.update(kernelspec={"name": "ir", "language": "R"}, language_info={})),
        ("asks for the kernel ir; it was graded as Python 3",),
    ),
    "linked file": Case(linked("/etc/passwd"), error="conv2d.ipynb is a link, not a file, and was left out"),
    "linked to another student": Case(
        linked("../../honest/ch02_conv2d/conv2d.ipynb"), error="conv2d.ipynb is a link, not a file"
    ),
    "linked data": Case(
        linked("/etc/passwd", "data.csv"), ("data.csv is a link, not a file, and was left out",)
    ),
    "linked folder": Case(linked_folder, error="the folder is a link"),
    "loop": Case(loop, ("loop is a link, not a file, and was left out",)),
    "shadowing modules": Case(
        changed(beside={"numpy.py": SHADOW, "random.py": SHADOW}),
        ("numpy was handed in as a module", "random was handed in as a module"),
    ),
    "50 MB saved": Case(changed(much_output)),
    "50 MB printed": Case(changed(own_cell("print('x' * 50_000_000)"))),
    "Zoë Ünal & Söhne 🐢": Case(
        changed(answer("rotate180", FROM_DATA), beside={"daten über/order 1.csv": b"-1\n"})
    ),
    "read-only": Case(with_mode(0o444, "conv2d.ipynb")),
    "unreadable": Case(with_mode(0, "conv2d.ipynb"), error="conv2d.ipynb can't be read (permission denied)"),
    "unreadable data": Case(
        with_mode(0, "data.csv", {"data.csv": b"1"}), ("data.csv can't be read (permission denied) and was",)
    ),
    "pipe": Case(pipe("conv2d.ipynb"), error="conv2d.ipynb is not an ordinary file and was left out"),
    "pipe beside": Case(pipe("data.csv"), ("data.csv is not an ordinary file and was left out",)),
    "module beside": Case(changed(answer("rotate180", FROM_MODULE), beside={"my_module.py": MODULE})),
    "missing module": Case(
        changed(answer("rotate180", FROM_MODULE)),
        lost={"rotate180": "ModuleNotFoundError: No module named 'my_module'"},
    ),
    "missing data": Case(
        changed(answer("rotate180", FROM_DATA)), lost={"rotate180": "daten über/order 1.csv not found"}
    ),
    "missing data, not needed": Case(
        changed(own_cell("np.loadtxt('measured.csv')")), ("measured.csv not found",)
    ),
    "input": Case(
        changed(own_cell("flip = int(input('? '))"), answer("rotate180", SETS_FIRST.partition("\n\n")[2])),
        ("input()",),
        {"rotate180": "flip"},
    ),
    "shell command": Case(changed(own_cell("!ls")), ("!ls",)),
    "pip": Case(changed(own_cell("%pip install scipy")), ("%pip",)),
    "code that doesn't parse": Case(
        changed(answer("rotate180", ROTATE + "\n(")), lost={"rotate180": "SyntaxError"}
    ),
    "exit": Case(changed(own_cell("exit()"))),
    "sys.exit": Case(changed(own_cell("import sys\nsys.exit(1)"))),
    "os._exit in a cell": Case(changed(own_cell("import os\nos._exit(0)")), ("os._exit",)),
    "os._exit in an answer": Case(
        changed(answer("rotate180", LEAVES)), lost={"rotate180": "ended the process it ran in, as os._exit"}
    ),
    "crash": Case(changed(answer("rotate180", CRASH)), lost={"rotate180": "SIGSEGV"}),
    "endless loop": Case(
        changed(answer("rotate180", ENDLESS)), lost={"rotate180": "your function was stopped after 1 s"}
    ),
    "endless loop in a cell": Case(
        changed(own_cell("while True:\n    pass")), ("this cell was stopped after 3 s",)
    ),
    "memory bomb": Case(changed(answer("rotate180", BOMB)), lost={"rotate180": "memory"}),
}


def copy_of_course(root):
    """The course with one chapter, in a folder of its own."""
    shutil.copytree(ROOT / "course", root / "course", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("source", "release", "solutions"):
        path = CH02.made(folder, root)
        path.parent.mkdir(parents=True)
        shutil.copy(CH02.made(folder), path)
    (root / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text() + LIMITS)
