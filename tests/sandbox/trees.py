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


def _waits(pid: int) -> bool:
    """Whether it is a fork of the server that still has the rights which a run gives up before its script begins."""
    with suppress(OSError):
        rights = int(Path(f"/proc/{pid}/status").read_text().split("CapEff:")[1].split()[0], 16)
        return bool(rights) and b"/opt/tools/inside/forkserver.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
