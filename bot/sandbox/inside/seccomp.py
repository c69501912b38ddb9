"""Builds the seccomp filter, a BPF program that answers the system calls which no script needs with errors.

It is a deny-list: an allow-list breaks with every release of numpy and pandas. Calls newer than the table are answered with
ENOSYS. The numbers are those of x86-64; elsewhere `build` raises, and the sandbox does not start.
"""

from __future__ import annotations

import errno
import platform
import struct

X86_64 = 0xC000003E
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCH, ARGUMENT = 0, 4, 16
NEW_NAMESPACES = 0x7E020080
CLONE_THREAD = 0x10000
NEWEST = 470

# The system calls by name, with their numbers on x86-64; a test checks the numbers.
# Allowed or refused by their arguments, each by a rule of its own in `build`.
RULED = {
    "socket": 41, "socketpair": 53, "setsockopt": 54, "clone": 56, "clone3": 435, "fork": 57, "vfork": 58, "execve": 59,
    "execveat": 322, "ioctl": 16, "fcntl": 72, "kill": 62, "tgkill": 234, "prlimit64": 302, "sched_setaffinity": 203,
    "prctl": 157,
}  # fmt: skip
# Refused in every tier, each group for the reason above it.
REFUSED = {
    # They reach other processes' memory and descriptors.
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "pidfd_getfd": 438,
    "process_madvise": 440,
    # They change mounts, roots and namespaces.
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "open_tree_attr": 467,
    "unshare": 272, "setns": 308, "statmount": 457, "listmount": 458,
    # They open large parts of the kernel: keys, bpf, perf, userfaultfd, io_uring.
    "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    # They administer the machine: modules, kexec, reboot, swap, quotas, ports, clocks, names.
    "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320,
    "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179, "quotactl_fd": 443,
    "nfsservctl": 180, "syslog": 103, "iopl": 172, "ioperm": 173, "modify_ldt": 154, "settimeofday": 164,
    "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305, "sethostname": 170, "setdomainname": 171,
    "vhangup": 153,
    # They are obsolete.
    "uselib": 134, "ustat": 136, "sysfs": 139, "_sysctl": 156, "lookup_dcookie": 212,
    # They open files past every path, and watch a whole file system.
    "name_to_handle_at": 303, "open_by_handle_at": 304, "fanotify_init": 300, "fanotify_mark": 301,
    # They take memory that no limit counts: System V IPC, POSIX message queues, memfd, pages in pipes.
    "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "semtimedop": 220,
    "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "mq_open": 240, "mq_unlink": 241,
    "memfd_create": 319, "memfd_secret": 447, "vmsplice": 278,
    # They place memory on NUMA nodes.
    "move_pages": 279, "mbind": 237, "set_mempolicy": 238, "migrate_pages": 256, "set_mempolicy_home_node": 450,
    # They make devices and FIFOs, and extended attributes.
    "mknod": 133, "mknodat": 259, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
    # They change the personality, or add further filters.
    "personality": 135, "seccomp": 317, "landlock_create_ruleset": 444, "lsm_set_self_attr": 460,
}  # fmt: skip
# Refused as well to a process without namespaces.
REFUSED_WITHOUT_NAMESPACES = {
    # Without a pid namespace every process of this user can be named, the bot itself among them.
    "setpriority": 141, "ioprio_set": 251, "sched_setscheduler": 144, "sched_setparam": 142, "sched_setattr": 314,
    "tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "pidfd_open": 434, "pidfd_send_signal": 424,
    "process_mrelease": 448,
    # By path they reach every file of this user: Landlock guards neither owners nor watches, nor sizes before version 3.
    "truncate": 76, "chown": 92, "lchown": 94, "fchownat": 260, "inotify_add_watch": 254,
}  # fmt: skip
# Without namespaces these do nothing and report success: Landlock guards neither modes nor times, which libraries set on every
# file they copy, and which are not kept after a run anyway.
IGNORED_WITHOUT_NAMESPACES = {
    "chmod": 90, "fchmodat": 268, "fchmodat2": 452, "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280,
}  # fmt: skip


def _op(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", code, true, false, value & 0xFFFFFFFF)


def _answer(number: int) -> bytes:
    return _op(RETURN, ERROR | number)


def _argument(place: int) -> bytes:
    return _op(LOAD, ARGUMENT + 8 * place)


def _when(call: str, *body: bytes) -> list[bytes]:
    """Return the instructions that run `body`, which must end in a return, for this call only."""
    return _for_number(RULED[call], *body)


def _for_number(number: int, *body: bytes) -> list[bytes]:
    return [_op(EQUAL, number, 0, len(body)), *body]


def _only(place: int, value: int, otherwise: int) -> list[bytes]:
    """Return the instructions that allow the call if an argument has this value, and else answer with an error."""
    return [_argument(place), _op(EQUAL, value, 1, 0), _answer(otherwise), _op(RETURN, ALLOW)]


def _except(place: int, values: tuple[int, ...], otherwise: int) -> list[bytes]:
    """Return the instructions that allow the call unless an argument has one of the values."""
    jumps = [_op(EQUAL, value, len(values) - n, 0) for n, value in enumerate(values)]
    return [_argument(place), *jumps, _op(RETURN, ALLOW), _answer(otherwise)]


def build(*, single_process: int | None = None) -> bytes:
    """Return the program; with `single_process`, the pid of a process without namespaces, it refuses fork, exec and access to
    other processes as well. Raises OSError on another architecture.
    """
    if platform.machine() != "x86_64":
        raise OSError(errno.ENOSYS, f"no system call table for {platform.machine()}")
    program = [_op(LOAD, ARCH), _op(EQUAL, X86_64, 1, 0), _op(RETURN, KILL)]
    program += [_op(LOAD, NUMBER), _op(AT_LEAST, 0x40000000, 0, 1), _op(RETURN, KILL)]
    program += _when("clone3", _answer(errno.ENOSYS))  # glibc falls back to clone, whose flags can be read
    program += _when("socket", _answer(errno.EACCES))
    # asyncio and multiprocessing need a pair of AF_UNIX; one of datagrams could send to any socket that has a path.
    stream_or_packets = [_op(AND, 0xF), _op(EQUAL, 1, 1, 0), _op(EQUAL, 5, 0, 1), _op(RETURN, ALLOW), _answer(errno.EACCES)]
    unix = [_argument(0), _op(EQUAL, 1, 1, 0), _answer(errno.EACCES)]
    program += _when("socketpair", *unix, _argument(1), *stream_or_packets)
    buffers = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF and their FORCE forms: kernel memory that no limit counts
    program += _when("setsockopt", *_except(2, buffers, errno.EPERM))
    threads = [_op(ANY_BIT, CLONE_THREAD, 1, 0), _answer(errno.EAGAIN)] if single_process else []
    program += _when("clone", _argument(0), _op(ANY_BIT, NEW_NAMESPACES, 0, 1), _answer(errno.EPERM), *threads, _op(RETURN, ALLOW))
    terminals = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
    owners = (0x8901, 0x8902) if single_process else ()  # FIOSETOWN, SIOCSPGRP: signals to others
    program += _when("ioctl", *_except(1, (*terminals, *owners), errno.EPERM))
    refused = REFUSED
    if single_process:
        program += _single_process_rules(single_process)
        refused = REFUSED | REFUSED_WITHOUT_NAMESPACES
    for number in sorted(refused.values()):
        program += _for_number(number, _answer(errno.EPERM))
    program += [_op(AT_LEAST, NEWEST + 1, 0, 1), _answer(errno.ENOSYS), _op(RETURN, ALLOW)]
    return b"".join(program)


def _single_process_rules(pid: int) -> list[bytes]:
    """Return the rules that keep a process from starting others, and from reaching any but itself."""
    rules = []
    for call in ("fork", "vfork"):
        rules += _when(call, _answer(errno.EAGAIN))
    for call in ("execve", "execveat"):
        rules += _when(call, _answer(errno.EACCES))
    for call in ("prlimit64", "sched_setaffinity"):
        rules += _when(call, *_only(0, 0, errno.EPERM))
    for call in ("kill", "tgkill"):
        rules += _when(call, *_only(0, pid, errno.EPERM))
    rules += _when("prctl", *_except(0, (1,), errno.EPERM))  # PR_SET_PDEATHSIG: it must die with its parent
    rules += _when("fcntl", *_except(1, (8, 10, 15), errno.EPERM))  # F_SETOWN, F_SETSIG, F_SETOWN_EX
    for number in sorted(IGNORED_WITHOUT_NAMESPACES.values()):
        rules += _for_number(number, _answer(0))
    return rules
