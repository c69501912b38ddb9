"""One SQLite database: reads, and one writer that commits in groups; a write is on disk when `commit` returns.

Statements run where they are called: they take microseconds, and a thread that shares the interpreter with a busy loop waits
milliseconds for each. Only the end of a transaction, which waits for the disk, has a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

from bot.errors import Lost, ServiceError, SetupError
from bot.store.opening import cannot_be_used, opened

Work = Callable[[sqlite3.Connection], Any]
Group = list[tuple[Work, asyncio.Future[Any]]]
PATIENCE = 5.0  # seconds that a transaction waits for another program to leave the database


@asynccontextmanager
async def connected(path: Path | str, now: float) -> AsyncIterator[tuple[sqlite3.Connection, sqlite3.Connection, Executor]]:
    """Open the database at `path` (":memory:" for none on disk) at the Unix time `now`, to write, to read, and with a thread."""
    with ThreadPoolExecutor(1, "store") as thread:
        try:
            writing = await asyncio.get_running_loop().run_in_executor(thread, opened, path, now)
            with closing(writing):
                reading = writing if path == ":memory:" else sqlite3.connect(path, isolation_level=None)
                with closing(reading):
                    try:
                        yield writing, reading, thread
                    finally:
                        thread.shutdown()
        except sqlite3.Error as error:
            raise SetupError(cannot_be_used(path, error)) from error


class Database:
    """Two connections: one writes, the other reads, and sees only what is committed."""

    def __init__(self, writing: sqlite3.Connection, reading: sqlite3.Connection, thread: Executor) -> None:
        self._writing = writing
        self._reading = reading
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._queue: Group = []
        self._writing_now = False

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query; raises ServiceError when the database cannot be read."""
        try:
            return self._reading.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise ServiceError("My memory could not be read. Please try again later.") from error

    async def commit(self, work: Work) -> Any:
        """Do the work in the next transaction and return its result once that is on disk; raises what the work raised."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.append((work, future))
        if not self._writing_now:
            self._writing_now = True
            self._loop.call_soon(self._write, self._loop.time() + PATIENCE)
        return await future

    def _write(self, patience: float) -> None:
        """Do all queued work in one transaction, each piece in a savepoint of its own, and leave its end to the thread.

        While another program writes, try again until the loop's time is `patience`.
        """
        group, done = self._queue, list[Any]()
        try:
            self._writing.execute("begin immediate")
            self._queue = []
            done += [self._in_savepoint(work) for work, _ in group]
        except Exception as error:  # noqa: BLE001  they wait to hear of it
            busy = not self._writing.in_transaction and getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY
            if busy and self._loop.time() < patience:
                self._loop.call_later(0.05, self._write, patience)
                return
            self._queue = []
            self._wrote(group, done, error)
        else:
            self._thread.submit(self._commit, group, done)

    def _commit(self, group: Group, done: list[Any]) -> None:
        """End the transaction, which waits for the disk."""
        problem = None
        try:
            self._writing.execute("commit")
        except sqlite3.Error as error:
            problem = error
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wrote, group, done, problem)

    def _wrote(self, group: Group, done: list[Any], problem: Exception | None) -> None:
        """Tell everybody of the group what came of their work, and begin with what was queued meanwhile."""
        if problem:
            if self._writing.in_transaction:
                self._writing.execute("rollback")
            failed = ServiceError("My memory could not be written. Please try again later.")
            failed.__cause__ = problem
            done = [failed for _ in group]
        for (_, future), result in zip(group, done, strict=True):
            if future.done():  # its caller was cancelled
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._writing_now = bool(self._queue)
        if self._queue:
            self._write(self._loop.time() + PATIENCE)

    def _in_savepoint(self, work: Work) -> Any:
        """Run the work in a savepoint and return its result; if it raises Lost, roll back and return the exception."""
        self._writing.execute("savepoint one")
        try:
            result = work(self._writing)
        except Lost as lost:
            self._writing.execute("rollback to one")
            result = lost
        self._writing.execute("release one")
        return result
