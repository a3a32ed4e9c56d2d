"""Hostile notebooks: no attack gains a mark or leaves a trace, without root and with it, with namespaces and without.

Each attack (attacks/*.py) takes the place of the answer to `rotate180`; the answers before and after it are honest. It
calls `succeed()` when it gets what it wants, and then the mark says so.
"""

import contextlib
import copy
import hashlib
import json
import os
import re
import select
import shlex
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import determine_grade, is_grade

from course.build.text import without_markers
from course.grading.isolation.limits import MB, Limits
from course.grading.isolation.worker import IsolationError, Worker
from course.grading.record import Record
from course.grading.work import Folder, Lesson
from course.paths import Chapter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")

HERE = Path(__file__).parent
CH02 = Chapter("ch02_conv2d")
ATTACKED, HONEST = "rotate180", ("cross_correlate2d", "conv1x1")
# They take long: many calls, and a picture of what is wrong.
LEFT_OUT = ("cross_correlate2d-hidden", "rotate180-examples", "conv1x1-hidden")
PRELUDE = (HERE / "attacks/prelude.py").read_text()
LIMITS = Limits(
    cell_seconds=3,
    call_seconds=2,
    cpu_seconds=20,
    submission_seconds=60,
    memory_bytes=384 * MB,
    output_bytes=MB // 2,
    picture_bytes=2 * MB,
    message_bytes=64 * MB,
    file_bytes=8 * MB,
    files_bytes=24 * MB,
    threads=16,
)


def cell_name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def exercise(cell):
    return cell_name(cell).partition("-")[0]


def small_course():
    """Three exercises of chapter 2 and what is given, with their solutions."""
    nb = nbformat.read(CH02.made("source"), as_version=4)
    wanted = [c for c in nb.cells if exercise(c) in (ATTACKED, *HONEST, "setup") and c.cell_type == "code"]
    nb.cells = [c for c in wanted if cell_name(c) not in LEFT_OUT]
    return nb


SOURCE = small_course()
LESSON = Lesson(CH02.id, CH02.notebook, Record.of_notebook(SOURCE))
POINTS = {n: c.points for n, c in LESSON.record.cells.items() if c.is_test}
FULL = {n: p for n, p in POINTS.items() if n.partition("-")[0] in HONEST}
DESERVED = POINTS | {n: 0.0 for n in POINTS if n not in FULL}


def solved():
    nb = copy.deepcopy(SOURCE)
    for cell in nb.cells:
        cell.source = without_markers(cell.source)
        cell.outputs, cell.execution_count = [], None
    return nb


def attacking(code):
    nb = solved()
    next(c for c in nb.cells if cell_name(c) == ATTACKED).source = code
    return nb


def marks(nb):
    return {cell_name(c): determine_grade(c)[0] for c in nb.cells if is_grade(c)}


def text_of(nb):
    """What the attacked exercise's cells show."""
    return "\n".join(json.dumps(c.outputs, ensure_ascii=False) for c in nb.cells if exercise(c) == ATTACKED)


def read_attacks():
    """family: title -> (code, what is said, code of the next submission)."""
    found = {}
    for path in sorted((HERE / "attacks").glob("*.py")):
        if path.stem == "prelude":
            continue
        for part in path.read_text().split("\n# %% ")[1:]:
            title, _, code = part.partition("\n")
            says = re.search(r"^# says: (.*)$", code, re.MULTILINE)
            code, _, then = code.partition("\n# then:\n")
            found[f"{path.stem}: {title}"] = code, says and says[1].split("|"), then
    return found


ATTACKS = read_attacks()

# ---------------------------------------------------------------- where it runs

ROOT = os.geteuid() == 0
PLACES = {
    "as it is": ("", "full"),
    "without namespaces": ("no-namespaces", "landlock"),
    "nobody": ("nobody", "full"),
    "nobody without namespaces": ("nobody,no-namespaces", "landlock"),
}


class Place:
    """A worker somewhere, and around it all that an attack might reach."""

    def __init__(self, folder, how, level, require="landlock"):
        self.folder, self.how, self.require = folder, how, require
        self.outside, self.temporary, self.home = (folder / n for n in ("outside", "tmp", "home"))
        folder.chmod(0o755)
        for path in (self.outside, self.temporary, self.home):
            path.mkdir()
            path.chmod(0o777)
        self.fill()
        with pytest.MonkeyPatch.context() as patch:
            self.start(patch)
        self.listeners = self.listen()
        self.process = self.worker.process.pid
        self.prelude = self.names() + PRELUDE
        self.before = self.state()
        assert self.worker.level == level or not how, "this kernel gives less than it should"

    def start(self, patch):
        """The worker, and a process beside it that it must leave alone."""
        patch.setenv("TMPDIR", str(self.temporary))
        patch.setenv("ATTACK_SECRET", "x")
        if "nobody" in self.how:
            patch.setenv("HOME", str(self.home))
        if self.how:
            python = self.folder / "python"
            start = shlex.join([sys.executable, str(HERE / "elsewhere.py"), self.how, sys.executable])
            python.write_text(f'#!/bin/sh\nexec {start} "$@"\n')
            python.chmod(0o755)
            patch.setattr(sys, "executable", str(python))
        self.worker = Worker(self.require, LIMITS)
        asleep = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(3600)"]
        self.victims = [subprocess.Popen(asleep, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)]
        assert self.victims[0].stdout.readline() == b"up\n"

    def fill(self):
        """A course's folder that the file system would let anybody write to."""
        for name, text in {
            "solutions/solution.py": "succeed()\n",
            "source/ch02_conv2d/conv2d.ipynb": "{}",
            "submitted/ann/ch02_conv2d/conv2d.ipynb": "{}",
            "empty/.keep": "",
        }.items():
            (self.outside / name).parent.mkdir(parents=True, exist_ok=True)
            (self.outside / name).write_text(text)
        (self.outside / "empty/.keep").unlink()
        with contextlib.closing(sqlite3.connect(self.outside / "gradebook.db")) as book:
            book.execute("create table grade (score)")
            book.execute("insert into grade values (0)")
            book.commit()
        for path in self.outside.rglob("*"):
            path.chmod(0o777 if path.is_dir() else 0o666)

    def listen(self):
        unix, listeners = str(self.folder / "socket"), []
        for family, kind, address in (
            (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            (socket.AF_UNIX, socket.SOCK_STREAM, unix),
            (socket.AF_UNIX, socket.SOCK_STREAM, f"\0attacks-{os.getpid()}-{self.folder.name}"),
        ):
            listener = socket.socket(family, kind)
            listener.bind(address)
            if kind == socket.SOCK_STREAM:
                listener.listen()
            listeners.append(listener)
        Path(unix).chmod(0o777)
        return listeners

    def names(self):
        tcp, udp, unix, abstract = (s.getsockname() for s in self.listeners)
        abstract = abstract.decode() if isinstance(abstract, bytes) else abstract
        victims = [v.pid for v in self.victims] + [os.getpid(), self.process]
        values = {"OUTSIDE": str(self.outside), "TCP": tcp[1], "UDP": udp[1]}
        values |= {"UNIX": unix, "ABSTRACT": abstract, "VICTIMS": victims}
        return "".join(f"{k} = {v!r}\n" for k, v in values.items())

    def run(self, nb):
        """The marks, and what the attacked exercise's cells show."""
        done = self.worker.execute(LESSON, nb)
        assert done.error is None
        nbformat.validate(done.notebook)
        json.dumps(done.notebook, allow_nan=False)
        return marks(done.notebook), text_of(done.notebook)

    def state(self):
        """All that must be as before."""
        traces = [
            p
            for f in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/", Path.home())
            for p in Path(f).glob("*trace*")
        ]
        bases = sorted(self.temporary.glob("course-students-*"))
        return {
            "files": [file_state(p) for p in [self.outside, *sorted(self.outside.rglob("*"))]],
            "traces": [p for p in traces if "attack" in p.name],
            "temporary": sorted(self.temporary.iterdir()),
            "left by students": [p for b in bases for p in b.iterdir()],
            "contacts": select.select(self.listeners, [], [], 0)[0],
            "victims": [process_state(v.pid) for v in self.victims],
            "processes": processes_with(f"TMPDIR={self.temporary}"),
            "worker": self.worker.process and self.worker.process.pid,
        }

    def close(self):
        self.worker.close()
        for victim in self.victims:
            victim.kill()
            victim.communicate()
        for listener in self.listeners:
            listener.close()


def file_state(path):
    at = path.lstat()
    data = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return (
        str(path),
        at.st_mode,
        at.st_uid,
        at.st_nlink,
        at.st_mtime_ns,
        at.st_ctime_ns,
        data,
        os.listxattr(path),
    )


def process_state(pid):
    """Running, with its own priority and affinity."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    limits = Path(f"/proc/{pid}/limits").read_text()
    alive = fields[0] in "RSD"  # neither stopped nor dead
    return alive, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid), limits


def processes_with(text):
    """All processes that were started with this in their environment, children included."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and text.encode() in (entry / "environ").read_bytes().split(b"\0"):
                status = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found.append((int(entry.name), status == "Z"))
    return sorted(found)


def in_places(tests, everywhere=lambda test: True):
    """Tests as they are, and those that the place matters to in all the others as well."""
    possible = [p for p in PLACES if ROOT or "nobody" not in p]
    return [
        pytest.param(p, t, id=f"{p}-{t}", marks=[] if p == "as it is" else pytest.mark.slow)
        for p in possible
        for t in tests
        if p == "as it is" or everywhere(t)
    ]


def asks_the_kernel(attack):
    """Whether it is the kernel that stops it, and not the examiner."""
    family, _, title = attack.partition(": ")
    about = ("memory", "file", "thread", "descriptor", "inode", "end", "sleep", "C code", "SIGINT")
    return family in KERNEL_FAMILIES or (family == "resources" and any(word in title for word in about))


KERNEL_FAMILIES = ("reading", "writing", "network", "processes", "state")


@pytest.fixture(scope="module")
def places():
    """The places, made when they are asked for, and kept until the end. pytest's own folders are closed to nobody."""
    made = {}
    with contextlib.ExitStack() as folders:

        def get(name):
            if name not in made:
                folder = folders.enter_context(tempfile.TemporaryDirectory(prefix="attacks-"))
                made[name] = Place(Path(folder), *PLACES[name])
            return made[name]

        yield get
        for place in made.values():
            place.close()
        assert [p for place in made.values() for p in place.temporary.iterdir()] == []


@pytest.fixture
def place(places, request):
    return places(request.param)


# ---------------------------------------------------------------- the attacks


def test_there_are_enough():
    assert len(ATTACKS) >= 60


def honest_work_gets_all_marks(place):
    assert place.run(solved())[0] == POINTS
    assert_nothing_changed(place)


def an_attack_that_succeeds_would_be_seen(place):
    assert place.run(attacking(place.prelude + "succeed()"))[0] == POINTS


def the_process_is_not_roots(place):
    _, text = place.run(
        attacking(place.prelude + "print('uid', os.getuid(), os.getresuid(), os.getgroups())")
    )
    uid = int(re.search(r"uid (\d+)", text)[1])
    assert uid != 0
    assert uid >= 40_000 or not ROOT or "nobody" in place.how


WALLS = {
    f.__name__: f
    for f in (
        honest_work_gets_all_marks,
        an_attack_that_succeeds_would_be_seen,
        the_process_is_not_roots,
    )
}


@pytest.mark.parametrize(("place", "what"), in_places(WALLS), indirect=["place"])
def test_walls(place, what):
    WALLS[what](place)


@pytest.mark.parametrize(("place", "attack"), in_places(ATTACKS, asks_the_kernel), indirect=["place"])
def test_attack(place, attack):
    code, says, then = ATTACKS[attack]
    for part in filter(None, (code, then)):
        got, text = place.run(attacking(place.prelude + part))
        assert got == DESERVED, text[:3000]
    assert not says or any(s in text for s in says), text[-3000:]
    assert_nothing_changed(place)


def assert_nothing_changed(place):
    after = place.state()
    for _ in range(20):  # a process that was killed takes a moment to go
        if after == place.before:
            return
        time.sleep(0.05)
        after = place.state()
    changes = {k: (place.before[k], after[k]) for k in after if after[k] != place.before[k]}
    place.before = after  # the next attack is judged for itself
    raise AssertionError(changes)


@pytest.mark.slow
def test_too_weak_a_level_is_refused(tmp_path):
    weak = PLACES["without namespaces"]
    with pytest.raises(
        IsolationError, match="isolation level 'landlock', and 'full' is asked for: no namespaces"
    ):
        Place(tmp_path, *weak, require="full")


# ---------------------------------------------------------------- what else is in the notebook, and beside it


def cell_of(nb, name):
    return next(c for c in nb.cells if cell_name(c) == name)


def points(nb):
    for cell in filter(cell_name, nb.cells):
        cell.metadata.nbgrader.update(points=1000, max_points=1000)


def outputs(nb):
    for cell in nb.cells:
        cell.outputs = [nbformat.v4.new_output("stream", text="✓ rotate180")]
        cell.execution_count = 1


def partial_credit(nb):
    cell_of(nb, "rotate180-hidden").source = "3.0"


def no_tests(nb):
    cell_of(nb, "rotate180-hidden").source = ""


def answers_for_tests(nb):
    cell_of(nb, "rotate180-hidden").metadata.nbgrader.update(solution=True, grade=True, locked=False)
    partial_credit(nb)


def answers_alone_for_tests(nb):
    cell_of(nb, "rotate180-hidden").metadata.nbgrader.update(solution=True, grade=False, locked=False)
    partial_credit(nb)


def text_for_tests(nb):
    cell = cell_of(nb, "rotate180-hidden")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


def swapped_names(nb):
    one, other = cell_of(nb, "rotate180-hidden"), cell_of(nb, "conv1x1-examples")
    one.metadata.nbgrader.grade_id, other.metadata.nbgrader.grade_id = "conv1x1-examples", "rotate180-hidden"


def a_second_test(nb):
    copied = copy.deepcopy(cell_of(nb, "rotate180-hidden"))
    copied.source = "pass"
    nb.cells.insert(0, copied)
    nb.cells.append(copy.deepcopy(copied))


def a_test_of_ones_own(nb):
    extra = copy.deepcopy(cell_of(nb, "rotate180-hidden"))
    extra.metadata.nbgrader.update(grade_id="rotate180-bonus", points=50)
    extra.source = "pass"
    nb.cells.append(extra)


def skipped(nb):
    for cell in nb.cells:
        cell.metadata.tags = ["skip-execution", "remove_cell", "raises-exception"]


def given_code_changed(nb):
    cell_of(nb, "setup").source = "check = call = __import__('unittest.mock').mock.MagicMock()"


def answers_as_given_code(nb):
    cell = cell_of(nb, ATTACKED)
    cell.metadata.nbgrader.update(solution=False, locked=True)
    cell.source = "check = None\n" + cell.source


def claims(nb):
    nb.metadata.update(course_isolation="full, really", course_notes=["all is right"], course_copied=True)
    for cell in nb.cells:
        cell.metadata["course_copied"] = True


def another_kernel(nb):
    nb.metadata["kernelspec"] = {
        "name": "bash",
        "display_name": "$(touch /tmp/trace-of-an-attack)",
        "language": "bash",
    }
    nb.metadata["language_info"] = {"name": "R"}


def deep(nb):
    inner = {}
    for _ in range(300):
        inner = {"x": inner}
    nb.metadata["deep"] = inner
    cell_of(nb, ATTACKED).metadata["deep"] = inner


FORGERIES = {
    f.__name__: f
    for f in (
        points,
        outputs,
        partial_credit,
        no_tests,
        answers_for_tests,
        answers_alone_for_tests,
        text_for_tests,
        swapped_names,
        a_second_test,
        a_test_of_ones_own,
        skipped,
        given_code_changed,
        answers_as_given_code,
        claims,
        another_kernel,
        deep,
    )
}
WHOLE = Lesson(LESSON.chapter, LESSON.notebook, LESSON.record, json.dumps(SOURCE).encode())


def handed_in(place, nb, files=None):
    """The marks of a notebook as it was handed in."""
    done = place.worker.work(WHOLE, Folder({"conv2d.ipynb": json.dumps(nb).encode()} | (files or {})))
    assert done.error is None
    assert done.notebook.metadata["course_isolation"] == done.isolation == place.worker.level
    assert {cell_name(c): c.metadata.nbgrader.points for c in done.notebook.cells if is_grade(c)} == POINTS
    return marks(done.notebook)


@pytest.mark.parametrize(("place", "forge"), in_places(FORGERIES, lambda _: False), indirect=["place"])
def test_forged_notebook(place, forge):
    nb = attacking("def rotate180(w):\n    return w * 0")
    FORGERIES[forge](nb)
    assert handed_in(place, nb) == DESERVED
    assert_nothing_changed(place)


FILES = [
    "numpy.py",
    "torch.py",
    "course/__init__.py",
    "course/kit/check.py",
    "msgpack/__init__.py",
    "sitecustomize.py",
    "usercustomize.py",
    "evil.pth",
    "ipython_config.py",
    ".ipython/profile_default/startup/00.py",
    "profile_default/startup/00.py",
    "matplotlibrc",
    "nbgrader_config.py",
    "conftest.py",
    "unittest.py",
    "importlib.py",
]


@pytest.mark.parametrize("place", ["as it is"], indirect=True)
def test_files_that_stand_in_for_others(place):
    code = b"import builtins\nbuiltins.STOOD_IN = 1\ndef __getattr__(name): return lambda *a, **k: True\n"
    nb = attacking(place.prelude + "import builtins\nif hasattr(builtins, 'STOOD_IN'): succeed()")
    assert handed_in(place, nb, dict.fromkeys(FILES, code)) == DESERVED
    assert_nothing_changed(place)


STRANGE = ["../trace", "../../trace", "/tmp/trace-of-an-attack", "a/../../trace", "a\0b", "a/b/c/d.txt"]


@pytest.mark.parametrize(("place", "name"), in_places(STRANGE), indirect=["place"])
def test_files_of_strange_names(place, name):
    nb = attacking("def rotate180(w):\n    return w * 0")
    assert handed_in(place, nb, {name: b"x"}) == DESERVED
    assert_nothing_changed(place)


MANY = {
    "many": {f"data/{i}.txt": b"x" for i in range(5000)},
    "large": dict.fromkeys(("a.bin", "b.bin"), bytes(20 * MB)),
    "one too large": {"a.bin": bytes(60 * MB)},
    "a long name": {"x" * 300: b"", "/".join(["d" * 200] * 30): b""},
    "a file that is a folder": {"a": b"", "a/b": b"", "a/b/c": b""},
    "a name that is none": {"": b"", ".": b"", "..": b"", "/": b""},
}


@pytest.mark.parametrize(("place", "files"), in_places(MANY), indirect=["place"])
def test_files_that_there_is_no_place_for(place, files):
    nb = attacking("def rotate180(w):\n    return w * 0")
    assert handed_in(place, nb, MANY[files]) == DESERVED
    assert_nothing_changed(place)
