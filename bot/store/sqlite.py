"""The Store port on SQLite; a write is on disk when its method returns."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bot.errors import Lost, ServiceError
from bot.store.database import Database, connected
from bot.store.hearing import note_deletion, was_deleted
from bot.store.opening import locked
from bot.store.resuming import WAITING, Waiting, due, progress, resting
from bot.thread.conversation import Conversation
from bot.thread.entries import ENTRY, Decision, Entry
from bot.thread.request import REQUEST, Request, ThreadId

EPOCH = "select epoch from threads where id = ?"


@asynccontextmanager
async def open_store(path: Path | str, *, clock: Callable[[], float] = time.time) -> AsyncIterator[SqliteStore]:
    """Open the store at `path` (":memory:" for none on disk) and bring its tables up to date.

    Raises SetupError when another process uses it, when it is newer than this program, when it is damaged or cannot be opened.
    Reads the whole file once, to know the damage now and not when a thread is loaded.
    """
    with locked(path):
        async with connected(path, clock()) as connections:
            yield SqliteStore(*connections, clock)


class SqliteStore(Database):
    """The Store and Marks ports; reads see only what is committed."""

    def __init__(
        self, writing: sqlite3.Connection, reading: sqlite3.Connection, thread: Executor, clock: Callable[[], float]
    ) -> None:
        super().__init__(writing, reading, thread)
        self.now = clock  # in Unix time

    async def accept(self, request: Request) -> bool:
        """Put a request that concerns us into the inbox; return False for any other, and when its key is known."""

        def work(db: sqlite3.Connection) -> bool:
            if not _wanted(db, request) or (request.kind == "message" and was_deleted(db, request)):
                if request.kind == "delete":
                    note_deletion(db, request, self.now())
                return False
            row = (request.key, str(request.thread), request.ts, request.user, request.direct, _dump(REQUEST, request))
            sql = "insert into inbox (key, thread, ts, user, direct, body) values (?, ?, ?, ?, ?, ?) on conflict do nothing"
            return db.execute(sql, row).rowcount == 1

        return bool(await self.commit(work))

    async def claim(self, thread: ThreadId) -> SqliteClaim:
        """Take the lease on a thread: its epoch grows by one, which makes every earlier claim a lost one."""

        def work(db: sqlite3.Connection) -> tuple[int, int, int, float]:
            sql = (
                "insert into threads (id, epoch, running) values (?, 1, 1) on conflict (id) do update set"
                " epoch = epoch + 1, running = 1 returning epoch, crashes, deaths, rest_until"
            )
            [(epoch, crashes, deaths, until)] = _rows(db, sql, str(thread))
            return epoch, crashes, deaths, until

        epoch, crashes, deaths, until = await self.commit(work)
        return SqliteClaim(self, thread, epoch, crashes, deaths, rests=deaths > 0 and resting(until, self.now()))

    async def move(self, request: Request, to: ThreadId) -> None:
        moved = _dump(REQUEST, request)

        def work(db: sqlite3.Connection) -> None:
            db.execute("update inbox set thread = ?, body = ? where key = ?", (str(to), moved, request.key))

        await self.commit(work)

    async def waiting(self) -> Sequence[ThreadId]:
        return [ThreadId.parse(row[0]) for row in await self.rows(WAITING)]

    async def due(self) -> Sequence[ThreadId]:
        """Return the threads with open requests to work on now: those that rest after a death or a failure are left out."""
        rows = [Waiting(*row) for row in await self.rows(WAITING)]
        return [ThreadId.parse(thread) for thread in due(rows, self.now())]

    async def spent(self, team: str, user: str | None, since: float) -> int:
        """Return the tokens used in a team since a Unix time, by one person or (None) by everybody."""
        sql = "select coalesce(sum(tokens), 0) from usage where team = ? and at >= ? and (? is null or user = ?)"
        [(tokens,)] = await self.rows(sql, team, since, user, user)
        return int(tokens)

    async def marks(self) -> Mapping[str, str]:
        return {str(channel): str(ts) for channel, ts in await self.rows("select channel, ts from heard")}

    async def mark(self, marks: Mapping[str, str]) -> None:
        newer = "cast(excluded.ts as real) > cast(ts as real)"  # they are compared as the numbers they are
        sql = f"insert into heard values (?, ?) on conflict (channel) do update set ts = excluded.ts where {newer}"
        await self.commit(lambda db: db.executemany(sql, list(marks.items())))

    async def active(self, since: float) -> Mapping[ThreadId, float]:
        sql = (
            "select thread, max(cast(ts as real)) from inbox where cast(ts as real) >= ? and thread not like '%:cmd:%'"
            " group by thread"
        )
        return {ThreadId.parse(thread): float(ts) for thread, ts in await self.rows(sql, since)}

    async def check(self) -> str:
        """Write to the database without a change; return what is wrong when it cannot be written, else ""."""
        try:
            [(version,)] = await self.rows("pragma user_version")
            await self.commit(lambda db: db.execute(f"pragma user_version = {version}"))
        except ServiceError as error:
            return str(error.__cause__)
        return ""


class SqliteClaim:
    """The Claim port: a lease on a thread, whose epoch is the fencing token of every read and append."""

    def __init__(self, store: SqliteStore, thread: ThreadId, epoch: int, crashes: int, deaths: int, *, rests: bool) -> None:
        self.crashes, self.deaths, self.rests = crashes, deaths, rests
        self._store = store
        self._thread = thread
        self._epoch = epoch

    async def load(self) -> Conversation:
        self._fence(await self._store.rows(EPOCH, str(self._thread)))
        rows = await self._store.rows("select body from entries where thread = ? order by number", str(self._thread))
        return Conversation(tuple(ENTRY.validate_json(body) for (body,) in rows))

    async def inbox(self) -> Sequence[Request]:
        self._fence(await self._store.rows(EPOCH, str(self._thread)))
        sql = "select body from inbox where thread = ? and closed_at is null"
        requests = [REQUEST.validate_json(body) for (body,) in await self._store.rows(sql, str(self._thread))]
        return sorted(requests, key=lambda r: (_order(r.ts), r.key))

    async def append(self, *entries: Entry, close: Iterable[str] = ()) -> None:
        """Append entries and close requests in one transaction; what takes the turn on resets the counts of what broke it."""
        rows = [_dump(ENTRY, entry) for entry in entries]
        keys, now, thread = tuple(close), self._store.now(), str(self._thread)
        went_on = bool(keys) or progress(entries)

        def work(db: sqlite3.Connection) -> None:
            self._fence(_rows(db, EPOCH, thread))
            sql = "insert into entries select ?, coalesce(max(number), -1) + 1, ?, ? from entries where thread = ?"
            for row in rows:
                db.execute(sql, (thread, row, now, thread))
            for usage in [e.usage for e in entries if isinstance(e, Decision)]:
                if tokens := usage.input + usage.output:
                    db.execute("insert into usage values (?, ?, ?, ?)", (self._thread.team, self._asker(db), tokens, now))
            closing = "update inbox set closed_at = ? where key = ? and closed_at is null"
            db.executemany(closing, [(now, key) for key in keys])
            if went_on:
                db.execute("update threads set crashes = 0, deaths = 0, rest_until = 0 where id = ?", (thread,))

        await self._store.commit(work)
        if went_on:
            self.crashes, self.deaths, self.rests = 0, 0, False

    async def release(self, *, broke: bool = False, rest: float = 0.0) -> None:
        """Record that this claim ended, by an error of ours if it `broke`, and let the thread rest; no effect if it is lost."""
        until = self._store.now() + rest

        def work(db: sqlite3.Connection) -> None:
            sql = (
                "update threads set running = 0, crashes = crashes + ?, rest_until = max(rest_until, ?) where id = ? and epoch = ?"
            )
            db.execute(sql, (broke, until, str(self._thread), self._epoch))

        await self._store.commit(work)

    def _fence(self, epochs: list[tuple[Any, ...]]) -> None:
        """Raise Lost unless the thread's epoch is still this claim's."""
        if epochs != [(self._epoch,)]:
            raise Lost(f"The thread {self._thread} has a newer claim.")

    def _asker(self, db: sqlite3.Connection) -> str:
        """Return who asked last: the user of the newest message that was not context."""
        sql = (
            "select json_extract(body, '$.user') from entries where thread = ? and json_extract(body, '$.kind') ="
            " 'user_message' and not json_extract(body, '$.context') order by number desc limit 1"
        )
        rows = _rows(db, sql, str(self._thread))
        return str(rows[0][0]) if rows else ""


def _rows(db: sqlite3.Connection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return db.execute(sql, values).fetchall()


def _wanted(db: sqlite3.Connection, request: Request) -> bool:
    """Whether a request concerns us.

    A direct message or command does; another message only if this person has addressed us in the thread before; an edit or a
    deletion only if its message is in the inbox; a stop only if the thread has a request.
    """
    if request.kind in {"message", "command"} and request.direct:
        return True
    sql, values = "select 1 from inbox where thread = ?", [str(request.thread)]
    if request.kind in {"edit", "delete"}:
        sql, values = f"{sql} and ts = ?", [*values, request.replaces or ""]
    elif request.kind != "stop":
        sql, values = f"{sql} and user = ? and direct", [*values, request.user]
    return bool(_rows(db, sql, *values))


def _dump(adapter: TypeAdapter[Any], value: object) -> bytes:
    """Return a value as JSON; a lone surrogate, which UTF-8 cannot hold, is replaced, so that its message can be answered."""
    try:
        return adapter.dump_json(value)
    except ValueError:
        text = json.dumps(adapter.dump_python(value), default=dict)  # escapes surrogates, which JSON may hold
        return re.sub(r"\\ud[89a-f][0-9a-f]{2}", r"\\ufffd", text).encode()


def _order(ts: str) -> tuple[int, str]:
    """Return the sort key of Slack's ts: seconds as a number, then the rest as it is."""
    seconds, _, rest = ts.partition(".")
    return (int(seconds) if seconds.isdigit() else 0, rest)
