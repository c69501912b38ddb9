"""Builds the seccomp filter, a BPF program that answers the system calls which no script needs with errors.

syscalls.txt decides on each call by name; what is newer than that table, or not in it, is answered with ENOSYS.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.inside.syscalls import table
else:
    from syscalls import table

When = Callable[..., list[bytes]]  # given a call's name, and instructions that end in a return: those that run them for it alone

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCH, ARGUMENT = 0, 4, 16
NEW_NAMESPACES = 0x7E020080
CLONE_THREAD = 0x10000


def _op(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", code, true, false, value & 0xFFFFFFFF)


def _answer(number: int) -> bytes:
    return _op(RETURN, ERROR | number)


def _argument(place: int) -> bytes:
    return _op(LOAD, ARGUMENT + 8 * place)


def _for_number(number: int, *body: bytes) -> list[bytes]:
    return [_op(EQUAL, number, 0, len(body)), *body]


def _only(place: int, value: int, otherwise: int) -> list[bytes]:
    """Return the instructions that allow the call if an argument has this value, and else answer with an error."""
    return [_argument(place), _op(EQUAL, value, 1, 0), _answer(otherwise), _op(RETURN, ALLOW)]


def _except(place: int, values: tuple[int, ...], otherwise: int) -> list[bytes]:
    """Return the instructions that allow the call unless an argument has one of the values."""
    jumps = [_op(EQUAL, value, len(values) - n, 0) for n, value in enumerate(values)]
    return [_argument(place), *jumps, _op(RETURN, ALLOW), _answer(otherwise)]


def build(*, single_process: int | None = None, machine: str = platform.machine()) -> bytes:
    """Return the program for an architecture, by default this one; raises OSError for one without a table.

    With `single_process`, the pid of a process without namespaces, it refuses fork, exec and access to other processes as well.
    """
    decided = table(machine)

    def when(call: str, *body: bytes) -> list[bytes]:
        return _for_number(decided["ruled"][call], *body) if call in decided["ruled"] else []

    program = [_op(LOAD, ARCH), _op(EQUAL, ARCHITECTURES[machine], 1, 0), _op(RETURN, KILL), _op(LOAD, NUMBER)]
    program += [_op(AT_LEAST, 0x40000000, 0, 1), _op(RETURN, KILL)]  # the 32-bit calls of x86-64
    program += when("clone3", _answer(errno.ENOSYS))  # glibc falls back to clone, whose flags can be read
    program += when("socket", _answer(errno.EACCES))
    # asyncio and multiprocessing need a pair of AF_UNIX; one of datagrams could send to any socket that has a path.
    stream_or_packets = [_op(AND, 0xF), _op(EQUAL, 1, 1, 0), _op(EQUAL, 5, 0, 1), _op(RETURN, ALLOW), _answer(errno.EACCES)]
    unix = [_argument(0), _op(EQUAL, 1, 1, 0), _answer(errno.EACCES)]
    program += when("socketpair", *unix, _argument(1), *stream_or_packets)
    buffers = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF and their FORCE forms: kernel memory that no limit counts
    program += when("setsockopt", *_except(2, buffers, errno.EPERM))
    threads = [_op(ANY_BIT, CLONE_THREAD, 1, 0), _answer(errno.EAGAIN)] if single_process else []
    program += when("clone", _argument(0), _op(ANY_BIT, NEW_NAMESPACES, 0, 1), _answer(errno.EPERM), *threads, _op(RETURN, ALLOW))
    terminals = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
    owners = (0x8901, 0x8902) if single_process else ()  # FIOSETOWN, SIOCSPGRP: signals to others
    program += when("ioctl", *_except(1, (*terminals, *owners), errno.EPERM))
    # F_SETLEASE, F_NOTIFY: they hold up whoever opens a file that threads share. F_SETOWN, F_SETSIG, F_SETOWN_EX: signals.
    program += when("fcntl", *_except(1, (1024, 1026, *((8, 10, 15) if single_process else ())), errno.EPERM))
    refused, ignored = decided["refused"], dict[str, int]()
    if single_process:
        program += _single_process_rules(when, single_process)
        refused = refused | decided["refused without namespaces"]
        ignored = decided["ignored without namespaces"]
    for calls, answer in ((ignored, _answer(0)), (refused, _answer(errno.EPERM))):
        for number in sorted(calls.values()):
            program += _for_number(number, answer)
    known = {number for calls in decided.values() for number in calls.values()}
    for first, last in _gaps(known):
        program += [_op(AT_LEAST, first, 0, 2), _op(AT_LEAST, last + 1, 1, 0), _answer(errno.ENOSYS)]
    program += [_op(AT_LEAST, max(known) + 1, 0, 1), _answer(errno.ENOSYS), _op(RETURN, ALLOW)]
    return b"".join(program)


def _gaps(known: set[int]) -> list[tuple[int, int]]:
    """Return the first and the last number of each run of numbers that no call has, below the highest that one has."""
    unknown = enumerate(number for number in range(max(known)) if number not in known)
    runs = [[number for _, number in run] for _, run in groupby(unknown, lambda pair: pair[1] - pair[0])]
    return [(run[0], run[-1]) for run in runs]


def _single_process_rules(when: When, pid: int) -> list[bytes]:
    """Return the rules that keep a process from starting others, and from reaching any but itself."""
    rules = []
    for call in ("fork", "vfork"):
        rules += when(call, _answer(errno.EAGAIN))
    for call in ("execve", "execveat"):
        rules += when(call, _answer(errno.EACCES))
    for call in ("prlimit64", "sched_setaffinity"):
        rules += when(call, *_only(0, 0, errno.EPERM))
    for call in ("kill", "tgkill"):
        rules += when(call, *_only(0, pid, errno.EPERM))
    return rules + when("prctl", *_except(0, (1,), errno.EPERM))  # PR_SET_PDEATHSIG: it must die with its parent
