"""A store whose process dies around one of its writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from bot.ports import Claim, Store
from bot.thread.entries import Entry
from bot.thread.request import Request, ThreadId


class Died(BaseException):
    """The process is gone: nothing after this line ran."""


class DyingStore:
    """A store whose process dies around one write of a thread's record; a dead process writes and reads no more.

    It dies before the write, so that what was done in the world is not on record, or after it.
    """

    def __init__(self, store: Store, write: int, *, before: bool) -> None:
        """`write` counts from 1."""
        self.dead = False
        self._store = store
        self._left = write
        self._before = before

    def __getattr__(self, name: str) -> Any:
        if self.dead:
            raise Died
        return getattr(self._store, name)

    async def claim(self, thread: ThreadId) -> DyingClaim:
        if self.dead:
            raise Died
        return DyingClaim(await self._store.claim(thread), self)

    async def move(self, request: Request, to: ThreadId) -> None:
        await self.write(lambda: self._store.move(request, to))

    async def write(self, write: Callable[[], Awaitable[None]]) -> None:
        if self.dead:
            raise Died
        self._left -= 1
        self.dead = self._left == 0
        if not (self.dead and self._before):
            await write()
        if self.dead:
            raise Died


class DyingClaim:
    """A claim of a process that dies."""

    def __init__(self, claim: Claim, store: DyingStore) -> None:
        self._claim = claim
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if self._store.dead:
            raise Died
        return getattr(self._claim, name)

    async def append(self, *entries: Entry, close: Iterable[str] = ()) -> None:
        await self._store.write(lambda: self._claim.append(*entries, close=close))
