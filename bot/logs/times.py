"""Reads times in many forms as minutes since 1970 in UTC, with the zone that the log states."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

MONTHS = {
    month: n for n, month in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d(?!\d)))?"
_CLOCK = r"(?P<h>[01]?\d|2[0-3])[:.](?P<m>[0-5]\d)"
_REST = r"(?:[:.](?P<s>[0-6]\d)(?:[.,:]\d{1,9})?)"
_TIME_OF_DAY = re.compile(r"(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?::[0-5]\d(?:[.,]\d+)?)?" + _ZONE, re.I)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A form of writing times: its name, its pattern, and what it leaves out (`no_year`, `no_date`)."""

    name: str
    pattern: re.Pattern[str]
    no_year: bool = False
    no_date: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """A time: seconds since 1970 in UTC, and its zone in minutes east of UTC, None when the line states none."""

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


def read_time(match: re.Match[str], year: int) -> When | None:
    """Return the time that a stamp's pattern matched, or None when there is no such day.

    A year that is not stated is `year`; a day that is not stated is 1970-01-01.
    """
    part = match.groupdict()
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
    zone = zone_offset(part.get("zone"))
    try:
        local = datetime(year, month, day, hour, int(part["m"]), min(int(part.get("s") or 0), 59), tzinfo=UTC)
    except ValueError:
        return None
    return When(int(local.timestamp()) - 60 * (zone or 0), zone)


def zone_offset(zone: str | None) -> int | None:
    """Return Z, UTC, +02:00 or -0500 as minutes east of UTC, and nothing as None."""
    if not zone:
        return None
    if zone.upper() in {"Z", "UTC", "GMT"}:
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def zone_name(zone: int | None) -> str:
    """Return a zone as +02:00, UTC, or "no zone stated"."""
    if not zone:
        return "no zone stated" if zone is None else "UTC"
    return f"{'-' if zone < 0 else '+'}{abs(zone) // 60:02d}:{abs(zone) % 60:02d}"


def format_minute(minute: int, zone: int | None, *, date: bool = True, no_date: bool = False) -> str:
    """Return a minute on the log's own clock, with or without its date."""
    at = datetime.fromtimestamp(minute * 60, timezone(timedelta(minutes=zone or 0)))
    return at.strftime("%Y-%m-%d %H:%M" if date and not no_date else "%H:%M")


class BadWindow(ValueError):
    """A window that cannot be read; the text is for the user."""


def read_window(text: str, first: int, last: int, zone: int | None) -> tuple[int, int]:
    """Return FROM..TO as minutes since 1970 in UTC, TO excluded. Raises BadWindow.

    `first` and `last` are the log's first and last minute, and replace an end left out. An end is HH:MM or a date and HH:MM;
    seconds are cut off. Without a date it is on the first day for which it lies within the log; without a zone it is on the
    log's own clock.
    """
    start, dots, end = text.strip().partition("..")
    if not dots:
        raise BadWindow(f"A window is FROM..TO, like 14:00..14:10 or 2026-11-20T14:00..2026-11-20T14:10; not {text!r}.")
    begin = _end(start, first, first, last, zone) if start.strip() else first
    until = _end(end, max(first, begin), first, last, zone) if end.strip() else last + 1
    if until <= begin and (not end.strip() or _TIME_OF_DAY.fullmatch(end.strip())):
        until += 24 * 60  # without a date, the end may lie after midnight
    if until <= begin:
        raise BadWindow(f"The window {text!r} ends before it begins.")
    return begin, until


def _end(text: str, near: int, first: int, last: int, zone: int | None) -> int:
    """Return one end of a window; without a date it lies on the day of `near`, or on the next one if that falls in the log."""
    text = text.strip()
    if clock := _TIME_OF_DAY.fullmatch(text):
        stated = zone_offset(clock["zone"])
        shift = zone or 0 if stated is None else stated
        at = (near + shift) // 1440 * 1440 + int(clock["h"]) * 60 + int(clock["m"]) - shift
        if at < near - 720 or (at < first and at + 1440 <= last + 1):
            at += 1440
        return at
    year = datetime.fromtimestamp(near * 60, UTC).year
    for stamp in STAMPS[:-1]:
        if (match := stamp.pattern.fullmatch(text)) and (when := read_time(match, year)) is not None:
            return when.minute if when.zone is not None else when.minute - (zone or 0)
    raise BadWindow(f"{text!r} is not a time I can read; write 14:05 or 2026-11-20T14:05.")


def today() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def closest_year(now: Callable[[], datetime]) -> Callable[[re.Match[str]], int]:
    """Return a function that gives the year of a time without one: this year, or the last if it would be over two days ahead."""

    def year(match: re.Match[str]) -> int:
        today = now()
        when = read_time(match, today.year)
        is_ahead = when is not None and when.seconds > (today + timedelta(days=2)).timestamp()
        return today.year - 1 if is_ahead else today.year

    return year
