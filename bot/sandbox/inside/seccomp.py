"""The system calls that no script needs: a deny-list with errors, as a BPF program.

A deny-list and not an allow-list: an allow-list breaks with every release of numpy and pandas. What is newer than the table
is answered with ENOSYS. Written for x86-64; elsewhere `build` raises, and the sandbox does not start.
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

SOCKET, SOCKETPAIR, SETSOCKOPT, CLONE, FORK, VFORK, CLONE3, IOCTL, FCNTL = 41, 53, 54, 56, 57, 58, 435, 16, 72
EXECVE, EXECVEAT, KILL_, TGKILL, PRLIMIT, SETAFFINITY, PRCTL = 59, 322, 62, 234, 302, 203, 157

DENIED = frozenset(
    {
        # other processes' memory and descriptors
        101, 310, 311, 312, 438, 440,
        # mounts, roots and namespaces
        165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442, 467, 272, 308, 457, 458,
        # keys, bpf, perf, userfaultfd, io_uring
        248, 249, 250, 321, 298, 323, 425, 426, 427,
        # the machine: modules, kexec, reboot, swap, clocks, names, quotas
        175, 313, 176, 246, 320, 169, 167, 168, 163, 179, 443, 180, 103, 172, 173, 154, 164, 227, 159, 305, 170, 171,
        153, 134, 136, 139, 156, 212,
        # file handles and fanotify
        303, 304, 300, 301,
        # memory that no limit sees: SysV and POSIX message queues, shared memory, memfd
        29, 30, 31, 64, 65, 66, 220, 68, 69, 70, 71, 240, 241, 319, 447, 278,
        # NUMA placement, devices and FIFOs, extended attributes, personality, further filters
        279, 237, 238, 256, 450, 133, 259, 188, 189, 190, 135, 317, 444, 460,
    }
)  # fmt: skip
# Without a pid namespace every process of this user can be named: the bot itself among them.
OTHERS = frozenset({141, 251, 144, 142, 314, 200, 129, 297, 434, 424, 448})

# Landlock does not hold what is known about a file: its mode, owner and times, and who watches it. By their paths these would
# reach every file of this user. What libraries do to each file they copy is passed over, as no mode or time leaves a run.
PASSED_OVER = frozenset({90, 268, 452, 132, 235, 261, 280})  # chmod and utime, not fchmod
REFUSED_PATHS = frozenset({76, 92, 94, 260, 254})  # truncate (before Landlock's version 3), chown, inotify


def _op(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", code, true, false, value & 0xFFFFFFFF)


def _answer(number: int) -> bytes:
    return _op(RETURN, ERROR | number)


def _argument(place: int) -> bytes:
    return _op(LOAD, ARGUMENT + 8 * place)


def _when(call: int, *body: bytes) -> list[bytes]:
    """For this call alone do the body, which must end in a return."""
    return [_op(EQUAL, call, 0, len(body)), *body]


def _only(place: int, value: int, otherwise: int) -> list[bytes]:
    """Allow the call when an argument has this value, else answer with an error."""
    return [_argument(place), _op(EQUAL, value, 1, 0), _answer(otherwise), _op(RETURN, ALLOW)]


def _except(place: int, values: tuple[int, ...], otherwise: int) -> list[bytes]:
    """Allow the call unless an argument is among the values."""
    jumps = [_op(EQUAL, value, len(values) - n, 0) for n, value in enumerate(values)]
    return [_argument(place), *jumps, _op(RETURN, ALLOW), _answer(otherwise)]


def build(*, alone: int | None = None) -> bytes:
    """Return the program; with `alone`, the process's pid, also without fork, exec and other processes."""
    if platform.machine() != "x86_64":
        raise OSError(errno.ENOSYS, f"no system call table for {platform.machine()}")
    program = [_op(LOAD, ARCH), _op(EQUAL, X86_64, 1, 0), _op(RETURN, KILL)]
    program += [_op(LOAD, NUMBER), _op(AT_LEAST, 0x40000000, 0, 1), _op(RETURN, KILL)]
    program += _when(CLONE3, _answer(errno.ENOSYS))  # glibc falls back to clone, whose flags can be read
    program += _when(SOCKET, _answer(errno.EACCES))
    # A pair of AF_UNIX, which asyncio and multiprocessing need; not of datagrams: those go to any socket that has a path.
    stream_or_packets = [
        _op(AND, 0xF),
        _op(EQUAL, 1, 1, 0),
        _op(EQUAL, 5, 0, 1),
        _op(RETURN, ALLOW),
        _answer(errno.EACCES),
    ]
    unix = [_argument(0), _op(EQUAL, 1, 1, 0), _answer(errno.EACCES)]
    program += _when(SOCKETPAIR, *unix, _argument(1), *stream_or_packets)
    buffers = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF and their FORCE forms: kernel memory that no limit sees
    program += _when(SETSOCKOPT, *_except(2, buffers, errno.EPERM))
    threads = [_op(ANY_BIT, CLONE_THREAD, 1, 0), _answer(errno.EAGAIN)] if alone else []
    program += _when(
        CLONE, _argument(0), _op(ANY_BIT, NEW_NAMESPACES, 0, 1), _answer(errno.EPERM), *threads, _op(RETURN, ALLOW)
    )
    told = (0x8901, 0x8902) if alone else ()  # FIOSETOWN, SIOCSPGRP: signals to others
    program += _when(IOCTL, *_except(1, (0x5412, 0x541C, 0x5423, *told), errno.EPERM))  # TIOCSTI, TIOCLINUX, TIOCSETD
    if alone:
        for call, number in (
            (FORK, errno.EAGAIN),
            (VFORK, errno.EAGAIN),
            (EXECVE, errno.EACCES),
            (EXECVEAT, errno.EACCES),
        ):
            program += _when(call, _answer(number))
        for call in (PRLIMIT, SETAFFINITY):
            program += _when(call, *_only(0, 0, errno.EPERM))
        for call in (KILL_, TGKILL):
            program += _when(call, *_only(0, alone, errno.EPERM))
        program += _when(PRCTL, *_except(0, (1,), errno.EPERM))  # PR_SET_PDEATHSIG: it dies with what started it
        program += _when(FCNTL, *_except(1, (8, 10, 15), errno.EPERM))  # F_SETOWN, F_SETSIG, F_SETOWN_EX
        for call in sorted(PASSED_OVER):
            program += _when(call, _answer(0))
    for call in sorted(DENIED | (OTHERS | REFUSED_PATHS if alone else frozenset())):
        program += _when(call, _answer(errno.EPERM))
    program += [_op(AT_LEAST, NEWEST + 1, 0, 1), _answer(errno.ENOSYS), _op(RETURN, ALLOW)]
    return b"".join(program)
