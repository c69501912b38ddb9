"""One SQLite database: reads, and one writer that commits in groups; a write is on disk when `commit` returns.

Statements run where they are called: they take microseconds, and a thread that shares the interpreter with a busy loop waits
milliseconds for each. Only the end of a transaction, which waits for the disk, has a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from bot.errors import Lost, ServiceError, SetupError
from bot.store.opening import cannot_be_used, opened

Work = Callable[[sqlite3.Connection], Any]
PATIENCE = 5.0  # seconds that a transaction waits for another program to leave the database


@asynccontextmanager
async def open_database(path: Path | str, now: float) -> AsyncIterator[Database]:
    """Open the database at `path` (":memory:" for none on disk) at the Unix time `now`, and write until the block ends."""
    with ThreadPoolExecutor(1, "store") as thread:
        try:
            writing = await asyncio.get_running_loop().run_in_executor(thread, opened, path, now)
            with closing(writing):
                reading = writing if path == ":memory:" else sqlite3.connect(path, isolation_level=None)
                with closing(reading):
                    database = Database(writing, reading, thread)
                    writer = asyncio.create_task(database.write(), name="store writer")
                    try:
                        yield database
                    finally:
                        writer.cancel()
                        await asyncio.gather(writer, return_exceptions=True)
                        thread.shutdown()
        except sqlite3.Error as error:
            raise SetupError(cannot_be_used(path, error)) from error


class Database:
    """Two connections: one writes, the other reads, and sees only what is committed."""

    def __init__(self, writing: sqlite3.Connection, reading: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._writing = writing
        self._reading = reading
        self._thread = thread
        self._queue: asyncio.Queue[tuple[Work, asyncio.Future[Any]]] = asyncio.Queue()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query; raises ServiceError when the database cannot be read."""
        try:
            return self._reading.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise ServiceError("My memory could not be read. Please try again later.") from error

    async def commit(self, work: Work) -> Any:
        """Do the work in the next transaction and return its result once that is on disk; raises what the work raised."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((work, future))
        return await future

    async def write(self) -> None:
        """Commit all queued work in one transaction, each piece in a savepoint of its own, again and again until cancelled."""
        while True:
            group = [await self._queue.get()]
            while not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                await self._begin()
                done = [self._in_savepoint(work) for work, _ in group]
                await asyncio.get_running_loop().run_in_executor(self._thread, self._writing.execute, "commit")
            except sqlite3.Error as error:
                if self._writing.in_transaction:
                    self._writing.execute("rollback")
                failed = ServiceError("My memory could not be written. Please try again later.")
                failed.__cause__ = error
                done = [failed for _ in group]
            for (_, future), result in zip(group, done, strict=True):
                if future.done():  # its caller was cancelled
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _begin(self) -> None:
        """Begin a transaction; while another program writes, wait, and let the loop go on."""
        patience = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                self._writing.execute("begin immediate")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or asyncio.get_running_loop().time() > patience:
                    raise
            await asyncio.sleep(0.05)

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
