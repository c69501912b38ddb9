"""Each system call is decided by name and has its own number, on both architectures; the filter does what the table says."""

import ctypes
import struct
import sys
from collections.abc import Sequence
from errno import EACCES, EAGAIN, ENOSYS, EPERM

import pytest

from bot.sandbox.tier import INSIDE

sys.path.append(str(INSIDE))  # as inside, neighbours are imported by bare names
from bot.sandbox.inside import seccomp, syscalls

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
UNKNOWN = -1  # to a libseccomp older than the call
NEWEST = 470
PID = 4321


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def answer(machine: str, number: int, *arguments: int, single: bool = False) -> int:
    """What the program answers a call with, 0 where it lets it pass: its instructions carried out one by one."""
    data = struct.pack("<iIQ6Q", number, ARCHITECTURES[machine], 0, *(*arguments, *[0] * 6)[:6])
    program = list(struct.iter_unpack("HBBI", seccomp.build(single_process=PID if single else None, machine=machine)))
    place, loaded = 0, 0
    while True:
        code, true, false, value = program[place]
        place += 1
        match code:
            case seccomp.LOAD:
                [loaded] = struct.unpack_from("<I", data, value)
            case seccomp.AND:
                loaded &= value
            case seccomp.RETURN:
                return 0 if value == seccomp.ALLOW else -1 if value == seccomp.KILL else int(value & 0xFFFF)
            case seccomp.EQUAL | seccomp.AT_LEAST | seccomp.ANY_BIT:
                holds = (
                    loaded == value if code == seccomp.EQUAL else loaded >= value if code == seccomp.AT_LEAST else loaded & value
                )
                place += true if holds else false


def test_each_system_call_is_decided_and_bears_its_own_number(machine: str) -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp.so.2 is not installed")
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
    table = [(name, number) for calls in syscalls.table(machine).values() for name, number in calls.items()]
    found = {n: library.seccomp_syscall_resolve_num_arch(ARCHITECTURES[machine], n) for n in range(NEWEST + 1)}

    named = {ctypes.string_at(name).decode(): number for number, name in found.items() if name}

    assert {name: dict(table).get(name) for name in named} == named
    assert len({number for _, number in table}) == len(dict(table)) == len(table)
    assert {number for _, number in table} >= {*range(451, NEWEST + 1)}


def test_the_filter_does_what_the_table_says(machine: str) -> None:
    table = syscalls.table(machine)
    decided = {number: decision for decision, calls in table.items() for number in calls.values()}
    expected = {"refused": (EPERM, EPERM), "refused without namespaces": (0, EPERM), "allowed": (0, 0),
                "ignored without namespaces": (0, 0)}  # fmt: skip

    for number in range(NEWEST + 40):
        if decided.get(number) != "ruled":
            wanted = expected[decided[number]] if number in decided else (ENOSYS, ENOSYS)
            assert (answer(machine, number), answer(machine, number, single=True)) == wanted, number


@pytest.mark.parametrize(
    ("call", "arguments", "alone", "shared"),
    [
        ("socket", (2,), EACCES, EACCES), ("socketpair", (1, 1), 0, 0), ("socketpair", (1, 2), EACCES, EACCES),
        ("setsockopt", (3, 1, 7), EPERM, EPERM), ("setsockopt", (3, 1, 9), 0, 0),
        ("clone", (0x10000000,), EPERM, EPERM), ("clone", (17,), EAGAIN, 0), ("clone", (0x10000,), 0, 0),
        ("clone3", (), ENOSYS, ENOSYS), ("ioctl", (0, 0x5412), EPERM, EPERM), ("ioctl", (0, 0x8901), EPERM, 0),
        ("fcntl", (3, 1024), EPERM, EPERM), ("fcntl", (3, 1026), EPERM, EPERM), ("fcntl", (3, 8), EPERM, 0),
        ("fcntl", (3, 6), 0, 0), ("execve", (), EACCES, 0), ("kill", (PID,), 0, 0), ("kill", (1,), EPERM, 0),
        ("prlimit64", (1,), EPERM, 0), ("prctl", (1,), EPERM, 0), ("setxattrat", (), EPERM, EPERM),
        ("file_setattr", (), EPERM, EPERM),
    ],
)  # fmt: skip
def test_a_call_is_ruled_by_its_arguments(machine: str, call: str, arguments: Sequence[int], alone: int, shared: int) -> None:
    number = next(calls[call] for calls in syscalls.table(machine).values() if call in calls)

    assert (answer(machine, number, *arguments, single=True), answer(machine, number, *arguments)) == (alone, shared)
    assert answer(machine, number + 0x40000000) == -1
