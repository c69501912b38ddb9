"""Timestamps: recognised in many forms, and turned into minutes since 1970 with the zone that the log states."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

MONTHS = {
    m: n for n, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d(?!\d)))?"
_CLOCK = r"(?P<h>[01]?\d|2[0-3])[:.](?P<m>[0-5]\d)"
_REST = r"(?:[:.](?P<s>[0-6]\d)(?:[.,:]\d{1,9})?)"


@dataclass(frozen=True, slots=True)
class Stamp:
    """One way to write a time: its name, the pattern that finds it, and what it leaves out (`no_year`, `no_date`)."""

    name: str
    pattern: re.Pattern[str]
    no_year: bool = False
    no_date: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """A time read from a line: seconds since 1970 in UTC, and minutes east of UTC, None when the line does not say."""

    seconds: int
    zone: int | None

    @property
    def minute(self) -> int:
        """Whole minutes since 1970 in UTC."""
        return self.seconds // 60


def _stamp(name: str, pattern: str, **more: bool) -> Stamp:
    return Stamp(name, re.compile(pattern, re.I), **more)


STAMPS = (
    _stamp("ISO 8601", r"(?<!\d)(?P<Y>(?:19|20)\d\d)[-/.](?P<M>\d\d)[-/.](?P<D>\d\d)(?:[T_:-]| +)" + _CLOCK + _REST + "?" + _ZONE),
    _stamp("access log", r"(?<!\d)(?P<D>\d\d)/(?P<b>[A-Z][a-z]{2})/(?P<Y>\d{4}):" + _CLOCK + _REST + r"(?: (?P<zone>[+-]\d{4}))?"),
    _stamp("ctime", r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?P<b>[A-Z][a-z]{2}) +(?P<D>\d\d?) " + _CLOCK + _REST + r"(?: (?P<zone>UTC|GMT))? (?P<Y>\d{4})"),
    _stamp("day month year", r"(?<!\d)(?P<D>\d\d?)[ -](?P<b>[A-Z][a-z]{2})[ -](?P<Y>\d{4})[ ,T]+" + _CLOCK + _REST + _ZONE),
    _stamp("syslog", r"(?<![A-Z])(?P<b>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(?P<D>\d\d?) " + _CLOCK + _REST, no_year=True),
    _stamp("klog", r"(?<![A-Z0-9])[IWEFD](?P<M>[01]\d)(?P<D>[0-3]\d) " + _CLOCK + _REST, no_year=True),
    _stamp("compact date", r"(?<!\d)(?P<Y>20\d\d)(?P<M>[01]\d)(?P<D>[0-3]\d)[-T _]" + _CLOCK + _REST + _ZONE),
    _stamp("compact", r"(?<!\d)(?P<Y>20\d\d)(?P<M>[01]\d)(?P<D>[0-3]\d)[-T _]?(?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)(?P<s>[0-5]\d)(?!\d)" + _ZONE),
    _stamp("US date", r"(?<!\d)(?P<M>[01]?\d)/(?P<D>[0-3]?\d)/(?P<Y>\d{4}),? +(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d)(?:[.,]\d+)?)?(?: ?(?P<p>[AP]M))?"),
    _stamp("short date", r"(?<!\d)(?P<y>\d\d)/(?P<M>[01]\d)/(?P<D>[0-3]\d) " + _CLOCK + _REST),
    _stamp("six digits twice", r"(?<!\d)(?P<y>\d\d)(?P<M>[01]\d)(?P<D>[0-3]\d) (?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)(?P<s>[0-5]\d)(?!\d)"),
    _stamp("month-day", r"(?<![\d.])(?P<M>[01]\d)[-./](?P<D>[0-3]\d) " + _CLOCK + _REST, no_year=True),
    _stamp("Unix time", r"(?<![\d.])(?P<e>1[0-9]{9})(?:\d{3}|\d{6}|\d{9}|\.\d{1,9})?(?![\d])"),
    _stamp("time of day", r"(?<![\d:.])(?P<h>[01]\d|2[0-3]):(?P<m>[0-5]\d):(?P<s>[0-5]\d)(?:[.,]\d{1,9})?(?![\d:])", no_date=True),
)  # fmt: skip


def read(found: re.Match[str], year: int) -> When | None:
    """Return the time that a match of a stamp's pattern means; `year` stands in for one that is not there.

    Without a date the day is 1970-01-01. None when there is no such day.
    """
    part = found.groupdict()
    if part.get("e"):
        return When(int(part["e"]), 0)
    if part.get("Y"):
        year = int(part["Y"])
    elif part.get("y"):
        year = 2000 + int(part["y"])
    month = MONTHS.get((part.get("b") or "").lower()) or int(part.get("M") or 1)
    day = int(part.get("D") or 1)
    if not part.get("D"):
        year = 1970
    hour = int(part["h"])
    if part.get("p"):
        hour = hour % 12 + (12 if part["p"].upper() == "PM" else 0)
    zone = offset(part.get("zone"))
    try:
        local = datetime(year, month, day, hour, int(part["m"]), min(int(part.get("s") or 0), 59), tzinfo=UTC)
    except ValueError:
        return None
    return When(int(local.timestamp()) - 60 * (zone or 0), zone)


def offset(zone: str | None) -> int | None:
    """Minutes east of UTC of Z, UTC, +02:00 or -0500; None for nothing."""
    if not zone:
        return None
    if zone.upper() in {"Z", "UTC", "GMT"}:
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def zone_name(zone: int | None) -> str:
    """+02:00, UTC, or what to say when a log does not state its zone."""
    if zone is None:
        return "no zone stated"
    if zone == 0:
        return "UTC"
    return f"{'-' if zone < 0 else '+'}{abs(zone) // 60:02d}:{abs(zone) % 60:02d}"


def shown(minute: int, zone: int | None, *, date: bool = True, no_date: bool = False) -> str:
    """A minute on the log's own clock."""
    at = datetime.fromtimestamp(minute * 60, timezone(timedelta(minutes=zone or 0)))
    return at.strftime("%Y-%m-%d %H:%M" if date and not no_date else "%H:%M")


class BadWindow(ValueError):
    """A window that cannot be read; the text is for the user."""


def window(text: str, first: int, last: int, zone: int | None) -> tuple[int, int]:
    """Return FROM..TO as minutes since 1970, from the first to before the last; raises BadWindow.

    An end is HH:MM, a date with HH:MM, perhaps with seconds (cut to the minute) and a zone; an end left out is the log's own.
    Without a date it is the day of the log's first minute on which it falls inside, without a zone the log's clock.
    """
    start, dots, end = text.strip().partition("..")
    if not dots:
        raise BadWindow(f"A window is FROM..TO, like 14:00..14:10 or 2026-11-20T14:00..2026-11-20T14:10; not {text!r}.")
    begin = _end(start, first, first, last, zone) if start.strip() else first
    until = _end(end, max(first, begin), first, last, zone) if end.strip() else last + 1
    if until <= begin and "-" not in end and "/" not in end:
        until += 24 * 60  # over midnight
    if until <= begin:
        raise BadWindow(f"The window {text!r} ends before it begins.")
    return begin, until


def _end(text: str, near: int, first: int, last: int, zone: int | None) -> int:
    text = text.strip()
    if found := re.fullmatch(r"(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?::[0-5]\d(?:[.,]\d+)?)?" + _ZONE, text, re.I):
        named = offset(found["zone"])
        shift = zone or 0 if named is None else named
        of_day = int(found["h"]) * 60 + int(found["m"])
        day = (near + shift) // 1440
        at = day * 1440 + of_day - shift
        if at < near - 720 or (at < first and at + 1440 <= last + 1):
            at += 1440
        return at
    for stamp in STAMPS[:-1]:
        if (match := stamp.pattern.fullmatch(text)) and (when := read(match, _year(near))) is not None:
            return when.minute if when.zone is not None else when.minute - (zone or 0)
    raise BadWindow(f"{text!r} is not a time I can read; write 14:05 or 2026-11-20T14:05.")


def _year(minute: int) -> int:
    return datetime.fromtimestamp(minute * 60, UTC).year


def today() -> datetime:
    """Now."""
    return datetime.now(UTC)


def closest_year(now: Callable[[], datetime]) -> Callable[[re.Match[str]], int]:
    """For logs that state no year: this one, or the last when that would lie in the future."""

    def year(found: re.Match[str]) -> int:
        here = now()
        when = read(found, here.year)
        ahead = when is not None and when.seconds > (here + timedelta(days=2)).timestamp()
        return here.year - 1 if ahead else here.year

    return year
