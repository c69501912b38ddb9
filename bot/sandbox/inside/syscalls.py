"""The system calls by name, from syscalls.txt: their numbers on an architecture, and what the filter does with each."""

from __future__ import annotations

import errno
import os
import platform

COLUMNS = {"x86_64": 0, "aarch64": 1}
_tables: dict[str, dict[str, dict[str, int]]] = {}  # read once, as a server forks many runs


def table(machine: str) -> dict[str, dict[str, int]]:
    """Return, by decision, the numbers of the calls that an architecture has; raises OSError for one that is not in the table."""
    if machine not in COLUMNS:
        raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
    if machine in _tables:
        return _tables[machine]
    decisions: dict[str, dict[str, int]] = {}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "syscalls.txt")) as file:
        for line in file:
            decision, colon, _ = line.partition(":")
            if colon:
                calls = decisions.setdefault(decision, {})
            elif line.strip() and not line.startswith("#"):
                name, *numbers = line.split()
                if (number := numbers[COLUMNS[machine]]) != "-":
                    calls[name] = int(number)
    _tables[machine] = decisions
    return decisions


def number(name: str) -> int:
    """Return the number of a call on this machine; raises OSError as `table` does."""
    return next(calls[name] for calls in table(platform.machine()).values() if name in calls)
