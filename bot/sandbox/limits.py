"""The limits of one run, and of a thread's files."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds of wall clock; bytes of memory (of the whole tree), of new files (`disk`), of output; processes with their threads.

    New files and folders are at most `inodes`; `file` and `thread` are bytes of one and of all files.
    """

    seconds: float = 60.0
    memory: int = 1_000 * MB
    processes: int = 64
    disk: int = 128 * MB
    inodes: int = 65_536
    output: int = 1 * MB
    file: int = 1_000 * MB
    thread: int = 2_000 * MB

    def resources(self) -> dict[str, int]:
        """Return the limits that the kernel holds for each process, by the name of their RLIMIT."""
        return {
            "CORE": 0,
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
            "NOFILE": 1_024,
            "FSIZE": self.disk,
            "CPU": int(self.seconds * 4) + 1,
            "NPROC": self.processes + 2,
            # Stops a process that grows faster than the watchdog, which has the real limit, checks.
            "DATA": 8 * self.memory,
        }


def size(amount: int) -> str:
    """Return a number of bytes in words, such as 1.5 MB."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")):
        if amount >= unit:
            return f"{amount / unit:.3g} {name}"
    return f"{amount} bytes"
