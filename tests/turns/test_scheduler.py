"""Who works when: one at a time in a thread, a bounded number at once, and nobody is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.errors import ServiceError
from bot.thread.request import ThreadId
from bot.turns.scheduler import Scheduler

A, B, C = (ThreadId("T1", "C1", f"{n}.0") for n in range(3))


class Desk:
    """Work that lasts until it is let go, and a record of it."""

    def __init__(self, *, slots: int = 9) -> None:
        self.begun: list[ThreadId] = []
        self.put_down: list[ThreadId] = []
        self.at_work: set[ThreadId] = set()
        self.most = 0
        self.go = asyncio.Event()
        self.sweeps: list[Sequence[ThreadId] | Exception] = []
        self.scheduler = Scheduler(self.run, self.waiting, slots=slots, sweep=0.001)

    async def run(self, thread: ThreadId) -> None:
        assert thread not in self.at_work
        self.begun.append(thread)
        self.at_work.add(thread)
        self.most = max(self.most, len(self.at_work))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.put_down.append(thread)
            raise
        finally:
            self.at_work.remove(thread)

    async def waiting(self) -> Sequence[ThreadId]:
        await asyncio.sleep(0)
        match self.sweeps.pop(0) if self.sweeps else ():
            case Exception() as error:
                raise error
            case threads:
                return threads

    async def settle(self) -> None:
        """Let everything that can happen now happen."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def all_over(self) -> None:
        self.go.set()
        async with asyncio.timeout(10):
            await self.scheduler.idle()


async def test_no_more_threads_work_at_once_than_there_are_slots() -> None:
    desk = Desk(slots=2)

    for thread in (A, B, C):
        desk.scheduler.ring(thread)
    await desk.settle()
    assert desk.begun == [A, B]
    await desk.all_over()

    assert (desk.begun, desk.most) == ([A, B, C], 2)


async def test_a_thread_that_is_rung_while_it_works_works_once_more_however_often_it_was_rung() -> None:
    desk = Desk()

    for _ in range(3):
        desk.scheduler.ring(A)
        await desk.settle()
    await desk.all_over()

    assert desk.begun == [A, A]


async def test_an_interrupted_thread_works_again_only_if_it_was_rung() -> None:
    desk = Desk()
    for thread in (A, B):
        desk.scheduler.ring(thread)
    await desk.settle()

    desk.scheduler.ring(A)
    for thread in (A, B, C):
        desk.scheduler.interrupt(thread)
    await desk.settle()
    assert desk.at_work == {A}
    await desk.all_over()

    assert (desk.put_down, desk.begun) == ([A, B], [A, B, A])


async def test_a_sweep_that_fails_is_followed_by_one_that_finds_who_was_forgotten() -> None:
    desk = Desk()
    desk.sweeps = [ServiceError("My memory could not be read."), [A]]

    async with desk.scheduler.serving(), asyncio.timeout(10):
        while not desk.begun:  # noqa: ASYNC110  the sweep is what we wait for
            await asyncio.sleep(0.001)
        await desk.all_over()

    assert desk.begun == [A]


async def test_whoever_is_at_work_is_put_down_when_the_service_ends() -> None:
    desk = Desk(slots=1)

    async with desk.scheduler.serving():
        for thread in (A, B):
            desk.scheduler.ring(thread)
        await desk.settle()

    assert (desk.put_down, desk.begun) == ([A], [A])


@pytest.mark.parametrize("kept", [True, False])
async def test_a_thread_waits_for_the_requests_of_a_burst_to_be_stored_but_for_none_that_cannot_be(kept: bool) -> None:
    desk, stored = Desk(), asyncio.get_running_loop().create_future()
    storing = asyncio.ensure_future(desk.scheduler.storing(stored))
    await desk.settle()
    desk.scheduler.ring(A)
    await desk.settle()
    assert desk.begun == []
    if kept:
        stored.set_result(True)
    await desk.all_over()
    storing.cancel()
    assert desk.begun == [A]
