"""Schedules threads: one run at a time per thread, many threads at once, and a sweep for those with open requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from bot.errors import ServiceError
from bot.thread.request import ThreadId

log = logging.getLogger(__name__)
MOMENT = 0.3  # seconds that a thread waits at most for the requests of a burst to be stored, as Slack waits to hear of them


class Scheduler:
    """Runs a thread when `ring` is called; a call while it runs makes it run once more afterwards."""

    def __init__(
        self, run: Callable[[ThreadId], Awaitable[None]], waiting: Callable[[], Awaitable[Sequence[ThreadId]]], *, slots: int,
        sweep: float,
    ) -> None:  # fmt: skip
        """Run at most `slots` threads at once; every `sweep` seconds ring those that `waiting` returns."""
        self._run = run
        self._waiting = waiting
        self._sweep = sweep
        self._slots = asyncio.Semaphore(slots)
        self._actors: dict[ThreadId, asyncio.Task[None]] = {}
        self._work: dict[ThreadId, asyncio.Task[None]] = {}
        self._again: set[ThreadId] = set()
        self._storing, self._calm = 0, asyncio.Event()
        self._calm.set()

    def ring(self, thread: ThreadId) -> None:
        """Run the thread, or once more if it is running."""
        if thread in self._actors:
            self._again.add(thread)
        else:
            self._actors[thread] = asyncio.create_task(self._act(thread), name=f"thread {thread}")

    async def storing(self, stored: Awaitable[bool]) -> bool:
        """Wait until a request is stored; meanwhile no further thread begins."""
        self._storing += 1
        self._calm.clear()
        try:
            return await stored
        finally:
            self._storing -= 1
            if not self._storing:
                self._calm.set()

    def interrupt(self, thread: ThreadId) -> None:
        """Cancel the thread's run; it runs again only if it was rung meanwhile."""
        if work := self._work.get(thread):
            work.cancel()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Sweep at once and then regularly until the block ends; then cancel every run and wait for its end."""
        sweeper = asyncio.create_task(self._sweeping())
        try:
            yield
        finally:
            tasks = [sweeper, *self._actors.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until no thread runs."""
        while self._actors:
            await asyncio.gather(*self._actors.values(), return_exceptions=True)

    async def _act(self, thread: ThreadId) -> None:
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(MOMENT):
                        await self._calm.wait()
                self._again.discard(thread)
                async with self._slots:
                    await self._run_once(thread)
                if thread not in self._again:
                    return
        finally:
            del self._actors[thread]

    async def _run_once(self, thread: ThreadId) -> None:
        """Run the thread in a task of its own, so that an interruption ends this run and not the runs after it."""
        work = self._work[thread] = asyncio.ensure_future(self._run(thread))
        try:
            await asyncio.wait([work])
        finally:
            del self._work[thread]
            if not work.done():
                work.cancel()
                await asyncio.wait([work])
        if not work.cancelled() and (error := work.exception()):
            log.error("the thread could not be worked on", exc_info=error)

    async def _sweeping(self) -> None:
        while True:
            try:
                for thread in await self._waiting():
                    if thread not in self._actors:
                        self.ring(thread)
            except ServiceError as error:
                log.warning("the sweep failed: %s", error)
            await asyncio.sleep(self._sweep)
