"""A warm server that forks students' processes: python, numpy, matplotlib and IPython are loaded, torch never is.

It is a program of its own, so that nothing of the examiner's memory is in it. Run by `Nursery` in session.py:
`python -I -m course.grading.isolation.nursery DESCRIPTOR`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course.grading.isolation import sandbox
from course.grading.isolation.limits import Limits

LOOK_EVERY = 0.1  # seconds
FOLDER = "course-students-"  # in the system's folder for temporary files
_WARM_CELL = """
import matplotlib.pyplot as plt
fig, axes = plt.subplots(1, 2, figsize=(4, 2))
axes[0].imshow([[0, 1], [2, 3]])
axes[1].set(title="$x_1$ − é", xlabel="x")
plt.show()
"""


def main() -> None:
    """Serve until the examiner goes."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    sandbox.die_with_parent(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the coordinator
    _sweep()
    base = _own_folder()
    lacks = _try_namespaces()  # while there is one thread
    with sandbox.loading():
        server = _Server(requests, base, lacks)
    try:
        server.warm_up()
        server.serve()
    finally:
        shutil.rmtree(server.base, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of servers that were killed: nobody holds their locks."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError), _opened(folder) as descriptor:
            if os.fstat(descriptor).st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                sandbox.remove_tree(folder)


def _own_folder() -> Path:
    """A folder that is locked for as long as this process lives."""
    while True:  # somebody may sweep it away before it is locked
        folder = Path(tempfile.mkdtemp(prefix=FOLDER))
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        os.close(descriptor)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_namespaces() -> list[str]:
    try:
        sandbox.enter_namespaces()
    except OSError as error:
        return [f"no namespaces ({error.strerror})"]
    return []


class _Server:
    def __init__(self, requests: socket.socket, base: Path, lacks: list[str]) -> None:
        self.requests, self.base, self.lacks = requests, base, lacks
        self.namespaces = not lacks
        self.homes: dict[int, Path] = {}
        self.ended: dict[int, dict] = {}
        self.too_large: set[int] = set()  # processes that were killed because of what they wrote
        self.most_bytes = 0
        try:
            from course.grading.isolation.student import HIDDEN_PACKAGES

            devices = [Path(f"/dev/{name}") for name in ("null", "zero", "urandom", "random")]
            self.files = sandbox.FileRules(sandbox.readable_paths(HIDDEN_PACKAGES), devices)
            self.calls = sandbox.system_call_filter()
        except OSError as error:
            self.files = self.calls = None
            self.lacks.append(error.strerror or str(error))
        self.level = "process" if self.files is None else "full" if self.namespaces else "landlock"
        self._load()

    def _load(self) -> None:
        from course.grading.isolation.shell import make_shell
        from course.grading.isolation.student import hide_packages, quiet_checks
        from course.kit import animate, explore, figures, images  # noqa: F401 - what setup cells import

        hide_packages()
        quiet_checks()
        self.shell = make_shell()
        images.load()

    def warm_up(self) -> None:
        """Do once what takes long the first time."""
        from matplotlib import font_manager
        from matplotlib.mathtext import MathTextParser

        for cell in (_WARM_CELL, "1 / 0"):  # the first traceback looks at all that is loaded
            self.shell.run(cell, 0)
        self.shell.reset(new_session=True)
        for cache in (font_manager._get_font, MathTextParser._parse_cached):
            cache.cache_clear()  # they hold open files, which a student's process doesn't inherit
        sandbox.prepare_to_fork()

    def serve(self) -> None:
        self.requests.send(json.dumps({"level": self.level, "lacks": self.lacks}).encode())
        while True:
            self._watch_sizes()
            data, descriptors, _, _ = socket.recv_fds(self.requests, 1 << 16, 1)
            self._reap()
            if not data:
                return
            request = json.loads(data)
            operation = {"spawn": self._spawn, "status": self._status, "end": self._end}[request["op"]]
            reply, sent = operation(request, descriptors)
            message = json.dumps({"nonce": request["nonce"], **reply}).encode()
            socket.send_fds(self.requests, [message], sent)
            for descriptor in [*descriptors, *sent]:
                os.close(descriptor)

    def _watch_sizes(self) -> None:
        """Until there is a request: where no file system of their own bounds what students write, look at its size."""
        while (
            self.homes and not self.namespaces and not select.select([self.requests], [], [], LOOK_EVERY)[0]
        ):
            for pid, home in self.homes.items():
                if sandbox.size_of_tree(home, self.most_bytes) > self.most_bytes:
                    self.too_large.add(pid)
                    os.kill(pid, signal.SIGKILL)
            self._reap()

    def _spawn(self, request: dict, descriptors: list[int]) -> tuple[dict, list[int]]:
        home = Path(tempfile.mkdtemp(dir=self.base))
        server, limits = os.getpid(), Limits(**request["limits"])
        self.most_bytes = limits.files_bytes
        if not (pid := os.fork()):
            try:
                self._become_student(server, descriptors[0], home, limits)
            finally:
                os._exit(sandbox.START_FAILED)
        self.homes[pid] = home
        return {"pid": pid}, [os.pidfd_open(pid)]

    def _status(self, request: dict, _: list[int]) -> tuple[dict, list[int]]:
        """How a student's process ended, None where it hasn't."""
        return {"ended": self.ended.pop(request["pid"], None)}, []

    def _end(self, *_: Any) -> tuple[dict, list[int]]:
        """Kill all students' processes and remove what they wrote."""
        for pid in list(self.homes):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            self._forget(pid)
        self.ended.clear()
        self.too_large.clear()
        return {}, []

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status, used = os.wait4(-1, os.WNOHANG)
                if not pid:
                    return
                self.ended[pid] = {
                    "status": status,
                    "cpu_seconds": used.ru_utime + used.ru_stime,
                    "too_large": pid in self.too_large,
                }
                self._forget(pid)

    def _forget(self, pid: int) -> None:
        if home := self.homes.pop(pid, None):
            sandbox.remove_tree(home)

    def _become_student(self, server: int, descriptor: int, home: Path, limits: Limits) -> None:
        """In the child: put up the walls, then run the student's code. Never returns."""
        import numpy as np

        from course.grading.isolation.protocol import Channel
        from course.grading.isolation.student import Agent

        os.setsid()
        kept = {descriptor} | ({self.files.descriptor} if self.files else set())
        sandbox.close_all_but(kept)
        os.environ.clear()
        os.environ.update(HOME=str(home), LANG="C.UTF-8", MPLCONFIGDIR=str(home), **sandbox.ONE_THREAD)
        os.umask(0o077)
        with contextlib.suppress(OSError):  # if memory runs out, this is whom to end
            Path("/proc/self/oom_score_adj").write_text("1000")
        uid = sandbox.own_uid()
        os.chown(home, uid, -1)
        if self.namespaces:
            sandbox.private_tmpfs(home, limits.files_bytes)
        os.chdir(home)
        tempfile.tempdir = str(home)
        sys.path.append(str(home))  # last: what lies there shadows nothing
        random.seed(0)
        np.random.seed(0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sandbox.set_limits(limits)
        sandbox.leave_root(uid)
        sandbox.die_with_parent(server)  # last: another user's process would forget it
        if self.files is not None:
            self.files.enforce(home, may_delete=self.namespaces)
            self.calls.load()
        Agent(Channel(descriptor, limits.message_bytes), self.shell, limits.output_bytes).serve()


if __name__ == "__main__":
    main()
