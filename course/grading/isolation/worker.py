"""A worker: a warm process with torch in it that examines submissions, one after the other, each in a fork of its own.

`Worker` is the handle, for whoever has submissions; run as a program, this is the process behind it:
`python -I -m course.grading.isolation.worker DESCRIPTOR`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import msgpack
import nbformat

from course.grading.isolation import sandbox
from course.grading.isolation.limits import Limits
from course.grading.isolation.protocol import Channel, ClosedError
from course.grading.work import Done, Folder, Lesson

_MODULE = "course.grading.isolation.worker"
_MAX_BYTES = 2**32 - 1
EXAMINER_BYTES = 4 * 2**30  # that an examiner may add: answers are bounded, what a test makes of them is not
TRIES = 3  # of a submission whose worker or examiner was killed, and to start a worker


class WorkerError(RuntimeError):
    """The grader's own processes don't do their work, which says nothing of a submission."""


class IsolationError(WorkerError):
    """The walls around a student's code would be lower than what was asked for."""


class Worker:
    """One worker process, started again when it dies. Not for several threads at once."""

    def __init__(self, require: str = "landlock", limits: Limits | None = None) -> None:
        self.require, self.limits = require, limits or Limits()
        self.process: subprocess.Popen | None = None
        self._start()

    def _start(self) -> None:
        if sys.platform != "linux":
            raise IsolationError(
                "the isolated grader needs Linux: run it in a Linux container or virtual machine. nbgrader's own way, "
                "without isolation, is left when c.Autograde.autograde_preprocessors is taken out of nbgrader_config.py"
            )
        for _ in range(TRIES):
            try:
                self._launch()
                hello = self._ask({"op": "hello"})
                break
            except ClosedError:
                self.close()
        else:
            raise WorkerError(
                f"a process that grades was started {TRIES} times, and ended each time before it was ready: is there "
                "enough memory? What it said is above"
            )
        self.level = hello["level"]
        if sandbox.LEVELS.index(self.level) < sandbox.LEVELS.index(self.require):
            self.close()
            raise IsolationError(
                f"students' code would run at isolation level '{self.level}', and '{self.require}' is asked for: "
                f"{'; '.join(hello['lacks'])}. Grade on Linux 5.13 or newer with libseccomp, in a container or virtual "
                f"machine that allows it; or accept the risk with --isolation {self.level}."
            )

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-m", _MODULE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | sandbox.ONE_THREAD,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.channel = Channel(ours.detach(), _MAX_BYTES)
        self.taught: set[str] = set()

    def teach(self, lesson: Lesson) -> None:
        """Tell the worker what it needs to know of a chapter; once is enough."""
        if lesson.digest not in self.taught:
            self._ask({"op": "teach", "digest": lesson.digest, "lesson": lesson.data})
            self.taught.add(lesson.digest)

    def work(self, lesson: Lesson, folder: Folder) -> Done:
        """Grade what a student handed in; raises WorkerError where the grader itself fails."""
        return self._work(lesson, {"files": folder.files, "notes": folder.notes})

    def execute(self, lesson: Lesson, nb: nbformat.NotebookNode) -> Done:
        """Run a notebook that has been restored already."""
        return self._work(lesson, {"notebook": json.dumps(nb)})

    def _work(self, lesson: Lesson, task: dict[str, Any]) -> Done:
        for _ in range(TRIES):
            try:
                if self.process is None:
                    self._start()
                self.teach(lesson)
                reply = self._ask(
                    {"op": "work", "digest": lesson.digest, "limits": self.limits.data, "task": task}
                )
                if reply["killed"]:
                    continue
                if reply["problem"] is not None:
                    raise WorkerError(reply["problem"])
                notebook = reply["notebook"] and nbformat.from_dict(json.loads(reply["notebook"]))
                return Done(notebook, reply["notes"], reply["error"], self.level)
            except ClosedError:
                self.close()
        raise WorkerError(f"its own process ended {TRIES} times at this notebook")

    def _ask(self, message: dict) -> dict:
        self.channel.send(msgpack.packb(message))
        return msgpack.unpackb(self.channel.receive())

    def close(self) -> None:
        """End the process and all it has started."""
        if self.process is None:
            return
        with contextlib.suppress(OSError):
            self.channel.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# ---------------------------------------------------------------- the process


def main() -> None:
    """Serve until the other side goes."""
    channel = Channel(int(sys.argv[1]), _MAX_BYTES)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the coordinator
    with sandbox.loading():
        server = _Server(channel)
    with contextlib.suppress(ClosedError), contextlib.closing(server):
        server.serve()


class _Server:
    def __init__(self, channel: Channel) -> None:
        from course.grading.isolation.session import Nursery

        self.channel = channel
        self.nursery = Nursery()  # starts while torch is loaded here
        import torch

        torch.set_num_threads(1)
        from course.grading import intake, restore  # noqa: F401 - for all forks at once
        from course.grading.isolation import examiner  # noqa: F401
        from course.grading.isolation.shell import make_shell
        from course.kit import images

        images.load()
        self.shell = make_shell()
        self.lessons: dict[str, Lesson] = {}
        self.spaces: dict[str, dict[str, Any]] = {}

    def serve(self) -> None:
        while True:
            request = msgpack.unpackb(self.channel.receive())
            operation = {"hello": self._hello, "teach": self._teach, "work": self._work}[request.pop("op")]
            self.channel.send(msgpack.packb(operation(**request)))

    def close(self) -> None:
        """End the server for students' processes; it tidies up."""
        self.nursery.close()

    def _hello(self) -> dict:
        return {"level": self.nursery.level, "lacks": self.nursery.lacks}

    def _teach(self, digest: str, lesson: dict) -> dict:
        """Run what the course gives of a chapter, once for all its submissions."""
        known = Lesson.of_data(lesson)
        self.shell.reset(new_session=True)
        for cell in known.record.cells.values():
            if cell.is_given:
                self.shell.run(cell.source, 0)
        self.lessons[digest], self.spaces[digest] = known, dict(self.shell.user_ns)
        self._rehearse(known)
        sandbox.prepare_to_fork()
        return {}

    def _rehearse(self, lesson: Lesson) -> None:
        """Run the solution and its examples here, so that every fork has loaded, and read, what they need."""
        from course.grading.isolation.illustrations import Illustrations

        nb = (
            nbformat.reads(lesson.source.decode(), as_version=4)
            if lesson.source
            else nbformat.v4.new_notebook()
        )
        for cell in nb.cells:
            role = lesson.record.cells.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            if cell.cell_type == "code" and role and (role.solution or role.name.endswith("-examples")):
                self.shell.run(cell.source, 0)
        for cell in lesson.record.cells.values():
            if cell.is_test:
                self.shell.learn(cell.source)
        Illustrations.of(nb, lesson)

    def _work(self, digest: str, limits: dict, task: dict) -> dict:
        """Have a fork do it, so that nothing of one submission is there for the next."""
        limits = Limits(**limits)
        reader, writer = os.pipe()
        if not (pid := os.fork()):
            try:
                os.close(reader)
                self._examine(writer, self.lessons[digest], self.spaces[digest], limits, task)
            finally:
                os._exit(1)
        os.close(writer)
        try:
            reply = self._reply_of(reader, time.monotonic() + 1.5 * limits.submission_seconds + 60)
        finally:
            os.close(reader)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.nursery.end()
        return reply or _reply(killed=True)

    def _reply_of(self, reader: int, ends: float) -> dict | None:
        parts = []
        while True:
            ready, _, _ = select.select([reader, self.channel.descriptor], [], [], 1.0)
            if self.channel.descriptor in ready:  # nothing is sent while we work: the other side has gone
                raise ClosedError("nobody waits for this any more")
            if reader in ready:
                part = os.read(reader, 1 << 20)
                if not part:
                    return msgpack.unpackb(b"".join(parts)) if parts else None
                parts.append(part)
            if time.monotonic() > ends:
                return _reply(error="grading took far too long and was given up")

    def _examine(self, writer: int, lesson: Lesson, space: dict, limits: Limits, task: dict) -> None:
        sandbox.die_with_parent(os.getppid())
        sandbox.limit_memory(EXAMINER_BYTES)
        self.shell.user_ns.clear()
        self.shell.user_ns.update(space)
        reply = msgpack.packb(_examined(self.shell, self.nursery, lesson, limits, task))
        with os.fdopen(writer, "wb") as out:
            out.write(reply)
        os._exit(0)


def _examined(shell: Any, nursery: Any, lesson: Lesson, limits: Limits, task: dict) -> dict:
    from course.grading.intake import IntakeError, find_notebook
    from course.grading.isolation.examiner import examine, mishaps
    from course.grading.isolation.session import StartError
    from course.grading.restore import NOTES, restored

    if "notebook" in task:
        nb, files, notes = nbformat.from_dict(json.loads(task["notebook"])), {}, []
    else:
        try:
            nb, files, noticed = find_notebook(Folder(task["files"], task["notes"]), lesson, limits)
            nb, repairs = restored(nb, lesson.record)
        except IntakeError as error:
            return _reply(notes=task["notes"], error=str(error))
        notes = [*task["notes"], *noticed, *repairs]
        nb.metadata[NOTES] = notes
    try:
        examine(nb, lesson, shell, nursery, limits, files)
    except StartError as error:
        return _reply(problem=str(error))
    nb.metadata["course_isolation"] = nursery.level
    return _reply(notebook=json.dumps(nb), notes=[*notes, *mishaps(nb, lesson)])


def _reply(**said: Any) -> dict:
    """What goes back. problem: why the grader, not the notebook, failed. killed: the examiner gave no answer."""
    return {"notebook": None, "notes": [], "error": None, "problem": None, "killed": False} | said


if __name__ == "__main__":
    main()
