"""Broken submissions, from the bytes that were handed in to marks: each costs no more than what is broken."""

import copy
import html
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from small_course import CH02, KEPT, complete, make_course, name, small, write

from course.build.text import without_markers
from course.grading.intake import find_notebook
from course.grading.record import Record
from course.grading.restore import restored
from course.grading.work import Folder, Lesson
from course.paths import Chapter

SOURCE = nbformat.read(CH02.made("source"), as_version=4)
LESSON = Lesson(CH02.id, CH02.notebook, Record.of_notebook(SOURCE))
ANSWERS = {n for n, c in LESSON.record.cells.items() if c.solution and c.kind == "code"}
ALL = sum(c.points for c in LESSON.record.cells.values() if c.is_test)


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

RELEASE = nbformat.writes(small("release")).encode()
POINTS = {
    exercise: sum(
        c.points
        for n, c in LESSON.record.cells.items()
        if c.is_test and re.fullmatch(rf"{exercise}-(examples|hidden.*)", n)
    )
    for exercise in KEPT
    if exercise in ANSWERS
}


@dataclass(frozen=True)
class Case:
    """What a student handed in, and what comes of it. Without an error everything that is not lost counts in full."""

    hand_in: Callable[[Path], None]
    notes: tuple[str, ...] = ()  # words of each note, in order
    lost: dict[str, str] = field(default_factory=dict)  # exercises without points, and words of the reason
    error: str | None = None  # words of the reason why nothing was graded
    by_hand: int = 8  # points that wait for a person

    @property
    def score(self):
        return 0 if self.error else sum(POINTS.values()) - sum(POINTS[e] for e in self.lost)

    @property
    def mark(self):
        if self.error:
            return "failed"
        return f"{self.score:g}" + (f" +{self.by_hand}" if self.by_hand else "")


def changed(*changes, beside=None):
    """Hand in the right notebook after some changes, with other files beside it."""

    def hand_in(folder):
        nb = complete()
        for change in changes:
            change(nb)
        write(folder / "conv2d.ipynb", nb)
        for path, data in (beside or {}).items():
            write(folder / path, data)

    return hand_in


def files(**named):
    """Hand in just these: names without .ipynb, and bytes or a notebook."""

    def hand_in(folder):
        for stem, data in named.items():
            write(folder / f"{stem}.ipynb", data)

    return hand_in


def answer(wanted, source):
    return lambda nb: nb.cells[place(nb, wanted)].update(source=source)


def own_cell(source, below="setup"):
    """A cell of the student's own."""
    return lambda nb: nb.cells.insert(place(nb, below) + 1, nbformat.v4.new_code_cell(source))


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


MIX = """def conv1x1(x, w, b=None):
    y = np.einsum('nchw,dc->ndhw', 1.0 * x, 1.0 * w)
    return y if b is None else y + b[:, None, None]
"""
MODULE = b"import numpy as np\n\ndef mixed(x, w):\n    return np.einsum('nchw,dc->ndhw', 1.0 * x, 1.0 * w)\n"
FROM_MODULE = "from my_module import mixed\n\n" + MIX.replace(
    "np.einsum('nchw,dc->ndhw', 1.0 * x, 1.0 * w)", "mixed(x, w)"
)
FROM_DATA = "axes = str(np.loadtxt('daten über/axes 1.csv', dtype=str))\n\n" + MIX.replace(
    "'nchw,dc->ndhw'", "axes + ',dc->ndhw'"
)
ASKS = "axes = input('? ')"
SHADOW = b"raise SystemError('the wrong module')"


def instead(line):
    """An answer to `conv1x1` that does something else."""
    return answer("conv1x1", f"import ctypes, os\n\ndef conv1x1(x, w, b=None):\n    {line}")


BROKEN = {
    "honest": Case(changed()),
    "honest too": Case(changed(own_cell("def my_own(x):\n    return x\n\nmy_own(3)"))),
    "empty folder": Case(lambda folder: None, error="the folder holds no file. Hand in conv2d.ipynb"),
    "empty file": Case(files(conv2d=b""), error="conv2d.ipynb is empty: it holds nothing. Save"),
    "truncated file": Case(files(conv2d=RELEASE[:-500]), error="conv2d.ipynb is cut off: its end is missing"),
    "merge-marked file": Case(
        files(conv2d=RELEASE.replace(b' "cells": [\n', b' "cells": [\n<<<<<<< HEAD\n', 1)),
        error="an unfinished git merge (line 3: <<<<<<< HEAD)",
    ),
    "missing notebook": Case(
        lambda folder: write(folder / "answers.txt", b"42"),
        error="there is no notebook: only answers.txt. Hand in conv2d.ipynb",
    ),
    "another chapter": Case(
        files(conv2d=Chapter("ch01_conv1d").made("release").read_bytes()),
        error="conv2d.ipynb is the notebook of ch01_conv1d, not of ch02_conv2d",
    ),
    "two that could be it": Case(
        files(mine=complete(), yours=RELEASE), error="mine.ipynb, yours.ipynb could each be it"
    ),
    "untouched": Case(files(conv2d=RELEASE), lost=dict.fromkeys(POINTS, "there is no answer yet"), by_hand=0),
    "nbformat 2": Case(changed(of_nbformat(2)), ("is of nbformat 2; it was read", "lost their names")),
    "nbformat 3": Case(changed(of_nbformat(3)), ("is of nbformat 3; it was read",)),
    "nbformat 5": Case(changed(lambda nb: nb.update(nbformat=5)), ("is of nbformat 5; it was read",)),
    "NaN": Case(
        changed(lambda nb: nb.metadata.update(a=float("nan"))), ("held NaN, which JSON doesn't allow",)
    ),
    "null sources": Case(
        changed(null_sources),
        ("without a text, read as empty: 2",),
        {"conv1x1": "there is no `conv1x1`: the answer's cell must define it"},
    ),
    "wrong name": Case(
        files(**{"Ada's homework (2)": complete()}),
        ("handed in as Ada's homework (2).ipynb, not as conv2d.ipynb; it was graded all the same",),
    ),
    "sub-folder": Case(in_sub_folder, ("handed in as ch02 final/conv2d.ipynb, not as conv2d.ipynb",)),
    "extra notebooks": Case(
        files(conv2d=complete(), scratch=RELEASE), ("only conv2d.ipynb was graded, not scratch.ipynb",)
    ),
    "tests deleted": Case(
        changed(delete("conv2d-examples", "conv2d-hidden")), ("`conv2d-hidden` were missing and have been",)
    ),
    "an answer deleted": Case(
        changed(delete("conv1x1")),
        ("`conv1x1` was missing and has been put back, without an answer",),
        {"conv1x1": "there is no answer yet"},
    ),
    "all cells twice": Case(changed(all_twice), ("the id of another cell", "were there more than once")),
    "split": Case(changed(split), ("the id of another cell", "`cross_correlate2d` was there more than once")),
    "reordered": Case(changed(answers_last), ("were out of order and have been moved",)),
    "retyped": Case(changed(retype), ("were no longer of the course's type",)),
    "renamed cells": Case(changed(rename), ("lost their names and were found by their content",)),
    "edited points and flags": Case(changed(halve_points), ("had other points or settings",)),
    "stripped metadata": Case(changed(strip), ("lost their names and were found by their content",)),
    "foreign kernel": Case(
        changed(lambda nb: nb.metadata.update(kernelspec={"name": "ir", "language": "R"}, language_info={})),
        ("asks for the kernel ir; it was graded as Python 3",),
    ),
    "linked file": Case(
        linked("/etc/passwd"), error="there is no notebook: conv2d.ipynb is a link, not a file"
    ),
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
    "50 MB printed": Case(
        changed(own_cell("print('x' * 50_000_000)")),
        ("below `setup`: its output was cut off: a cell may print",),
    ),
    "Zoë Ünal & Söhne 🐢": Case(
        changed(answer("conv1x1", FROM_DATA), beside={"daten über/axes 1.csv": b"nchw\n"})
    ),
    "read-only": Case(with_mode(0o444, "conv2d.ipynb")),
    "unreadable": Case(with_mode(0, "conv2d.ipynb"), error="conv2d.ipynb can't be read (permission denied)"),
    "unreadable data": Case(
        with_mode(0, "data.csv", {"data.csv": b"1"}), ("data.csv can't be read (permission denied) and was",)
    ),
    "pipe": Case(pipe("conv2d.ipynb"), error="conv2d.ipynb is not an ordinary file and was left out"),
    "pipe beside": Case(pipe("data.csv"), ("data.csv is not an ordinary file and was left out",)),
    "module beside": Case(changed(answer("conv1x1", FROM_MODULE), beside={"my_module.py": MODULE})),
    "missing module": Case(
        changed(answer("conv1x1", FROM_MODULE)),
        lost={"conv1x1": "did not run to its end: ModuleNotFoundError: No module named 'my_module'"},
    ),
    "missing data": Case(
        changed(answer("conv1x1", FROM_DATA)), lost={"conv1x1": "FileNotFoundError: daten über/axes 1.csv"}
    ),
    "missing data, not needed": Case(
        changed(own_cell("np.loadtxt('measured.csv')")),
        ("a cell that was added, below `setup`: FileNotFoundError: measured.csv not found",),
    ),
    "too much data": Case(
        changed(beside={"data.bin": bytes(50_000_000)}),
        ("data.bin was left out: a file beside the notebook",),
    ),
    "input": Case(
        changed(own_cell(ASKS), answer("conv1x1", FROM_DATA.partition("\n\n")[2])),
        ("below `setup`: input() has nobody to ask",),
        {"conv1x1": "NameError: name 'axes' is not defined"},
    ),
    "shell command": Case(changed(own_cell("!ls")), ("below `setup`: `ls` did nothing: commands don't run",)),
    "pip": Case(changed(own_cell("%pip install scipy")), ("`python -m pip install scipy` did nothing",)),
    "code that doesn't parse": Case(
        changed(answer("conv1x1", MIX + "\n(")), lost={"conv1x1": "SyntaxError: incomplete input (line 5)"}
    ),
    "exit": Case(changed(own_cell("exit()"))),
    "sys.exit": Case(changed(own_cell("import sys\nsys.exit(1)"))),
    "os._exit in a cell": Case(
        changed(own_cell("import os\nos._exit(0)")), ("below `setup`: your code ended the process",)
    ),
    "os._exit in an answer": Case(
        changed(instead("os._exit(0)")), lost={"conv1x1": "ended the process it ran in, as os._exit does"}
    ),
    "crash": Case(changed(instead("ctypes.string_at(0)")), lost={"conv1x1": "(SIGSEGV)"}),
    "endless loop": Case(
        changed(instead("while True: pass")), lost={"conv1x1": "your function was stopped after 2 s"}
    ),
    "endless loop in a cell": Case(
        changed(own_cell("while True:\n    pass")), ("below `setup`: this cell was stopped after 5 s",)
    ),
    "memory bomb": Case(
        changed(instead("return np.ones(10**9)")), lost={"conv1x1": "it needs more than the 381 MB of memory"}
    ),
}


def course_with(root, class_):
    """The course with one small chapter in a folder of its own, and what a class has handed in."""
    make_course(root, {"cell_seconds": 5, "call_seconds": 2, "memory_bytes": 400_000_000})
    for student, case in class_.items():
        folder = root / "submitted" / student / CH02.id
        folder.mkdir(parents=True)
        case.hand_in(folder)


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory):
    """What `course grade` says of them all in the terminal, run by somebody without root's rights, and the pages."""
    folder = Path(tempfile.mkdtemp(prefix="broken-"))  # pytest's own folders are closed to nobody
    course_with(folder / "course", BROKEN)
    (folder / "home").mkdir()
    command = [sys.executable, "-m", "course", "grade", CH02.id, "--workers", "2"]
    if os.geteuid() == 0:
        command = [sys.executable, str(Path(__file__).with_name("elsewhere.py")), "nobody", *command]
        user = pwd.getpwnam("nobody")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    environment = os.environ | {"HOME": str(folder / "home"), "PYTHONPATH": str(folder / "course")}
    ran = subprocess.run(
        command, cwd=folder / "course", env=environment, capture_output=True, text=True, check=False
    )
    pages = {p.parts[-3]: p.read_text() for p in (folder / "course" / "feedback").glob("*/*/*.html")}
    yield ran, pages
    for path in [p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink()]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def lines_of(ran, start, student):
    """The lines of this kind that are about a student."""
    start = f"{start} {CH02.id} {student}: "
    return [line.removeprefix(start) for line in ran.stdout.splitlines() if line.startswith(start)]


@pytest.mark.slow
def test_all_are_graded_or_said_to_have_failed(graded_class):
    ran, pages = graded_class
    failed = sum(1 for case in BROKEN.values() if case.error)
    assert ran.stderr == f"{failed} of {len(BROKEN)} submissions could not be graded\n"
    assert ran.returncode == 1
    assert set(pages) == set(BROKEN)
    assert ran.stdout.startswith("isolation: ")


@pytest.mark.slow
@pytest.mark.parametrize("student", BROKEN)
def test_each_gets_the_right_mark_and_the_reason_in_the_terminal_and_on_the_page(student, graded_class):
    ran, pages = graded_class
    case, page = BROKEN[student], html.unescape(pages[student])
    line = next(x for x in ran.stdout.splitlines() if x.startswith(f"{student}  {CH02.id}  "))
    assert line.split("  ")[2] == case.mark
    notes = lines_of(ran, "note:", student)
    assert len(notes) == len(case.notes), notes
    assert all(words in note for words, note in zip(case.notes, notes, strict=True)), notes
    assert page.count("Note: ") == len(notes)
    assert all(f"Note: {note.rstrip('.')}." in page for note in notes)
    reasons = lines_of(ran, "FAILED", student)
    assert len(reasons) == bool(case.error)
    assert all(case.error in reason and reason.rstrip(".") in page for reason in reasons), reasons
    zeros = " ".join(lines_of(ran, "no points:", student))
    assert bool(zeros) == bool(case.lost)
    for exercise, why in case.lost.items():
        assert re.search(rf"\b{exercise}\b", zeros)
        assert why in zeros
        assert why in page
    assert f"<strong>{case.score:g}</strong> of" in page
