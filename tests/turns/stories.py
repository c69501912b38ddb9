"""What several stories have in common: a script that plots, one that fails, one that never ends, and a log."""

from __future__ import annotations

import asyncio

from bot.thread.outcomes import Execution, Outcome
from tests.fakes import Program
from tests.world import call

PLOT = call("File", name="plot.py", body="...")
RUN = call("ExecutePyFile", name="plot.py")
LOG = b"".join(
    b"2026-11-20T14:%02d:%02dZ %s\n" % (m, s, b"ERROR pool empty, request %d dropped" % s if m >= 40 else b"INFO tick %d" % s)
    for m in range(45)
    for s in range(60)
)


async def plots(files: dict[str, bytes]) -> Execution:
    files["plot.png"] = b"PNG"
    return Execution(outcome=Outcome.SUCCEEDED, exit_code=0, stdout="30\n", duration=0.4)


async def breaks(files: dict[str, bytes]) -> Execution:
    return Execution(outcome=Outcome.FAILED, exit_code=1, stderr="Traceback\nKeyError: 'revnue'\n", duration=0.1)


def endless(started: asyncio.Event) -> Program:
    """A script that says when it has started, and never ends."""

    async def program(files: dict[str, bytes]) -> Execution:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    return program
