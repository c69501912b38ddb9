"""Watches a process tree from outside: its memory, and whether its disk is full."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.thread.outcomes import Outcome

# Given the pids of a tree: the bytes of its new files in memory, and whether no more fit.
Disk = Callable[[Sequence[int]], Awaitable[tuple[int, bool]]]
SOCKET = 212_992  # bytes of a socket's buffer, by the kernel's default
Watch = Callable[..., Coroutine[None, None, Outcome]]  # as `watch`


@dataclass(slots=True)
class Watched:
    """What the watchdog has seen: the peak of the tree's memory in bytes, and whether its disk was ever full."""

    peak_memory: int = 0
    disk_was_full: bool = False


def tree(root: int) -> list[int]:
    """Return the pids of a process and all its descendants, parents first."""
    pids, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        pids.append(pid)
        with suppress(OSError, ValueError):
            for task in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return pids


def kill(root: int) -> None:
    """Kill a process and all its descendants; the process is stopped first, so that it starts none while we look.

    A bwrap that is killed alone in its first moments leaves behind the process that was to become the sandbox's first.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.kill(root, signal.SIGSTOP)
    for pid in tree(root):  # parents first, so that they do not report the end of their children
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def memory(pids: list[int]) -> int:
    """Return the proportional memory of these processes in bytes: anonymous and shared pages, not those of files.

    What the kernel holds for them counts as well: page tables, and for each open socket the buffer that it may fill.
    """
    total, sockets = 0, set[str]()
    for pid in pids:
        with suppress(OSError):
            links = (os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd"))
            sockets |= {link for link in links if link.startswith("socket:")}
        with suppress(OSError, IndexError):
            total += int(Path(f"/proc/{pid}/status").read_text().split("VmPTE:")[1].split()[0]) * 1024
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    total += int(line.split()[1]) * 1024
    return total + len(sockets) * SOCKET


def unlinked(pids: Sequence[int]) -> int:
    """Return the bytes of deleted files that these processes hold open or mapped: they fill the disk, but no folder lists them."""
    held: dict[int, int] = {}
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                if line.endswith(" (deleted)") and not line.endswith(" /dev/zero (deleted)"):  # that is shared memory
                    span, _, _, _, inode, *_ = line.split()
                    start, end = (int(at, 16) for at in span.split("-"))
                    held[int(inode)] = held.get(int(inode), 0) + end - start
        with suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    info = os.stat(f"/proc/{pid}/fd/{name}")
                    if info.st_nlink == 0:
                        held[info.st_ino] = info.st_blocks * 512
    return sum(held.values())


def sacrifice(pid: int) -> None:
    """Make this process, and not the bot, the one that the kernel kills when the machine runs out of memory."""
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")


async def time_out(seconds: float, *, tick: float = 0.5, late: float = 1.0) -> None:
    """Return when a run's time is over; a tick that comes more than `late` seconds late shows a frozen machine and is no time."""
    left = seconds
    while left > 0:
        nap = min(left, tick)
        before = time.monotonic()
        await asyncio.sleep(nap)
        passed = time.monotonic() - before
        left -= nap if passed > nap + late else passed


async def watch(
    root: int, limit: int, seen: Watched, disk: Disk, exhausted: Callable[[], bool], *, hard: bool, every: float = 0.05
) -> Outcome:
    """Return the limit that the tree broke: `limit` bytes of memory, files in memory included, or, with `hard`, a full disk.

    Without `hard` the script itself gets an error when the disk is full. `exhausted` says whether the kernel has killed a process
    of the tree because memory ran out. Checks every `every` seconds; while no limit is broken, runs until cancelled.
    """
    marked: set[int] = set()
    while True:
        pids = tree(root)
        used, full = await disk(pids)
        seen.disk_was_full = seen.disk_was_full or full
        if full and hard:
            return Outcome.DISK_FULL
        for pid in set(pids) - marked:
            sacrifice(pid)
            marked.add(pid)
        total = await asyncio.to_thread(memory, pids)
        seen.peak_memory = max(seen.peak_memory, total)
        if total + used > limit or exhausted():
            return Outcome.OUT_OF_MEMORY
        await asyncio.sleep(every)
