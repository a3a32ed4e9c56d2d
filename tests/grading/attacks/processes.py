"""Reaches for other processes, or makes new ones."""

# ruff: noqa


# %% fork
def fork():
    if not os.fork():
        time.sleep(100)


attempt(fork)
attempt(os.forkpty)

# %% fork by other names
SIGCHLD, VFORK = 17, 0x4000
for flags in (
    SIGCHLD,
    SIGCHLD | VFORK,
    SIGCHLD | 0x100,
    SIGCHLD | 0x100 | 0x4000 | 0x800,
    SIGCHLD | 0x10000000,
    0x8000 | SIGCHLD,
):
    stack = ctypes.create_string_buffer(65536)
    got = syscall(
        "clone", flags, ctypes.c_void_p(0 if not flags & 0x100 else ctypes.addressof(stack) + 60000), 0, 0, 0
    )
    if got == 0:
        time.sleep(100)
    if got > 0:
        succeed(flags)
if platform.machine() == "x86_64":
    for number in (57, 58):
        got = libc.syscall(number)
        if got == 0:
            time.sleep(100)
        if got > 0:
            succeed(number)
arguments = (ctypes.c_uint64 * 8)(0, 0, 0, 0, SIGCHLD, 0, 0, 0)
got = syscall("clone3", arguments, ctypes.sizeof(arguments))
if got == 0:
    time.sleep(100)
if got > 0:
    succeed("clone3")

# %% other programs
import multiprocessing
import subprocess

attempt(subprocess.run, ["/bin/true"])
attempt(lambda: subprocess.run("true", shell=True, close_fds=False))
attempt(os.posix_spawn, "/bin/true", ["true"], {})
if os.system("true") == 0:
    succeed("system")
attempt(os.execv, sys.executable, [sys.executable])
attempt(lambda: multiprocessing.get_context("spawn").Process(target=print).start())
attempt(lambda: multiprocessing.get_context("fork").Process(target=print).start())
attempt(os.popen, "true")

# %% killing
import signal

for victim in [*VICTIMS, os.getppid(), -1, 0]:
    for number in (0, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
        attempt(os.kill, victim, number)
for victim in [*VICTIMS, os.getppid()]:
    attempt_call("tgkill", victim, victim, 9)
    attempt_call("rt_sigqueueinfo", victim, 9, ctypes.create_string_buffer(128))
    attempt(os.pidfd_open, victim)
    attempt(os.killpg, os.getpgid(victim) if victim else 0, 9)

# %% killing by an owner of a pipe
import fcntl
import signal

for victim in [*VICTIMS, os.getppid()]:
    reader, writer = os.pipe()
    for end in (reader, writer):
        attempt(fcntl.fcntl, end, 10, signal.SIGKILL)  # F_SETSIG
        attempt(fcntl.fcntl, end, fcntl.F_SETOWN, victim)
        attempt(fcntl.fcntl, end, 15, (ctypes.c_int * 2)(1, victim))  # F_SETOWN_EX
        fcntl.fcntl(end, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(writer, b"x")
    os.read(reader, 1)

# %% notes about files of others
import fcntl

folder = os.open(".", os.O_RDONLY)
attempt(fcntl.fcntl, folder, 1026, 0x3F)  # F_NOTIFY
library = os.open(np.__file__, os.O_RDONLY)
attempt(fcntl.fcntl, library, 1024, 0)  # F_SETLEASE
attempt(fcntl.fcntl, os.pipe()[0], 1031, 1 << 20)  # F_SETPIPE_SZ

# %% priorities and limits of others
for victim in [*VICTIMS, os.getppid(), os.getpid()]:
    attempt(os.setpriority, os.PRIO_PROCESS, victim, 19)
    attempt(os.sched_setaffinity, victim, {0})
    attempt_call("prlimit64", victim, 7, (ctypes.c_uint64 * 2)(0, 0), None)
attempt(os.nice, 5)
import resource

attempt(resource.setrlimit, resource.RLIMIT_AS, (-1, -1))
attempt(resource.setrlimit, resource.RLIMIT_CPU, (1, 1))

# %% another user
for user in (0, 1, 1000, 65534):
    attempt(os.setuid, user)
    attempt(os.setresuid, user, user, user)
    attempt(os.setgid, user)
attempt(os.setgroups, [0])
attempt(os.initgroups, "root", 0)
if os.getuid() == 0 and "root" in OUTSIDE:
    succeed()

# %% another session
attempt(os.setsid)
attempt(os.setpgid, 0, 0)
attempt_call("prctl", 1, 0, 0, 0, 0)  # live on without the parent
attempt_call("prctl", 4, 1, 0, 0, 0)

# %% a program from the nineties
code = bytes.fromhex("b80200000031dbcd80c3")  # fork of 32 bits
if platform.machine() == "x86_64":
    import mmap

    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    got = run()
    if got == 0:
        time.sleep(100)
    if got > 0:
        succeed(got)

# %% system calls of another kind
if platform.machine() == "x86_64":
    got = libc.syscall(ctypes.c_long(0x40000000 | 57))  # fork of x32
    if got == 0:
        time.sleep(100)
    if got > 0:
        succeed(got)

# %% more than student code needs: the kernel
import ctypes

text = ctypes.create_string_buffer(256)
for name in (
    "io_uring_setup",
    "io_setup",
    "bpf",
    "userfaultfd",
    "perf_event_open",
    "keyctl",
    "add_key",
    "fanotify_init",
    "inotify_init1",
    "syslog",
    "quotactl",
    "acct",
    "swapon",
    "init_module",
    "reboot",
    "setdomainname",
    "timer_create",
    "sched_setscheduler",
    "personality",
    "capset",
    "memfd_create",
    "memfd_secret",
    "shmget",
    "semget",
    "msgget",
    "mq_open",
    "vmsplice",
    "process_madvise",
    "process_vm_writev",
    "pidfd_getfd",
    "pidfd_send_signal",
):
    attempt_call(name, 1, text, text, 1, 0, 0)

# %% more than student code needs: mounts and namespaces
text = ctypes.create_string_buffer(256)
for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x80):
    attempt_call("unshare", flag)
attempt_call("setns", 0, 0)
attempt_call("mount", b"none", b".", b"tmpfs", 0, None)
attempt_call("chroot", b".")
attempt_call("pivot_root", b".", b".")
attempt_call("fsopen", b"tmpfs", 0)
attempt_call("open_tree", -100, b".", 1)
attempt_call("mount_setattr", -100, b".", 0, text, 32)
attempt_call("openat2", -100, b".", text, 24)
attempt_call("name_to_handle_at", -100, b".", text, text, 0)
attempt_call("open_by_handle_at", -100, text, 0)
