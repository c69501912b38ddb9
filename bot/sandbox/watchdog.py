"""Watches a running tree from outside: its memory, and whether its disk is full."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.thread.outcomes import Outcome


@dataclass(slots=True)
class Watched:
    """What was seen: the highest sum of memory in bytes, and whether the disk was ever full."""

    peak_memory: int = 0
    disk_was_full: bool = False


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with suppress(OSError, ValueError):
            for task in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def kill(root: int) -> None:
    """Kill the process and all its descendants; it is stopped first, so that none is born while we look.

    A bwrap that is killed alone in its first moments leaves behind the process that was to become the sandbox's first.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.kill(root, signal.SIGSTOP)
    for pid in tree(root):  # parents first: they shall not tell of the end of their children
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def memory(pids: list[int]) -> int:
    """Bytes of memory that belong to these processes, shared pages counted once over all."""
    total = 0
    for pid in pids:
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    total += int(line.split()[1]) * 1024
    return total


def nameless(pids: Sequence[int]) -> int:
    """Bytes of deleted files that these processes keep, open or mapped: no folder shows them, and the disk has them."""
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
    """When the machine runs out of memory, the kernel shall take this process and not the bot."""
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")


async def watch(
    root: int,
    limit: int,
    seen: Watched,
    disk: Callable[[Sequence[int]], Awaitable[tuple[int, bool]]],
    exhausted: Callable[[], bool],
    *,
    hard: bool,
    every: float = 0.05,
) -> Outcome:
    """Return what limit the tree broke: more than `limit` bytes of memory, files in memory included, or a full disk.

    `exhausted` says whether the kernel has ended a process for want of memory. `disk` gives, for the tree, the bytes of new files
    in memory and whether no more fit; only if `hard` does a full disk end the run: else the script gets the error itself. Runs
    until cancelled when no limit is broken.
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
