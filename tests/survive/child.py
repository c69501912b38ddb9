"""The bot in a process of its own, which can die around any of its commits and requests: `python -m tests.survive.child`.

Standard input is JSON: its settings, and its `hooks`. `kill_at` is the point to die at, counted from 1; every point passed is
written to the file `points`. `clock` is added to the time of day, in seconds; `full` commits fail as on a full disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx2

from bot.app import serving
from bot.settings import Settings
from bot.store.sqlite import SqliteStore

passed, armed = 0, False
hooks: dict[str, Any] = {"kill_at": 0, "clock": 0, "full": 0, "points": os.devnull}


def point(what: str) -> None:
    """Pass a point, or die at it."""
    global passed
    if not armed:
        return
    passed += 1
    with open(hooks["points"], "a") as points:
        points.write(f"{what}\n")
    if passed == hooks["kill_at"]:
        os.kill(os.getpid(), signal.SIGKILL)


def around(owner: type, name: str, what: Callable[..., str]) -> None:
    """Make points before and after a method."""
    real: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def pointed(*args: Any, **more: Any) -> Any:
        point(f"before {what(*args, **more)}")
        result = await real(*args, **more)
        point(f"after {what(*args, **more)}")
        return result

    setattr(owner, name, pointed)


async def committed(store: SqliteStore, work: Any) -> Any:
    """Commit, or fail as the kernel does when the disk is full."""
    if armed and hooks["full"] > 0:
        hooks["full"] -= 1
        work = _refused
    return await commit(store, work)


def _refused(db: Any) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def _called(url: str) -> str:
    """Return the method or the kind of a request."""
    return url.split("?")[0].rpartition("/api/")[2] if "/api/" in url else "the bytes of a file"


async def main() -> None:
    """Serve until the process ends or is told to."""
    global armed
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with serving(Settings.model_validate(given), pace=0.2):
        armed = True
        print("at work", flush=True)
        await over.wait()


if __name__ == "__main__":
    commit = SqliteStore.commit
    SqliteStore.commit = committed  # type: ignore[method-assign, assignment]
    around(SqliteStore, "commit", lambda *_: "a commit")
    around(aiohttp.ClientSession, "_request", lambda _, method, url, **__: _called(str(url)))
    around(httpx2.AsyncClient, "send", lambda *_, **__: "the model")
    around(aiohttp.ClientWebSocketResponse, "send_str", lambda *_, **__: "an acknowledgement")
    given = json.loads(sys.stdin.read())
    hooks |= given.pop("hooks")
    real = time.time
    time.time = lambda: real() + hooks["clock"]
    asyncio.run(main())
