"""Leaves something behind."""

# ruff: noqa

# %% over the gradebook
attempt(open, f"{OUTSIDE}/gradebook.db", "wb")
attempt(open, f"{OUTSIDE}/gradebook.db", "ab")
attempt(open, f"{OUTSIDE}/gradebook.db", "r+b")

# %% a mark in the gradebook
import sqlite3

attempt(lambda: sqlite3.connect(f"{OUTSIDE}/gradebook.db").execute("update grade set score = 100"))

# %% emptied while it is only read
for path in (f"{OUTSIDE}/gradebook.db", np.__file__):
    attempt(os.open, path, os.O_RDONLY | os.O_TRUNC)
attempt(os.truncate, f"{OUTSIDE}/gradebook.db", 0)

# %% a library, for the next student
for path in (np.__file__, os.__file__, os.path.dirname(np.__file__) + "/evil.py", sys.executable):
    attempt(open, path, "r+b" if os.path.exists(path) else "wb")

# %% places that everybody may write to
for folder in (
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run",
    os.path.expanduser("~root"),
    OUTSIDE,
    "..",
    "../..",
    "/",
):
    attempt(open, f"{folder}/trace-of-an-attack", "w")
    attempt(os.mkdir, f"{folder}/trace-of-an-attack")

# %% deleting
import shutil

attempt(os.unlink, f"{OUTSIDE}/gradebook.db")
attempt(os.remove, f"{OUTSIDE}/submitted/ann/ch02_conv2d/conv2d.ipynb")
attempt(shutil.rmtree, f"{OUTSIDE}/submitted")
attempt(os.rmdir, f"{OUTSIDE}/empty")
attempt(os.rmdir, os.getcwd())

# %% renaming and exchanging
open("mine", "w").close()
os.mkdir("folder")
attempt(os.rename, f"{OUTSIDE}/gradebook.db", "gradebook.db")
attempt(os.rename, "mine", f"{OUTSIDE}/gradebook.db")
attempt(os.replace, "mine", f"{OUTSIDE}/new")
attempt(os.rename, "folder", f"{OUTSIDE}/folder")
attempt(os.rename, os.getcwd(), f"{OUTSIDE}/home")
if libc.renameat2(-100, b"mine", -100, f"{OUTSIDE}/gradebook.db".encode(), 2) == 0:
    succeed()

# %% links
attempt(os.link, f"{OUTSIDE}/gradebook.db", "gradebook.db")
attempt(os.symlink, f"{OUTSIDE}/gradebook.db", "gradebook.db")
attempt(os.symlink, "/etc/passwd", f"{OUTSIDE}/link")

# %% modes, times, owners and attributes
attempt(os.chmod, f"{OUTSIDE}/gradebook.db", 0)
attempt(os.utime, f"{OUTSIDE}/gradebook.db", (0, 0))
attempt(os.chown, f"{OUTSIDE}/gradebook.db", os.getuid(), -1)
attempt(os.setxattr, f"{OUTSIDE}/gradebook.db", "user.mark", b"100")
attempt(os.removexattr, f"{OUTSIDE}/gradebook.db", "user.mark")
attempt(os.chmod, OUTSIDE, 0)

# %% devices and sockets
attempt(os.mknod, "disk", 0o60600, os.makedev(8, 0))
attempt(os.mknod, f"{OUTSIDE}/node")
attempt(os.mkfifo, f"{OUTSIDE}/fifo")

# %% a race between a folder and a link
import threading

os.makedirs("a/b")
stop = threading.Event()


def swap():
    while not stop.is_set():
        for one, other in (("a", "c"), ("c", "a")):
            try:
                os.rename(one, other)
                os.symlink(OUTSIDE, "a")
            except OSError:
                pass


thread = threading.Thread(target=swap, daemon=True)
thread.start()
ends = time.time() + 0.3
while time.time() < ends:
    for path in ("a/b/../../trace", "a/gradebook.db", "a/b/../../../trace", "c/../../trace"):
        try:
            open(path, "r+b").close()
            succeed(path)
        except OSError:
            pass
stop.set()

# %% files that the grader can't read or reach
os.makedirs("locked/within")
open("locked/within/file", "w").write("x")
os.mkdir("shut", 0o000)
os.mkdir("blind", 0o300)
open("blind/file", "w").close()
os.mkdir("blind/deeper", 0o300)
open("\udcff\n -rf", "w").close()

# %% folders in folders without end
for _ in range(1500):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
    open("file", "w").close()

# %% a program
attempt(os.chmod, "x", 0o755)
open("x", "w").write("#!/bin/sh\ntouch " + OUTSIDE + "/trace\n")
attempt(os.execv, "x", ["x"])
attempt(os.posix_spawn, "/bin/sh", ["sh", "-c", "touch " + OUTSIDE + "/trace"], {})

# %% through the caches of the libraries
import matplotlib

attempt(open, matplotlib.get_cachedir() + "/../trace", "w")
for folder in (matplotlib.get_data_path(), os.path.dirname(matplotlib.__file__)):
    attempt(open, folder + "/trace-of-an-attack", "w")

# %% settings of the system
for path in (
    "/proc/self/oom_score_adj",
    "/proc/self/uid_map",
    "/proc/sys/kernel/hostname",
    "/sys/kernel/mm/ksm/run",
):
    attempt(open, path, "w")
