"""What runs have left running."""

import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from bot.sandbox.watchdog import tree


def left(before: Collection[int]) -> set[int]:
    """The processes below us that were not there before and stay, but for those that wait for the next run."""
    for _ in range(10):
        found = {pid for pid in tree(os.getpid()) if pid not in before and not _waits(pid)}
        if not found:
            break
        time.sleep(0.03)  # one that is about to wait is being forked
    return found


def serves(pid: int) -> bool:
    """Whether it is a fork server or forked by one."""
    with suppress(OSError):
        program, *words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return not program.endswith(b"bwrap") and any(word.endswith(b"/fork_server.py") for word in words)
    return False


def _waits(pid: int) -> bool:
    """Whether it is a fork of the server that is still to be told what to run, by a socket: no script has one."""
    with suppress(OSError):
        held = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
        return serves(pid) and any(h.startswith("socket:") for h in held) and all(map(_waits, tree(pid)[1:]))
    return False
