"""kill -9 of whatever grades, at random moments: no mark is lost or given twice, and nothing stays behind."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from small_course import CH02, complete, make_course, write
from stand_in import rows_of

from course.converters import settings
from course.grading.gradebook import Entry
from course.grading.isolation.limits import Limits
from course.grading.isolation.nursery import FOLDER
from course.grading.isolation.session import Nursery, Session, StartError

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")]

SEED = 1
KILLS = {"coordinator": 7, "worker": 7, "nursery": 6, "examiner": 12, "student": 18}
ANSWERED = [None, [], ["rotate180"], ["cross_correlate2d", "conv1x1"]]  # None: all
STUDENTS = [f"student-{n:02}" for n in range(12)]


class Grading:
    """A course folder and the `course grade` that runs in it, started again when it is killed."""

    def __init__(self, root, temporary):
        self.root, self.temporary = root, temporary
        temporary.mkdir(parents=True)
        make_course(root, {})
        for number, student in enumerate(STUDENTS):
            answered = ANSWERED[number % len(ANSWERED)]
            write(root / "submitted" / student / CH02.id / "conv2d.ipynb", complete(answered))
        self.running = None

    def start(self, *options):
        environment = os.environ | {"PYTHONPATH": str(self.root), "TMPDIR": str(self.temporary)}
        command = [sys.executable, "-m", "course", "grade", CH02.id, "--workers", "2", *options]
        with (self.temporary.parent / "said").open("w") as said:
            self.running = subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=said, stderr=subprocess.STDOUT
            )

    def finish(self):
        """Run until all is graded; gives what the last run said."""
        for _ in range(5):
            if self.running is None:
                self.start()
            code, self.running = self.running.wait(120), None
            said = (self.temporary.parent / "said").read_text()
            if code == 0:
                return said
            assert code == 1, said
            failed = [line for line in said.splitlines() if line.startswith("FAILED ")]
            assert all("the grader failed" in line for line in failed), (
                said
            )  # too many kills at one submission
        raise AssertionError(f"it does not come to an end:\n{said}")

    def state(self):
        """The gradebook's rows, our own ledger, and the text of all files that were made."""
        url = settings(self.root).CourseDirectory.db_url
        engine = sa.create_engine(url)
        with sa.orm.Session(engine) as session:
            kept = [c.key for c in Entry.__table__.columns if c.key != "graded_at"]
            ledger = sorted([getattr(e, k) for k in kept] for e in session.scalars(sa.select(Entry)))
        engine.dispose()
        made = [p for f in ("autograded", "feedback") for p in (self.root / f).rglob("*") if p.is_file()]
        files = {str(p.relative_to(self.root)): p.read_text() for p in made}
        names = sorted(p.name for p in self.root.iterdir() if p.name != "__pycache__")
        return {"rows": rows_of(url), "ledger": ledger, "files": files, "names": names}

    def processes(self):
        """The processes below the coordinator, by kind."""
        found = {
            "coordinator": [self.running.pid],
            "worker": [],
            "nursery": [],
            "examiner": [],
            "student": [],
        }
        kinds = {self.running.pid: "coordinator"}
        for pid, parent, command in processes():
            if kinds.get(parent) == "coordinator" and "isolation.worker" in command:
                kinds[pid] = "worker"
            elif kinds.get(parent) == "worker":
                kinds[pid] = "nursery" if "isolation.nursery" in command else "examiner"
            elif kinds.get(parent) == "nursery":
                kinds[pid] = "student"
            if pid in kinds and pid != self.running.pid:
                found[kinds[pid]].append(pid)
        return found


def processes():
    """All processes, parents first: pid, parent, command."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_text()
                found.append((int(fields[19]), int(entry.name), int(fields[1]), fields[0], command))
        except (OSError, UnicodeDecodeError):
            continue
    return [(pid, parent, command) for _, pid, parent, state, command in sorted(found) if state != "Z"]


def descendants_of_a_dead_run(temporary):
    """Workers, examiners, servers and students that nobody waits for: they say where their temporary files go."""
    marked = []
    for pid, _, _ in processes():
        try:
            if f"TMPDIR={temporary}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                marked.append(pid)
        except OSError:
            continue
    return marked


def kill_one(grading, kind, chance):
    """Kill a process of a kind as soon as there is one; True where that was done."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if grading.running.poll() is not None:
            return False
        if found := grading.processes()[kind]:
            if kind != "coordinator":
                time.sleep(chance.uniform(0, 0.05))
            try:
                os.kill(chance.choice(found), signal.SIGKILL)
            except ProcessLookupError:
                continue
            return True
        time.sleep(0.005)
    raise AssertionError(f"there was no {kind} for a minute")


def disturb(grading, chance):
    """All the kills, in runs that are started again; all is graded again where a run got to its end."""
    kinds = [kind for kind, count in KILLS.items() for _ in range(count)]
    chance.shuffle(kinds)
    grading.start()
    for number, kind in enumerate(kinds):
        time.sleep(chance.uniform(0.5, 4) if kind == "coordinator" else chance.uniform(0.1, 0.6))
        while not kill_one(grading, kind, chance):
            grading.finish()
            grading.start("--force")
        print(f"{number:2} {time.strftime('%H:%M:%S')} {kind}", flush=True)
        if kind == "coordinator":
            grading.running.wait()
            grading.start()


def test_fifty_kills_change_nothing(tmp_path):
    calm, wild = (Grading(tmp_path / n / "course", tmp_path / n / "tmp") for n in ("calm", "wild"))
    calm.finish()
    disturb(wild, random.Random(SEED))
    said = wild.finish()
    expected, found = calm.state(), wild.state()
    for part in expected:
        assert found[part] == expected[part], f"{part}\n{said}"
    assert len(found["ledger"]) == len(STUDENTS)
    for _ in range(100):
        if not (left := descendants_of_a_dead_run(wild.temporary)):
            break
        time.sleep(0.1)
    assert not left
    assert all(p.name.startswith(FOLDER) for p in wild.temporary.iterdir())  # the next start removes these


def test_the_next_start_removes_what_a_killed_server_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    servers = [Nursery() for _ in range(4)]
    assert {s.level for s in servers} == {servers[0].level}  # all are ready
    for server in servers[:2]:
        server.process.kill()
        server.process.wait()
    assert len(list(tmp_path.iterdir())) == 4
    servers.append(Nursery())
    assert servers[-1].level
    assert len(list(tmp_path.iterdir())) == 3
    for server in servers:
        server.close()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_never_starts_is_the_graders_failure_and_no_mark(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    nursery = Nursery()
    spawn = nursery.spawn

    def spawn_and_kill(limits):
        started = spawn(limits)
        os.kill(started[1], signal.SIGKILL)
        return started

    nursery.spawn = spawn_and_kill
    session = Session(nursery, Limits(), {})
    with pytest.raises(StartError, match="no process for students' code starts here"):
        session.look(["x"])
    assert session.failure is not None
    nursery.spawn = spawn
    assert session.look(["x"]) == {}
    session.close()
    nursery.close()
