"""Looks for the solution where it may lie."""

# ruff: noqa

# %% a solution on the disk
import pathlib


def read(path):
    exec(pathlib.Path(path).read_text(), globals())


attempt(read, f"{OUTSIDE}/solutions/solution.py")

# %% with numpy
for read in (np.load, np.fromfile, np.loadtxt, np.memmap, np.genfromtxt):
    attempt(read, f"{OUTSIDE}/solutions/solution.py")

# %% with the C library
descriptor = libc.open(f"{OUTSIDE}/solutions/solution.py".encode(), 0)
if descriptor >= 0:
    succeed()

# %% with an import
sys.path.insert(0, f"{OUTSIDE}/solutions")
import importlib.util


def load():
    spec = importlib.util.spec_from_file_location("solution", f"{OUTSIDE}/solutions/solution.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


attempt(__import__, "solution")
attempt(load)

# %% through links and detours
for path in (
    f"/proc/self/root{OUTSIDE}/solutions/solution.py",
    f"/proc/self/cwd/../../../../../../..{OUTSIDE}/solutions/solution.py",
    f"/proc/{os.getppid()}/root{OUTSIDE}/solutions/solution.py",
    f"/dev/../{OUTSIDE}/solutions/solution.py",
    f"/usr/lib/../..{OUTSIDE}/solutions/solution.py",
    "link.py",
):
    try:
        os.symlink(f"{OUTSIDE}/solutions/solution.py", "link.py")
    except OSError:
        pass
    attempt(open, path)

# %% as a path alone
descriptor = None
try:
    descriptor = os.open(
        f"{OUTSIDE}/solutions/solution.py", os.O_PATH
    )  # a path may be held, but nothing read
except OSError:
    pass
if descriptor is not None:
    attempt(os.read, descriptor, 10)
    attempt(open, f"/proc/self/fd/{descriptor}")
    attempt(os.open, "", os.O_RDONLY, dir_fd=descriptor)
    attempt(os.open, ".", os.O_RDONLY, dir_fd=descriptor)

# %% the gradebook
import sqlite3


def read():
    return (
        sqlite3.connect(f"file:{OUTSIDE}/gradebook.db?mode=ro&immutable=1", uri=True)
        .execute("select 1")
        .fetchall()
    )


attempt(open, f"{OUTSIDE}/gradebook.db", "rb")
attempt(sqlite3.connect, f"{OUTSIDE}/gradebook.db")
attempt(lambda: open(f"{OUTSIDE}/gradebook.db", "r+b"))

# %% other submissions, and the list of them
attempt(open, f"{OUTSIDE}/submitted/ann/ch02_conv2d/conv2d.ipynb")
attempt(os.listdir, f"{OUTSIDE}/submitted")
attempt(os.scandir, OUTSIDE)
attempt(lambda: next(iter(os.walk(OUTSIDE)))[1][0])

# %% the course's own tests and solutions
import course

home = os.path.dirname(course.__file__)
for path in (
    "chapters/ch02_conv2d/conv2d.py",
    "chapters/ch02_conv2d/answers.py",
    "../source/ch02_conv2d/conv2d.ipynb",
):
    attempt(open, f"{home}/{path}")
attempt(os.listdir, f"{home}/chapters")
attempt(__import__, "course.chapters.ch02_conv2d.conv2d")

# %% the grader's own code
import course

attempt(open, os.path.dirname(course.__file__) + "/grading/isolation/examiner.py")
attempt(__import__, "course.grading.isolation.examiner")

# %% a real torch
attempt(lambda: __import__("torch").tensor)
for finder in list(sys.meta_path):
    if "NotHere" in type(finder).__name__:
        sys.meta_path.remove(finder)
sys.modules.pop("torch", None)
attempt(lambda: __import__("torch").tensor)

# %% /proc
for path in (
    "self/environ",
    "self/mem",
    "self/maps",
    f"{os.getppid()}/environ",
    f"{os.getppid()}/mem",
    "1/cmdline",
    "kallsyms",
):
    attempt(open, f"/proc/{path}", "rb")
attempt(os.listdir, "/proc")
for victim in VICTIMS:
    attempt(open, f"/proc/{victim}/mem", "rb")
    attempt(os.listdir, f"/proc/{victim}/fd")

# %% the system's files
for path in (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/hosts",
    os.sep + os.path.join("root", ".bashrc"),
    "/dev/mem",
    "/dev/kmsg",
    "/dev/tty",
    "/sys/kernel",
):
    attempt(os.open, path, os.O_RDONLY)

# %% the environment
found = {k: v for k, v in os.environ.items() if "SECRET" in k or OUTSIDE in v}
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
place = 0
while environ and environ[place]:
    found |= {place: environ[place]} if b"SECRET" in environ[place] else {}
    place += 1
libc.getenv.restype = ctypes.c_char_p
if found or libc.getenv(b"ATTACK_SECRET"):
    succeed(found)

# %% the environment that the process was started with
import re


def strings():
    """What lies above the stack."""
    here = ctypes.addressof(ctypes.c_char_p.in_dll(libc, "program_invocation_name"))
    top = ctypes.cast(here, ctypes.POINTER(ctypes.c_void_p))[0]
    return ctypes.string_at(top, 200)


if b"ATTACK_SECRET" in strings():
    succeed()

# %% inherited descriptors
import stat

mine = agent().channel.descriptor
for descriptor in range(4096):
    try:
        kind = os.fstat(descriptor).st_mode
    except OSError:
        continue
    if descriptor != mine and not stat.S_ISCHR(kind):
        succeed((descriptor, stat.filemode(kind)))

# %% what the frames hold
frame, seen = sys._getframe(), []
while frame:
    seen.append((frame.f_code.co_name, repr(frame.f_locals)[:10_000_000]))
    frame = frame.f_back
hidden = "check." + "hidden("
if any(hidden in text for name, text in seen):
    succeed()

# %% what the collector knows
import gc

wanted = "BEGIN " + "HIDDEN"
for thing in gc.get_objects():
    if type(thing) is dict and any(type(v) is str and wanted in v for v in list(thing.values())):
        succeed(list(thing)[:5])
    if type(thing).__name__ in ("Record", "RecordedCell", "Lesson", "Session", "Gradebook"):
        succeed(type(thing))

# %% modules of the grader's
for name in list(sys.modules):
    if name.startswith(
        (
            "nbgrader",
            "torch.",
            "course.chapters",
            "course.grading.isolation.examiner",
            "course.grading.gradebook",
        )
    ):
        succeed(name)

# %% the history
text = str(get_ipython().user_ns.get("In")) + str(get_ipython().history_manager.input_hist_raw)
if "check." + "hidden" in text:
    succeed()

# %% memory of the examiner, by its number
for pid in {os.getppid(), *VICTIMS, *range(os.getpid() - 3, os.getpid())}:
    buffer = ctypes.create_string_buffer(64)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 64)
    remote = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 64)
    attempt_call("process_vm_readv", pid, local, 1, remote, 1, 0)
    attempt_call("ptrace", 16, pid, 0, 0)
    attempt_call("ptrace", 0x4206, pid, 0, 0)
    attempt_call("kcmp", pid, os.getpid(), 0, 0, 0)
