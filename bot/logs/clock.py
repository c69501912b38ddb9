"""The minute of each line of a log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from .times import Stamp, read

REMEMBERED = 100_000  # times that are kept at hand


class Clock:
    """Reads the minute of each line; most lines carry their time at one place, and a minute is read once."""

    def __init__(self, stamp: Stamp, marker: str, sample: list[str], year: Callable[[re.Match[str]], int]) -> None:
        self.stamp = stamp
        self.zone: int | None = None
        self.zones: set[int | None] = set()
        self._year = year
        self._known: dict[bytes, int | None] = {}
        self._marker = marker.encode()
        self._place = self._slice(sample)

    def minutes(self, lines: list[bytes]) -> list[int | None]:
        """The minute of each line, None for one without a time."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        if self._place is None:
            return [self._read(line, self._at(line)) for line in lines]
        start, end = self._place
        keys = [line[start:end] for line in lines]
        found = [*map(self._known.get, keys)]
        if None in found:
            fresh = {key: at for at, (key, minute) in enumerate(zip(keys, found, strict=True)) if minute is None}
            for key, at in fresh.items():
                self._learn(key, lines[at])
            for at, minute in enumerate(found):
                if minute is None and (minute := self._known.get(keys[at])) is None:
                    minute = self._read(lines[at], 0)
                found[at] = minute
        return found

    def _learn(self, key: bytes, line: bytes) -> None:
        assert self._place is not None
        head = line[: self._place[1] + 60].decode("latin-1")
        if found := self.stamp.pattern.match(head, self._place[0]):
            self._known[key] = self._minute(found)

    def _at(self, line: bytes) -> int:
        return max(0, line.find(self._marker) + len(self._marker)) if self._marker and self._marker in line else 0

    def _read(self, line: bytes, start: int) -> int | None:
        head = line[start : start + (200 if self._marker else 120)].decode("latin-1")
        if self._marker and not start:
            return None
        found = self.stamp.pattern.search(head)
        return self._minute(found) if found else None

    def _minute(self, found: re.Match[str]) -> int | None:
        when = read(found, self._year(found) if self.stamp.no_year else 1970)
        if when is None:
            return None
        if len(self.zones) < 50:
            self.zones.add(when.zone)
            if self.zone is None:
                self.zone = when.zone
        return when.minute

    def _slice(self, sample: list[str]) -> tuple[int, int] | None:
        """Where the time stands up to its minute, if it does so in nearly all lines and in one zone."""
        places: Counter[tuple[int, int]] = Counter()
        zones: set[str | None] = set()
        for line in sample:
            raw = line.encode("utf-8", "replace").decode("latin-1")
            start = self._at(raw.encode("latin-1"))
            found = self.stamp.pattern.search(raw, start, start + 120)
            if found and (start or not self._marker):
                part = found.groupdict()
                zones.add(part.get("zone"))
                if part.get("p"):
                    return None
                places[found.start(), found.end("m" if "m" in part else "e")] += 1
        if not places or len(zones) > 1:
            return None
        place, hits = places.most_common(1)[0]
        return place if hits >= 0.9 * sum(places.values()) else None
