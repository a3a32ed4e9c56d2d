"""Run a program as it would run elsewhere: as a user without rights, or where the kernel refuses namespaces.

python elsewhere.py nobody,no-namespaces PROGRAM ARGUMENT ... becomes that program.
"""

import ctypes
import errno
import os
import pwd
import sys
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, PRIVATE, BIND = 0x20000, 0x4000 | 0x40000, 0x1000 | 0x4000


def open_to_all(paths):
    """Make these reachable for everybody, in mounts of this process's own: root's folders are often closed."""
    closed = {}
    for path in map(Path, paths):
        shut = next((p for p in reversed(path.parents) if not p.stat().st_mode & 1), None)
        if shut is not None:
            closed.setdefault(shut, []).append(path)
    if not closed:
        return
    done(LIBC.unshare(NEW_MOUNTS))
    done(LIBC.mount(b"none", b"/", None, PRIVATE, None))
    for folder, inside in closed.items():
        kept = [
            (path, os.open(path, os.O_PATH)) for path in inside
        ]  # reachable when the new folder hides them
        done(LIBC.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"mode=755"))
        for path, descriptor in kept:
            path.mkdir(parents=True, exist_ok=True)
            done(LIBC.mount(f"/proc/self/fd/{descriptor}".encode(), bytes(path), None, BIND, None))


def become_nobody():
    """Go on as nobody."""
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def refuse_namespaces():
    """What containers do."""
    import pyseccomp

    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in ("unshare", "setns", "mount"):
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    rules.load()


def done(result):
    """Raise where a call went wrong."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    wanted = sys.argv[1].split(",")
    if "nobody" in wanted:
        open_to_all(dict.fromkeys([sys.base_prefix, sys.prefix, Path(__file__).resolve().parents[2]]))
        become_nobody()
    if "no-namespaces" in wanted:
        refuse_namespaces()
    os.execv(sys.argv[2], sys.argv[2:])
