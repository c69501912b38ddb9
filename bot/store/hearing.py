"""What was heard of Slack besides requests: how far each channel was, and deletions that came before their message."""

from __future__ import annotations

import aiosqlite

from bot.thread.request import Request

DAY = 86_400.0  # seconds that a deletion waits for its message


async def note_deletion(db: aiosqlite.Connection, request: Request, now: float) -> None:
    """Keep the deletion of a message that is not known yet, and forget those that came a day before `now` (Unix time)."""
    await db.execute("delete from deletions where at < ?", (now - DAY,))
    await db.execute("insert or replace into deletions values (?, ?, ?)", (request.thread.channel, request.replaces, now))


async def was_deleted(db: aiosqlite.Connection, request: Request) -> bool:
    """Whether the message of a request was deleted before it came."""
    async with db.execute("select 1 from deletions where channel = ? and ts = ?", (request.thread.channel, request.ts)) as cursor:
        return await cursor.fetchone() is not None
