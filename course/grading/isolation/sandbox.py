"""The walls around a student's process. Linux only; nothing here needs root.

In order, while the process is single-threaded: namespaces and a private tmpfs where the kernel allows them, no more
capabilities, resource limits, Landlock (which files), seccomp (which system calls). Landlock and seccomp are the floor;
see `man 7 landlock` and `man 2 seccomp`.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import itertools
import os
import resource
import secrets
import socket
import struct
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course.grading.isolation.limits import MB, Limits

RESERVE_BYTES = 64 * MB  # that a student's process gives up when a cell has taken all the rest
START_FAILED = 70  # what a student's process exits with when its walls can't be put up
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LEVELS = ("process", "landlock", "full")  # from weak to strong
_libc = ctypes.CDLL(None, use_errno=True)

# From the kernel's headers, the same on all architectures.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_NO_NEW_PRIVS, _PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_KEEPCAPS = 38, 1, 24, 8
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
_READ_FILE, _READ_DIR = 4, 8
_ALL_FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF}  # by Landlock's version; later ones add ioctl
_MAKE_AND_WRITE = 0x7FFF & ~(1 | 64 | 512 | 1024 | 2048)  # no execute; no device, socket, fifo
_REMOVE_FILE = 32
_CAP_DAC_READ_SEARCH = 1 << 2
_FIRST_UID, _UIDS = 40_000, 20_000  # below 65,536, which is where a container's users often end


class SandboxError(OSError):
    """A wall could not be put up."""


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise SandboxError(number, f"{what}: {os.strerror(number)}")
    return result


# ---------------------------------------------------------------- namespaces


def enter_namespaces() -> None:
    """Leave the network, the IPC objects and the mounts of the rest; raises SandboxError where the kernel refuses."""
    flags = _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWNS
    if os.getuid() or _libc.unshare(flags) < 0:  # root need not be root in name only
        _enter_user_namespace(flags)
    _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "private mounts")


def _enter_user_namespace(flags: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    _checked(_libc.unshare(_CLONE_NEWUSER | flags), "namespaces")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def private_tmpfs(folder: Path, size: int) -> None:
    """Mount an empty file system in memory over a folder, for this process alone; `enter_namespaces` first."""
    owner = folder.stat()
    _checked(_libc.unshare(_CLONE_NEWNS), "namespace of mounts")
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    options = f"size={size},nr_inodes=2000,mode=700,uid={owner.st_uid},gid={owner.st_gid}".encode()
    _checked(_libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", flags, options), "private tmpfs")


def own_uid() -> int:
    """The user that a process of root's goes on as: one that no other process of ours is."""
    return os.getuid() or _FIRST_UID + os.getpid() % _UIDS


def leave_root(uid: int) -> None:
    """Give up every capability for good, and root's name where it can be given up.

    Root's processes may signal one another, and their number has no limit. What was root goes on reading what root may
    read, since the interpreter may lie in a folder of root's; Landlock says which files those are.
    """
    for capability in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    kept = 0
    if not os.getuid():
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        with contextlib.suppress(OSError):  # a container of one user
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            kept = _CAP_DAC_READ_SEARCH
    header = struct.pack("Ii", 0x20080522, 0)
    _checked(_libc.capset(header, struct.pack("6I", kept, kept, 0, 0, 0, 0)), "capabilities")


# ---------------------------------------------------------------- files


def landlock_version() -> int:
    """The kernel's version of Landlock, 0 where it has none."""
    return max(0, _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))


class FileRules:
    """A Landlock ruleset: these may be read, that folder written, and nothing else touched."""

    def __init__(self, readable: list[Path], devices: list[Path]) -> None:
        version = landlock_version()
        if not version:
            raise SandboxError(errno.ENOSYS, "this kernel has no Landlock")
        self._rights = _ALL_FILE_RIGHTS.get(version, 0xFFFF)
        attributes = struct.pack("QQQ", self._rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
        size = 8 if version < 4 else 16 if version < 6 else 24
        self.descriptor = _checked(
            _libc.syscall(_CREATE_RULESET, attributes[:size], ctypes.c_size_t(size), 0), "Landlock"
        )
        for path in readable:
            self.allow(path, _READ_FILE | (_READ_DIR if path.is_dir() else 0))
        for path in devices:
            self.allow(path, _READ_FILE | 2)

    def allow(self, path: Path, rights: int) -> None:
        """Allow something below a path."""
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", rights & self._rights, descriptor)
            _checked(_libc.syscall(_ADD_RULE, self.descriptor, 1, rule, 0), f"Landlock: {path}")
        finally:
            os.close(descriptor)

    def enforce(self, home: Path, may_delete: bool) -> None:
        """Hold this process to the rules for good, with `home` as its only folder to write in.

        may_delete: where a file system of its own bounds it. Elsewhere its size is watched, and a file that is deleted
        while it is mapped takes room that nobody sees.
        """
        self.allow(home, _MAKE_AND_WRITE & ~(0 if may_delete else _REMOVE_FILE))
        _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
        _checked(_libc.syscall(_RESTRICT_SELF, self.descriptor, 0), "Landlock")
        os.close(self.descriptor)


def readable_paths(hidden: tuple[str, ...]) -> list[Path]:
    """An interpreter's own files and libraries, without the packages named; of the course, only the kit."""
    import course

    wanted = [Path(p) for p in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")]
    wanted += [
        Path(p) for p in ("/usr/share/zoneinfo", "/usr/share/fonts", "/etc/localtime", "/usr/local/lib")
    ]
    packages = {Path(sysconfig.get_path(p)) for p in ("purelib", "platlib")}
    wanted += [
        entry
        for folder in (Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("platstdlib")))
        for entry in (folder.iterdir() if folder.exists() else ())
        if entry.name not in ("site-packages", "dist-packages")
    ]
    hidden = (*hidden, "course")  # where the course is installed as a package, with its tests
    wanted += [e for p in packages for e in p.iterdir() if e.name.split("-")[0].lower() not in hidden]
    wanted += [Path(sys.base_prefix) / "lib" / name for name in _shared_libraries()]
    home = Path(course.__file__).parent
    wanted += [home / "__init__.py", home / "paths.py", home / "kit"]
    return [p for p in dict.fromkeys(wanted) if p.exists()]


def _shared_libraries() -> list[str]:
    folder = Path(sys.base_prefix) / "lib"
    return [p.name for p in folder.glob("*.so*")] if folder.exists() else []


# ---------------------------------------------------------------- system calls

# What Python, numpy and matplotlib need, by purpose. Everything else answers EPERM.
_ALLOWED = """
read write readv writev pread64 pwrite64 lseek close close_range dup dup2 dup3 fsync fdatasync
stat lstat fstat newfstatat statx access faccessat faccessat2 getdents64 readlink readlinkat getcwd chdir
mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 ftruncate fallocate umask flock
mmap munmap mremap mprotect madvise brk msync mincore
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait rt_sigpending sigaltstack restart_syscall
poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 pipe pipe2
futex futex_waitv set_robust_list get_robust_list rseq set_tid_address sched_yield membarrier
nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getitimer setitimer alarm
getpid gettid getppid getpgrp getpgid getsid getuid geteuid getgid getegid getresuid getresgid getgroups
getrlimit getrusage sysinfo uname sched_getaffinity getcpu getrandom arch_prctl exit exit_group
""".split()  # noqa: SIM905 - by purpose, a line each
_SAFE_IOCTLS = (
    0x5401,
    0x5413,
    0x541B,
    0x5421,
    0x5450,
    0x5451,
)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
# Not F_SETOWN, F_SETSIG (a signal for any process), leases, notifications, or the size of a pipe.
_SAFE_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)  # duplicate, flags, locks
_O_TMPFILE = 0x400000
_THREAD_FLAGS = 0x10000 | 0x100  # CLONE_THREAD | CLONE_VM
_NEW_NAMESPACE_FLAGS = 0x7E020000


def system_call_filter() -> Any:
    """The seccomp filter, to be loaded with `.load()`; raises SandboxError where libseccomp is missing."""
    try:
        import pyseccomp as s
    except (ImportError, RuntimeError, OSError) as error:
        raise SandboxError(errno.ENOSYS, f"pyseccomp can't be used: {error}") from None
    rules = s.SyscallFilter(s.ERRNO(errno.EPERM))

    def allow(name: str, *conditions: object) -> None:
        with contextlib.suppress(OSError, ValueError):  # a call that this architecture doesn't have
            rules.add_rule(s.ALLOW, name, *conditions)

    for name in _ALLOWED:
        allow(name)
    for request in _SAFE_IOCTLS:
        allow("ioctl", s.Arg(1, s.EQ, request))
    for command in _SAFE_FCNTLS:
        allow("fcntl", s.Arg(1, s.EQ, command))
    # Opening for reading with O_TRUNC empties a file: before Linux 6.2 Landlock doesn't see that. A nameless file
    # (O_TMPFILE) takes room that nobody sees.
    for name, flags in (("open", 1), ("openat", 2)):
        allow(name, s.Arg(flags, s.MASKED_EQ, os.O_TRUNC | _O_TMPFILE, 0))
        allow(name, s.Arg(flags, s.MASKED_EQ, os.O_ACCMODE | _O_TMPFILE, os.O_WRONLY))
        allow(name, s.Arg(flags, s.MASKED_EQ, os.O_ACCMODE | _O_TMPFILE, os.O_RDWR))
    # Threads yes, processes no. Flags in clone3 lie in memory where a filter can't look: libc falls back to clone.
    allow("clone", s.Arg(0, s.MASKED_EQ, _THREAD_FLAGS | _NEW_NAMESPACE_FLAGS, _THREAD_FLAGS))
    rules.add_rule(s.ERRNO(errno.ENOSYS), "clone3")
    # asyncio wakes itself through a pair of stream sockets; nothing can be addressed from them.
    allow(
        "socketpair",
        s.Arg(0, s.EQ, socket.AF_UNIX),
        s.Arg(1, s.MASKED_EQ, 0xF, socket.SOCK_STREAM),
    )
    allow("sendto", s.Arg(4, s.EQ, 0))
    allow("recvfrom", s.Arg(4, s.EQ, 0))
    for name in ("getsockopt", "getsockname", "getpeername", "shutdown"):
        allow(name)
    allow("prlimit64", s.Arg(0, s.EQ, 0), s.Arg(2, s.EQ, 0))  # to read one's own limits
    return rules


# ---------------------------------------------------------------- resources


def die_with_parent(parent: int) -> None:
    """Be killed when the parent goes."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "die with parent")
    if os.getppid() != parent:
        os._exit(1)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Import modules without the garbage collector, now and later: they stay, and to look through them takes long."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def prepare_to_fork() -> None:
    """Keep the garbage collector off what this process has so far, for the pages to stay shared with its forks."""
    gc.collect()
    gc.freeze()


def limit_memory(more: int) -> None:
    """Let this process take at most so many bytes more than it has."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = size + more if hard == resource.RLIM_INFINITY else min(size + more, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def set_limits(limits: Limits) -> None:
    """Bound what this process may use from now on."""
    limit_memory(limits.memory_bytes + RESERVE_BYTES)
    wanted = {
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_STACK: 8 * MB,
    }
    uid = own_uid()  # it counts all processes and threads of a user
    wanted[resource.RLIMIT_NPROC] = _processes_of(uid) + limits.threads
    for which, most in wanted.items():
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        room = 2 if which == resource.RLIMIT_CPU else 0  # SIGXCPU first, which says why
        resource.setrlimit(which, (most, most + room if hard == resource.RLIM_INFINITY else most))


def _processes_of(uid: int) -> int:
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == uid:
                    count += sum(1 for _ in (entry / "task").iterdir())
    return count


def remove_tree(folder: Path) -> None:
    """Remove what a student's process has written, however deep it is and whatever its modes are.

    What lies in a folder within is moved up first, so that no path gets long.
    """
    prefix, numbers = secrets.token_hex(8), itertools.count()
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
        while entries := list(os.scandir(folder)):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
                    continue
                Path(entry.path).chmod(0o700)
                for inner in list(os.scandir(entry.path)):
                    if inner.is_dir(follow_symlinks=False):
                        Path(inner.path).chmod(0o700)  # to move it changes its `..`
                    Path(inner.path).rename(folder / f"{prefix}-{next(numbers)}")
                Path(entry.path).rmdir()
        folder.rmdir()


def size_of_tree(folder: Path, most: int) -> int:
    """How many bytes a folder takes, at least a page for each file; more than `most` where it can't be read."""
    size, queue = 0, [str(folder)]
    try:
        while queue and size <= most:
            for entry in os.scandir(queue.pop()):
                size += max(4096, 512 * entry.stat(follow_symlinks=False).st_blocks)
                if entry.is_dir(follow_symlinks=False):
                    queue.append(entry.path)
    except FileNotFoundError:  # it was renamed meanwhile
        return size
    except OSError:
        return most + 1
    return size


def close_all_but(kept: set[int]) -> None:
    """Point every inherited descriptor but these, standard ones included, at /dev/null.

    A closed number would be given to the next file, and then closed again with the object that once had it.
    """
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in kept:
            os.dup2(nothing, descriptor)
    if nothing > 2:
        os.close(nothing)
