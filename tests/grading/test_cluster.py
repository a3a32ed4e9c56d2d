"""A real Dask scheduler and workers on this machine: all marks arrive, once, whatever happens to the workers."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from stand_in import CH01, course_folder, rows_of, solver, submit

from course.converters import settings
from course.grading import cluster
from course.grading.cluster import ClusterPool, fingerprint
from course.grading.grade import grade, register
from course.grading.isolation.limits import Limits
from course.grading.isolation.worker import Worker
from course.grading.pool import LocalPool, PoolError, Task
from course.grading.work import Folder
from course.kit.exercise import load

pytestmark = pytest.mark.slow
STUDENTS = [f"student-{n:02}" for n in range(12)]

# What a Dask worker loads first where no student's code is to be run.
STAND_IN = f"""
import os, sys, threading, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from course.grading import cluster
from course.grading.isolation import worker
from stand_in import StandIn

class Quick(StandIn):
    running = 0
    def __init__(self, require):
        pass
    def work(self, lesson, folder):
        Quick.running += 1
        if b"die" in folder.files.values():
            os._exit(9)
        time.sleep(0.15)
        done = super().work(lesson, folder)
        done.notes.append(f"{{Quick.running}} at once, in {{os.getpid()}}, {{self.limits.call_seconds}} s a call")
        Quick.running -= 1
        return done

worker.Worker = Quick
"""
TOO_WEAK = """
from course.grading.isolation import worker
def too_weak(require):
    raise worker.IsolationError("this kernel has no Landlock")
worker.Worker = too_weak
"""
OTHER_VERSION = """
from course.grading import cluster
here = cluster.fingerprint() | {"numpy": "1.0", "course/kit": "other"}
cluster.fingerprint, cluster._LOADED = lambda: here, here
"""


class Cluster:
    """A scheduler and its workers, as processes."""

    def __init__(self, folder):
        self.folder, self.file, self.running = folder, folder / "scheduler.json", []
        self.scheduler = self.start(
            "Scheduler at", "scheduler", "--port", "0", "--scheduler-file", str(self.file)
        )
        wait_for(self.file.exists)
        self.address = json.loads(self.file.read_text())["address"]

    def start(self, sign, *arguments):
        """Start a process and wait until it says the sign."""
        log = self.folder / f"{len(self.running)}.log"
        command = [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
        command += ["--dashboard-address", "127.0.0.1:0"]
        with log.open("w") as output:
            self.running.append(subprocess.Popen(command, cwd=self.folder, stdout=output, stderr=output))
        wait_for(lambda: sign in log.read_text())
        return self.running[-1]

    def worker(self, first=STAND_IN, threads=1, nanny=False):
        """Start a worker that runs the text `first` first; without a nanny nobody starts it again."""
        arguments = ["worker", self.address, "--nthreads", str(threads), "--memory-limit", "0"]
        if first:
            script = self.folder / f"first{len(self.running)}.py"
            script.write_text(first)
            arguments += ["--preload", str(script)]
        return self.start("Registered to", *arguments, "--nanny" if nanny else "--no-nanny")

    def close(self):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(condition, seconds=60):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.fixture
def dask(tmp_path):
    with contextlib.closing(Cluster(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    return register(CH01, course_folder(tmp_path_factory.mktemp("lesson")))


def tasks(lesson, count=12):
    data = CH01.made("release").read_bytes()
    return [Task(s, lesson, Folder({"conv1d.ipynb": data, "name": s.encode()})) for s in STUDENTS[:count]]


def run(pool, work):
    finished = list(pool.results(work))
    assert sorted(f.task.student for f in finished) == sorted(t.student for t in work)
    return {f.task.student: f for f in finished}


def test_marks_are_those_of_one_machine_though_a_worker_is_killed(dask, tmp_path):
    def graded(name, pool):
        root = course_folder(tmp_path / name)
        shutil.copytree(CH01.made("solutions").parent, CH01.made("solutions", root).parent)
        for number, student in enumerate(STUDENTS):
            submit(root, student, solver(only=names[: number % 4 * 3]))
        submit(root, "broken").write_text("{")
        with pool:
            for result in grade([register(CH01, root)], pool, root):
                seen.append(replace(result, seconds=0))
                if isinstance(pool, ClusterPool) and len(seen) == 4:
                    victim.kill()
        notebooks = {p.parts[-3]: p.read_bytes() for p in root.glob("autograded/*/*/*.ipynb")}
        return rows_of(settings(root).CourseDirectory.db_url), notebooks

    names, said, seen = list(load(CH01.id)), [], []
    victim, _ = dask.worker(first=None), dask.worker(first=None)
    with ClusterPool(dask.address, say=said.append) as pool:
        assert pool.level in ("landlock", "full")
        orphans = psutil.Process(victim.pid).children(recursive=True)
        assert orphans
        written = graded("cluster", pool)
    assert any("is lost" in text for text in said)
    assert len(seen) == len(STUDENTS) + 1
    wait_for(lambda: not any(p.is_running() for p in orphans))
    on_cluster = sorted(seen, key=lambda r: r.student)
    seen.clear()
    assert graded("local", LocalPool(2, Worker)) == written
    assert sorted(seen, key=lambda r: r.student) == on_cluster
    assert {r.student for r in on_cluster if r.error} == {"broken"}
    assert len({r.score for r in on_cluster}) >= 4


def test_submissions_are_taken_only_as_workers_get_free(dask, lesson):
    dask.worker()
    taken = []

    def each():
        for task in tasks(lesson):
            taken.append(task)
            yield task

    with ClusterPool(dask.address) as pool:
        for number, _ in enumerate(pool.results(each())):
            assert len(taken) - number <= 4


def test_threads_of_a_worker_run_submissions_side_by_side(dask, lesson):
    dask.worker(threads=3)
    with ClusterPool(dask.address) as pool:
        results = run(pool, tasks(lesson))
    assert max(int(f.done.notes[0][0]) for f in results.values()) == 3
    assert not any(f.problem for f in results.values())


def test_a_worker_that_comes_later_gets_work(dask, lesson):
    dask.worker()
    pids = set()
    with ClusterPool(dask.address) as pool:
        for number, finished in enumerate(pool.results(tasks(lesson, 12) * 8)):
            pids.add(finished.done.notes[0].split(",")[1])
            if number == 1:
                dask.worker()
    assert len(pids) == 2


def test_the_limits_go_with_the_submission(dask, lesson):
    limits = Future()
    limits.set_result(Limits(call_seconds=7))
    dask.worker()
    with ClusterPool(dask.address, limits=limits) as pool:
        results = run(pool, tasks(lesson, 1))
    assert "7 s a call" in results[STUDENTS[0]].done.notes[0]


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (TOO_WEAK, "this kernel has no Landlock"),
        (
            OTHER_VERSION,
            f"it has another course/kit, numpy 1.0 instead of {fingerprint()['numpy']}; install ",
        ),
    ],
)
def test_a_worker_that_is_not_fit_is_refused_by_name_and_the_others_do_its_work(dask, lesson, first, why):
    dask.worker(first)
    said = []
    with ClusterPool(dask.address, say=said.append) as pool:
        with pytest.raises(PoolError, match=r"no worker of the cluster at .* is fit"):
            run(pool, tasks(lesson, 2))
        assert re.fullmatch(rf"worker tcp://127.0.0.1:\d+ gets no work: .*{why}.*", said.pop())
        dask.worker()
        time.sleep(cluster.LOOK)
        run(pool, tasks(lesson, 4))
    assert not said


def test_a_submission_that_ends_dask_workers_fails_alone(dask, lesson):
    for _ in range(2):
        dask.worker(nanny=True)
    bad = Task("bad", lesson, Folder({"conv1d.ipynb": b"die"}))
    with ClusterPool(dask.address, say=lambda _: None) as pool:
        work = tasks(lesson)
        results = run(pool, [*work[:3], bad, *work[3:]])
    assert "failed 3 times" in results.pop("bad").problem
    assert not [f.problem for f in results.values() if f.problem]


def test_without_workers_grading_waits_and_then_gives_up(dask, lesson):
    only = dask.worker()
    said = []
    with ClusterPool(dask.address, say=said.append, patience=3) as pool:
        results = pool.results(tasks(lesson))
        next(results)
        only.kill()
        with pytest.raises(PoolError, match=r"had no worker ready for 3 s\. What was graded is kept"):
            list(results)
    assert [text.rpartition(";")[2] for text in said][-1] == " waiting up to 3 s for one"


def test_without_a_scheduler_grading_says_so(dask, lesson, monkeypatch, caplog):
    dask.worker()
    with ClusterPool(dask.address) as pool:
        results = pool.results(tasks(lesson))
        next(results)
        dask.scheduler.send_signal(signal.SIGKILL)
        with pytest.raises(PoolError, match=r"the scheduler at tcp://.* can't be reached any more"):
            list(results)


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "nonsense://x", "tls://127.0.0.1:1", "127.0.0.1:port"]
)
def test_an_address_where_no_scheduler_is(address, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 1)
    with pytest.raises(PoolError, match=r"no Dask scheduler answers at .* looks like tcp://host:8786"):
        ClusterPool(address)


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PoolError, match=r"pip install --editable '.\[cluster\]'"):
        ClusterPool("tcp://127.0.0.1:1")


def test_a_changed_course_is_refused_until_the_worker_is_started_again(monkeypatch):
    monkeypatch.setattr(cluster, "_LOADED", {})
    assert "start it again" in cluster.greet(fingerprint(), "landlock")["problem"]
