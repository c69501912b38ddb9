"""What runs have left running."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from bot.sandbox.watchdog import tree


def left(before: Collection[int]) -> set[int]:
    """The processes below us that were not there before, but for one that waits for the next run."""
    return {pid for pid in tree(os.getpid()) if pid not in before and not _waits(pid)}


def serves(pid: int) -> bool:
    """Whether it is a fork server or forked by one."""
    with suppress(OSError):
        program, *words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return not program.endswith(b"bwrap") and any(word.endswith(b"/forkserver.py") for word in words)
    return False


def _waits(pid: int) -> bool:
    """Whether it is a fork of the server that has no child and refuses itself nothing yet, as a script's process does."""
    with suppress(OSError):
        return serves(pid) and not tree(pid)[1:] and _filters(pid) == _filters("self")
    return False


def _filters(pid: int | str) -> str:
    return Path(f"/proc/{pid}/status").read_text().split("Seccomp_filters:")[1].split()[0]
