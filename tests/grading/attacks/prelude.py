"""What every attack starts from; it stands above the attack in the answer cell of `rotate180`.

OUTSIDE: a folder of the instructor's, with solutions, a gradebook and other submissions, which anybody may write to.
TCP, UDP, UNIX, ABSTRACT: where somebody listens. VICTIMS: processes of the same user.
"""

# ruff: noqa
import ctypes, os, platform, sys, time

import numpy as np

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {  # x86_64, and what the others agree on
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "capset": (126, 91),
    "chroot": (161, 51),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fanotify_init": (300, 262),
    "fsopen": (430, 430),
    "init_module": (175, 105),
    "inotify_init1": (294, 26),
    "io_setup": (206, 0),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "keyctl": (250, 219),
    "kill": (62, 129),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "openat2": (437, 437),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "rt_sigqueueinfo": (129, 138),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "semget": (64, 190),
    "setdomainname": (171, 162),
    "setns": (308, 268),
    "setpriority": (141, 140),
    "setresuid": (117, 147),
    "setuid": (105, 146),
    "shmget": (29, 194),
    "socket": (41, 198),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "tgkill": (234, 131),
    "timer_create": (222, 107),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vmsplice": (278, 75),
}


def syscall(name, *arguments):
    """A system call; -1 where it was refused."""
    return libc.syscall(CALLS[name][platform.machine() != "x86_64"], *arguments)


def agent():
    """What talks to the grader in this process."""
    frame = sys._getframe()
    while type(frame.f_locals.get("self")).__name__ != "Agent":
        frame = frame.f_back
    return frame.f_locals["self"]


def rotate180(w):
    return w * 0


def succeed(why=""):
    """The attack has got what it wanted: let the mark say so."""
    global rotate180
    rotate180 = lambda w: w[..., ::-1, ::-1]
    print("SUCCESS", why)


def attempt(what, *arguments, **more):
    """Try something that must be refused."""
    try:
        got = what(*arguments, **more)
    except Exception as error:
        print(type(error).__name__, str(error)[:100])
    else:
        succeed(f"{what} {arguments} gave {str(got)[:100]}")


def attempt_call(name, *arguments):
    """Try a system call that must be refused."""
    got = syscall(name, *arguments)
    print(name, got, os.strerror(ctypes.get_errno()))
    if got >= 0:
        succeed(name)
