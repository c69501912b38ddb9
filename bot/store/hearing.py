"""What was heard of Slack besides requests: how far each channel was, and deletions that came before their message."""

from __future__ import annotations

import sqlite3

from bot.thread.request import Request

DAY = 86_400.0  # seconds that a deletion waits for its message


def note_deletion(db: sqlite3.Connection, request: Request, now: float) -> None:
    """Keep the deletion of a message that is not known yet, and forget those that came a day before `now` (Unix time)."""
    db.execute("delete from deletions where at < ?", (now - DAY,))
    db.execute("insert or replace into deletions values (?, ?, ?)", (request.thread.channel, request.replaces, now))


def was_deleted(db: sqlite3.Connection, request: Request) -> bool:
    """Whether the message of a request was deleted before it came."""
    where = (request.thread.channel, request.ts)
    return db.execute("select 1 from deletions where channel = ? and ts = ?", where).fetchone() is not None
