"""The fork server from the host's side: it dies, wears out and closes without anybody waiting for ever."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bot.errors import ServiceError
from bot.execution import Execution, FileName, Outcome, chunked
from bot.request import ThreadId
from bot.sandbox import forkserver as module
from bot.sandbox.limits import Limits
from bot.sandbox.sandboxes import LocalSandboxes, open_sandboxes, probe
from bot.sandbox.watchdog import tree

LIMITS = Limits(seconds=20)


@pytest.fixture(autouse=True)
async def _works() -> None:
    if not (found := await probe("forkserver", LIMITS)).works:
        pytest.skip(f"the fork server does not work on this machine: {found.why}")


async def ran(sandboxes: LocalSandboxes, script: str, thread: str = "1") -> Execution:
    async with sandboxes.open(ThreadId("T", "C", thread)) as sandbox:
        await sandbox.put(FileName("a.py"), chunked(script.encode()))
        return await sandbox.run(FileName("a.py"))


def servers() -> list[int]:
    """The processes of fork servers below us, the innermost last."""
    found = []
    for pid in tree(os.getpid())[1:]:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"inside/forkserver.py" in line:
            found.append(pid)
    return found


async def test_when_the_server_dies_its_run_ends_and_the_next_one_works(tmp_path: Path) -> None:
    async with open_sandboxes(tmp_path, LIMITS, tier="forkserver") as sandboxes:
        running = asyncio.create_task(ran(sandboxes, "import time; print('on', flush=True); time.sleep(30)"))
        await asyncio.sleep(0.5)

        os.kill(servers()[-1], signal.SIGKILL)
        first = await asyncio.wait_for(running, 10)
        second = await asyncio.wait_for(ran(sandboxes, "print('again')"), 10)

        assert (first.outcome, first.stdout) == (Outcome.KILLED, "on\n")
        assert second.stdout == "again\n"


async def test_a_worn_server_is_renewed_and_the_old_one_goes_when_its_run_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WORN", 2)
    async with open_sandboxes(tmp_path, LIMITS, tier="forkserver") as sandboxes:
        old = servers()
        long = asyncio.create_task(ran(sandboxes, "import time; time.sleep(1.5); print('whole')", "2"))
        await ran(sandboxes, "print(1)")
        await asyncio.sleep(1)

        assert (await long).stdout == "whole\n"
        async with asyncio.timeout(5):
            while set(servers()) & set(old):  # noqa: ASYNC110  another task sees to it
                await asyncio.sleep(0.05)
        assert (await ran(sandboxes, "print(2)")).stdout == "2\n"


async def test_closing_ends_runs_and_leaves_nothing(tmp_path: Path) -> None:
    before = set(tree(os.getpid()))
    async with open_sandboxes(tmp_path, LIMITS, tier="forkserver", slots=4) as sandboxes:
        running = [asyncio.create_task(ran(sandboxes, "import time; time.sleep(30)", str(n))) for n in range(4)]
        await asyncio.sleep(0.3)

    ended = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), 10)

    assert all(
        isinstance(e, ServiceError) or (isinstance(e, Execution) and e.outcome is Outcome.KILLED) for e in ended
    ), ended
    assert set(tree(os.getpid())) - before == set()


async def test_cancelling_at_any_moment_leaves_no_process_and_no_descriptor(tmp_path: Path) -> None:
    async with open_sandboxes(tmp_path, LIMITS, tier="forkserver", slots=4) as sandboxes:
        await ran(sandboxes, "print(1)")
        before, held = set(tree(os.getpid())), len(os.listdir("/proc/self/fd"))

        for moment in range(30):
            running = asyncio.create_task(ran(sandboxes, "import time; time.sleep(30)"))
            await asyncio.sleep(moment / 1_000)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        await asyncio.sleep(0.3)
        assert set(tree(os.getpid())) - before == set()
        assert len(os.listdir("/proc/self/fd")) <= held + 1
        assert (await ran(sandboxes, "print('well')")).stdout == "well\n"
