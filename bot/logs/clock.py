"""Reads the minute of each line of a log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from .times import Stamp, read_time

CACHED = 100_000  # times that are kept in memory


class Clock:
    """Reads the minute of lines; where nearly all have their time at the same place, each minute is parsed only once."""

    def __init__(self, stamp: Stamp, marker: str, sample: list[str], year: Callable[[re.Match[str]], int]) -> None:
        self.stamp = stamp
        self.zone: int | None = None
        self.zones: set[int | None] = set()
        self._year = year
        self._known: dict[bytes, int | None] = {}
        self._marker = marker.encode()
        self._place = self._find_place(sample)

    def minutes(self, lines: list[bytes]) -> list[int | None]:
        """Return the minute of each line, None for one without a time."""
        if len(self._known) > CACHED:
            self._known.clear()
        if self._place is None:
            return [self._read(line, self._start(line)) for line in lines]
        start, end = self._place
        keys = [line[start:end] for line in lines]
        minutes = [*map(self._known.get, keys)]
        if None in minutes:
            unknown = {key: at for at, (key, minute) in enumerate(zip(keys, minutes, strict=True)) if minute is None}
            for key, at in unknown.items():
                head = lines[at][: end + 60].decode("latin-1")
                if time := self.stamp.pattern.match(head, start):
                    self._known[key] = self._minute(time)
            for at, minute in enumerate(minutes):
                if minute is None and (minute := self._known.get(keys[at])) is None:
                    minute = self._read(lines[at], 0)
                minutes[at] = minute
        return minutes

    def _start(self, line: bytes) -> int:
        """Return the position from which a line is searched for its time."""
        return max(0, line.find(self._marker) + len(self._marker)) if self._marker and self._marker in line else 0

    def _read(self, line: bytes, start: int) -> int | None:
        head = line[start : start + (200 if self._marker else 120)].decode("latin-1")
        if self._marker and not start:
            return None
        time = self.stamp.pattern.search(head)
        return self._minute(time) if time else None

    def _minute(self, time: re.Match[str]) -> int | None:
        when = read_time(time, self._year(time) if self.stamp.no_year else 1970)
        if when is None:
            return None
        if len(self.zones) < 50:
            self.zones.add(when.zone)
            if self.zone is None:
                self.zone = when.zone
        return when.minute

    def _find_place(self, sample: list[str]) -> tuple[int, int] | None:
        """Return the bytes from which the minute is read, as (start, end), if nearly all lines share them and one zone."""
        places: Counter[tuple[int, int]] = Counter()
        zones: set[str | None] = set()
        for line in sample:
            raw = line.encode("utf-8", "replace").decode("latin-1")
            start = self._start(raw.encode("latin-1"))
            time = self.stamp.pattern.search(raw, start, start + 120)
            if time and (start or not self._marker):
                part = time.groupdict()
                zones.add(part.get("zone"))
                if part.get("p"):
                    return None
                places[time.start(), time.end("m" if "m" in part else "e")] += 1
        if not places or len(zones) > 1:
            return None
        place, hits = places.most_common(1)[0]
        return place if hits >= 0.9 * sum(places.values()) else None
