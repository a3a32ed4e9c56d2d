"""Uses up whatever there is. `# says:` is what the student must be told."""

# ruff: noqa

# %% memory in Python
# says: MemoryError|this cell was stopped after
hoard = []
while True:
    hoard.append(bytearray(1 << 20))

# %% memory in small pieces
# says: MemoryError|this cell was stopped after
hoard = []
while True:
    hoard.append([hoard, None])


# %% memory in numpy, in a call
# says: more than the 384 MB of memory
def rotate180(w):
    return np.ones(10**9)


# %% memory that is shared
# says: Cannot allocate memory|MemoryError|stopped after
import mmap

hoard = []
while True:
    hoard.append(mmap.mmap(-1, 64 << 20))
    hoard[-1].write(b"x" * (64 << 20))

# %% memory, swallowed
# says: this cell was stopped after
hoard = []
while True:
    try:
        hoard.append(bytearray(1 << 22))
    except MemoryError:
        pass

# %% memory in pipes
# says: Too many open files
hoard = []
while True:
    hoard.append(os.pipe())
    os.set_blocking(hoard[-1][1], False)
    try:
        os.write(hoard[-1][1], b"x" * (1 << 20))
    except BlockingIOError:
        pass

# %% descriptors
# says: Too many open files
hoard = []
while True:
    hoard.append(open("/dev/null"))

# %% threads
# says: can't start new thread
import threading

threading.stack_size(1 << 16)
while True:
    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()

# %% threads without a stack
FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000
stacks = ctypes.create_string_buffer(64 << 20)
if platform.machine() == "x86_64":
    import mmap

    memory = mmap.mmap(-1, 4096, prot=7)
    # mov eax, 56; syscall; test eax, eax; jnz out; loop: mov eax, 35 (nanosleep); mov rdi, r9; syscall; jmp loop; out: ret
    memory.write(bytes.fromhex("b8380000000f0585c0750cb8230000004c89cf0f05ebf4c3"))
    clone = ctypes.CFUNCTYPE(ctypes.c_long, *[ctypes.c_long] * 6)(
        ctypes.addressof(ctypes.c_char.from_buffer(memory))
    )
    pause = (ctypes.c_long * 2)(100, 0)
    started = 0
    for i in range(5000):
        got = clone(FLAGS, ctypes.addressof(stacks) + 4096 * (i + 1), 0, 0, 0, ctypes.addressof(pause))
        if ctypes.c_int(got).value < 0:
            break
        started += 1
    print("threads", started)
    if started > 500:
        succeed(started)

# %% one large file
# says: File too large
with open("large", "wb") as file:
    while True:
        file.write(b"x" * (1 << 20))

# %% one large file with nothing in it
# says: File too large
with open("large", "wb") as file:
    file.truncate(1 << 40)

# %% many files
# says: No space left on device|its files take more than
for i in range(10**6):
    with open(f"file-{i}", "wb") as file:
        file.write(b"x" * (1 << 20))

# %% inodes
# says: No space left on device|its files take more than|stopped after
for i in range(10**6):
    open(f"file-{i}", "wb").close()

# %% files that are deleted while they are mapped
# says: No space left on device|its files take more than|Operation not permitted|Permission denied|not permitted
import mmap

hoard = []
for i in range(10**6):
    with open("file", "w+b") as file:
        file.write(b"x" * (1 << 20))
        file.flush()
        hoard.append(mmap.mmap(file.fileno(), 4096))
    os.unlink("file")

# %% files without a name
for _ in range(3):
    try:
        os.open(".", os.O_TMPFILE | os.O_RDWR)
        succeed()
    except OSError as error:
        print(error)

# %% text
# says: cut off: a cell may print
while True:
    print("x" * 100_000)

# %% a line without an end
# says: cut off: a cell may print
print("x" * 50_000_000)

# %% text on stderr
# says: cut off: a cell may print
while True:
    sys.stderr.write("rubbish " * 1000)


# %% text in a call
# says: your function was stopped after
def rotate180(w):
    while True:
        print("x" * 100_000)


# %% pages
# says: cut off: 3 MB, pictures included
from IPython.display import HTML, display

for _ in range(10_000):
    display(HTML("<p>" + "x" * 100_000))

# %% pictures
# says: cut off: 3 MB, pictures included
import matplotlib.pyplot as plt

for _ in range(8):
    plt.figure(figsize=(8, 8))
    plt.imshow(np.random.random((700, 700)), cmap="prism")
plt.show()

# %% small outputs without end
# says: cut off|this cell was stopped after
from IPython.display import clear_output, display

while True:
    display(1, display_id=True)
    clear_output(wait=True)


# %% a huge result of a cell
# says: cut off|MemoryError|is a result far too large
class Huge:
    def __repr__(self):
        return "x" * 10**8


Huge()


# %% recursion
# says: RecursionError|stopped after
def rotate180(w):
    return rotate180(w)


rotate180(1)

# %% recursion without a limit
# says: (SIGSEGV)
sys.setrecursionlimit(10**9)


class Deep:
    def __repr__(self):
        return repr(self.again)

    again = property(lambda self: [Deep()])


repr(Deep())

# %% C code that doesn't hear SIGINT
# says: this cell was stopped after
10 ** (10**9)


# %% C code that doesn't hear SIGINT, in a call
# says: your function was stopped after
def rotate180(w):
    return 10 ** (10**9)


# %% a pattern that never matches
# says: stopped after
import re


def rotate180(w):
    re.match("(a+)+b", "a" * 60)


# %% a loop
# says: is there a loop that never ends
while True:
    pass


# %% a loop in a call
# says: is there a loop that never ends
def rotate180(w):
    while True:
        pass


# %% KeyboardInterrupt, swallowed
# says: this cell was stopped after
while True:
    try:
        while True:
            pass
    except BaseException:
        pass


# %% KeyboardInterrupt, raised
# says: KeyboardInterrupt
def rotate180(w):
    raise KeyboardInterrupt


# %% SIGINT, ignored
# says: your function was stopped after
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)


def rotate180(w):
    time.sleep(100)


# %% SIGINT, held off
# says: your function was stopped after
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))


def rotate180(w):
    while True:
        pass


# %% processor time in threads
import threading


def burn():
    while True:
        np.ones(1000) @ np.ones(1000)


for _ in range(4):
    threading.Thread(target=burn, daemon=True).start()


# %% sleep
# says: your function was stopped after
def rotate180(w):
    time.sleep(1000)


# %% a huge result
# says: are allowed|more than the 384 MB|stopped after
def rotate180(w):
    return np.ones(12_500_000)


# %% many large results
def rotate180(w):
    return np.ones(1_000_000)


# %% a result of huge shape
# says: more than the 384 MB of memory|stopped after
def rotate180(w):
    return np.broadcast_to(0.0, (10**6, 10**6))


# %% an empty result of huge shape
def rotate180(w):
    return np.zeros((2**40, 0, 2**20))


# %% a deep result
def rotate180(w):
    result = []
    for _ in range(100_000):
        result = [result]
    return result


# %% a result that holds itself
def rotate180(w):
    result = [1]
    result.append(result)
    return result


# %% an endless iterator
# says: your function was stopped
import itertools


class Endless(list):
    __iter__ = lambda self: itertools.repeat(0)


def rotate180(w):
    return Endless([1])


# %% a long number
def rotate180(w):
    return 1 << 10**7


# %% a long text
def rotate180(w):
    return "x" * (30 << 20)


# %% keys that collide
def rotate180(w):
    return {i * (2**61 - 1): 0 for i in range(1, 20_000)}


# %% an end
# says: ended the process it ran in
os._exit(0)


# %% an end in a call
# says: ended the process it ran in
def rotate180(w):
    os._exit(0)


# %% a crash
# says: (SIGSEGV)
def rotate180(w):
    ctypes.string_at(0)


# %% an abort
# says: ended the process it ran in (SIG
os.abort()

# %% an end at the end
import atexit

atexit.register(time.sleep, 100)
import threading

threading.Thread(target=time.sleep, args=(100,)).start()


# %% a destructor that doesn't return
class Sticky:
    def __del__(self):
        while True:
            pass


def rotate180(w):
    return Sticky()


# %% a trap in the second run
# says: ended the process it ran in
frame = sys._getframe()
while frame:
    if frame.f_code.co_name == "replay":
        time.sleep(1000)
    frame = frame.f_back


def rotate180(w):
    os._exit(1)


# %% every descriptor closed
# says: ended the process it ran in
os.closerange(0, 1000)


# %% every descriptor closed in a call
# says: ended the process it ran in
def rotate180(w):
    os.closerange(0, 1000)
    time.sleep(100)
