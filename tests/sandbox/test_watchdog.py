"""The watchdog: what it counts against a run's limits, and when it leaves an error to the script."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.landlock import entries
from bot.sandbox.watchdog import SOCKET, Disk, Watched, memory, time_out, tree, unlinked, watch
from bot.thread.outcomes import Outcome

LIMIT = 100_000_000  # far more than the process has
HOLDS = Path(__file__).with_name("holds.txt").read_text()


@pytest.fixture
async def pid() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    yield process.pid
    process.kill()
    await process.wait()


def measured(used: int, *, full: bool) -> Disk:
    async def disk(_: object) -> tuple[int, bool]:
        await asyncio.sleep(0)
        return used, full

    return disk


async def test_what_the_kernel_holds_for_a_process_is_its_memory() -> None:
    holds = "import mmap, socket\npairs = [socket.socketpair() for _ in range(100)]\nm = mmap.mmap(-1, 1 << 34, 34)\n"
    script = holds + "for at in range(0, 1 << 34, 1 << 21): m[at]\nprint(flush=True); input()"  # reads make page tables alone
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdin=pipe, stdout=pipe)
    assert process.stdout
    await process.stdout.readline()

    assert memory([process.pid]) > 200 * SOCKET + 30_000_000
    process.kill()
    await process.wait()


@pytest.mark.parametrize(
    ("disk", "exhausted", "hard", "outcome"),
    [
        (measured(LIMIT + 1, full=False), False, False, Outcome.OUT_OF_MEMORY),
        (measured(0, full=False), True, False, Outcome.OUT_OF_MEMORY),
        (measured(0, full=True), False, True, Outcome.DISK_FULL),
        (measured(0, full=True), True, False, Outcome.OUT_OF_MEMORY),
    ],
    ids=["files in memory", "killed by the kernel", "a disk that only we watch", "a disk that gives errors itself"],
)
async def test_the_watchdog_names_the_broken_limit(pid: int, disk: Disk, exhausted: bool, hard: bool, outcome: Outcome) -> None:
    async with asyncio.timeout(20):
        assert await watch(pid, LIMIT, Watched(), disk, lambda: exhausted, hard=hard) is outcome


async def test_within_its_limits_a_run_goes_on_and_a_full_disk_is_remembered(pid: int) -> None:
    seen = Watched()
    watching = asyncio.create_task(watch(pid, LIMIT, seen, measured(0, full=True), lambda: False, hard=False, every=0.001))
    async with asyncio.timeout(20):
        while not seen.peak_memory:  # noqa: ASYNC110  the watchdog looks in its own time
            await asyncio.sleep(0.01)

    assert not watching.done()
    assert seen.disk_was_full
    watching.cancel()


async def test_deleted_files_are_counted_while_they_are_open_or_mapped() -> None:
    process = await asyncio.create_subprocess_exec("/usr/bin/env", "python3", "-c", HOLDS, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        assert await process.stdout.readline() == b"held\n"

        assert 5_000_000 <= unlinked(tree(process.pid)) < 5_100_000
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize(("most", "whole"), [(4, False), (5, True)])
def test_a_scan_that_stopped_at_its_bound_does_not_pass_for_a_whole_one(tmp_path: Path, most: int, whole: bool) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("one", "a/two", "a/b/three"):
        (tmp_path / name).touch()

    seen, all_seen = entries(tmp_path, most=most)

    assert all_seen is whole
    assert len(seen) == most


async def test_time_in_which_the_machine_was_frozen_does_not_count_against_a_run() -> None:
    running_out = asyncio.create_task(time_out(0.3, tick=0.1, late=0.2))
    await asyncio.sleep(0.01)

    time.sleep(1.0)  # noqa: ASYNC251  nothing here goes on meanwhile
    await asyncio.sleep(0.01)

    assert not running_out.done()
    await running_out
