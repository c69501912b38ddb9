"""When an open turn is worked on again: after the process died, after an error of ours, after a service failed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.ports import SUSPECT
from bot.thread.entries import Delivery, Entry

RESTS = (0.0, 0.0, 10.0, 60.0, 600.0)  # seconds before a turn is resumed after its first death, its second, … its last
LONGEST_REST = 600.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A thread with open requests: whether it is being worked on, its deaths, and the Unix time until which it rests."""

    thread: str
    running: bool
    deaths: int
    rest_until: float


WAITING = (
    "select thread, coalesce(running, 0), coalesce(deaths, 0), coalesce(rest_until, 0) from inbox left join threads on id = thread"
    " where closed_at is null group by thread order by min(inbox.rowid)"
)


def due(rows: Iterable[Waiting], now: float) -> Sequence[str]:
    """Return the threads to work on now, in order: suspects one at a time, and only after what else died has gone on."""
    rows = list(rows)
    rested = [row for row in rows if not resting(row.rest_until, now)]
    suspects = sorted((row for row in rested if row.deaths >= SUSPECT), key=lambda row: row.rest_until)
    others = [row.thread for row in rested if row.deaths < SUSPECT]
    if any(0 < row.deaths < SUSPECT or (row.running and row.deaths) for row in rows):
        return others
    return [*others, *(row.thread for row in suspects[:1])]


def resting(until: float, now: float) -> bool:
    """Whether a rest is not over; one that would be too long is, because the clock was set back."""
    return 0 < until - now <= LONGEST_REST


def progress(entries: Iterable[Entry]) -> bool:
    """Whether the turn went on: the intent to post something, and the word that it died, is appended at every try."""
    return any(not (isinstance(e, Delivery) and (e.result is None or e.intent == "died")) for e in entries)


def count_deaths(db: sqlite3.Connection, now: float) -> None:
    """Count one more death of every turn that was at work when the last process ended, and let it rest; wake all others."""
    cases = " ".join(f"when {number} then {seconds}" for number, seconds in enumerate(RESTS))
    db.execute(
        "update threads set running = 0, deaths = deaths + running,"
        f" rest_until = case when running or deaths then ? + case deaths + running - 1 {cases} else {LONGEST_REST} end else 0 end",
        (now,),
    )
