"""The Marks port on SQLite: how far each channel was heard."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from bot.store.sqlite import SqliteStore
from bot.thread.request import ThreadId


class SqliteMarks:
    """The Marks port over a store; ts are compared as the numbers they are."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def marks(self) -> Mapping[str, str]:
        return {str(channel): str(ts) for channel, ts in await self._store.rows("select channel, ts from heard")}

    async def mark(self, marks: Mapping[str, str]) -> None:
        def work(db: sqlite3.Connection) -> None:
            sql = (
                "insert into heard values (?, ?) on conflict (channel) do update set ts = excluded.ts"
                " where cast(excluded.ts as real) > cast(ts as real)"
            )
            db.executemany(sql, list(marks.items()))

        await self._store.commit(work)

    async def active(self, since: float) -> Mapping[ThreadId, float]:
        sql = (
            "select thread, max(cast(ts as real)) from inbox where cast(ts as real) >= ? and thread not like '%:cmd:%'"
            " group by thread"
        )
        return {ThreadId.parse(thread): float(ts) for thread, ts in await self._store.rows(sql, since)}
