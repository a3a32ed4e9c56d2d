"""Leaves something for the next submission. What stands below `# then:` is the next one's."""

# ruff: noqa

# %% an attribute of a module
np.solution = sys.solution = 1
# then:
if hasattr(np, "solution") or hasattr(sys, "solution"):
    succeed()

# %% a file in the notebook's folder
open("solution", "w").write("x")
# then:
if os.listdir():
    succeed(os.listdir())

# %% a file somewhere
for folder in ("..", "/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~")):
    try:
        open(folder + "/solution", "w").write("x")
    except OSError:
        pass
# then:
for folder in ("..", "/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~")):
    attempt(open, folder + "/solution")

# %% the environment
os.environ["SOLUTION"] = "x"
libc.setenv(b"SOLUTION", b"x", 1)
# then:
libc.getenv.restype = ctypes.c_char_p
if "SOLUTION" in os.environ or libc.getenv(b"SOLUTION"):
    succeed()

# %% random numbers
np.random.seed(7)
np.random.random()
# then:
first = np.random.random()
np.random.seed(0)
if first != np.random.random():
    succeed()

# %% settings and caches
import matplotlib

matplotlib.rcParams["figure.figsize"] = (1, 1)
matplotlib.font_manager.fontManager.ttflist.clear()
np.set_printoptions(precision=1)
sys.setrecursionlimit(50_000)
# then:
import matplotlib

if matplotlib.rcParams["figure.figsize"] == [1, 1] or not matplotlib.font_manager.fontManager.ttflist:
    succeed()
if np.get_printoptions()["precision"] == 1 or sys.getrecursionlimit() == 50_000:
    succeed()

# %% shared memory
got = syscall("shmget", 4711, 4096, 0o1666)
if got >= 0:
    succeed()
# then:
if syscall("shmget", 4711, 4096, 0o666) >= 0:
    succeed()

# %% a lock on a file that all share
import fcntl

fcntl.flock(os.open(np.__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
# then:
import fcntl

try:
    fcntl.flock(os.open(np.__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    succeed()

# %% the server that all are forked from
import course.grading.isolation.student as student

student.Agent.left_behind = student._OPERATIONS["left_behind"] = 1
# then:
import course.grading.isolation.student as student

if hasattr(student.Agent, "left_behind") or "left_behind" in student._OPERATIONS:
    succeed()
