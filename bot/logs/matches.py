"""Searches the lines of one log, and counts the values of a template's placeholders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress, count

from .index import Index
from .masking import WILD, masked
from .reader import LineReader, Window, blocks_within, is_within, render_line
from .sources import Log

KEPT = 400  # hits that are remembered while counting
VALUES = 100_000  # different values of one placeholder that are counted
_Place = tuple[list[bytes], int, int, int | None]  # a block's lines, which of them, its number in the log, its minute


class BadQuery(ValueError):
    """A query that cannot be read; the text is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to look for: text that stands in the line as it is, or a regular expression; at one level only, if any.

    `before` and `after` are the lines to show around a hit, `limit` is the number of hits to return.
    """

    text: str
    regex: bool = False
    ignore_case: bool = False
    level: str = ""
    before: int = 0
    after: int = 0
    limit: int = 10

    def pattern(self) -> re.Pattern[bytes]:
        """Return the pattern that matching lines contain. Raises BadQuery."""
        if not self.text:
            raise BadQuery("An empty query matches everything; say what to look for.")
        try:
            return re.compile((self.text if self.regex else re.escape(self.text)).encode(), re.I if self.ignore_case else 0)
        except re.error as error:
            raise BadQuery(f"{self.text!r} is not a regular expression: {error}.") from error


@dataclass(slots=True)
class Hit:
    """A line that matches, with those around it; `minute` since 1970 in UTC, None when it carries no time."""

    file: str
    line: int
    text: str
    minute: int | None = None
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Matches:
    """How many lines match, in all and in each minute, and some of them, varied and spread over the log."""

    total: int = 0
    minutes: Counter[int] = field(default_factory=Counter)
    hits: list[Hit] = field(default_factory=list)


def search(log: Log, index: Index, query: Query, window: Window | None = None) -> Matches:
    """Count every line that matches, and return up to `query.limit` of them. Raises BadQuery and NotALog."""
    matches = Matches()
    hits: list[Hit] = []
    place: _Place | None = None
    stride = 1
    for place in _places(log, index, query, window):
        *_, minute = place
        matches.total += 1
        if minute is not None:
            matches.minutes[minute] += 1
        if matches.total == 1 or matches.total % stride == 0:
            hits.append(_hit(index, query, *place))
            if len(hits) > KEPT:
                hits, stride = hits[::2], stride * 2
    if place is not None and (last := _hit(index, query, *place)) not in hits:
        hits.append(last)
    matches.hits = choose_varied(hits, query.limit)
    return matches


def _hit(index: Index, query: Query, lines: list[bytes], at: int, number: int, minute: int | None) -> Hit:
    before, after = lines[max(0, at - query.before) : at], lines[at + 1 : at + 1 + query.after]
    around = [render_line(other) for other in before], [render_line(other) for other in after]
    return Hit(*index.cite(number), render_line(lines[at]), minute, *around)


def choose_varied(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """Return at most `limit` hits in their order: the first of each kind, then others evenly over the log."""
    if len(hits) <= limit:
        return list(hits)
    firsts: dict[str, int] = {}
    for at, hit in enumerate(hits):
        firsts.setdefault(re.sub(r"\d+", "0", masked(hit.text[30:])), at)
    chosen = {0, *list(firsts.values())[:limit]}
    others = [at for at in range(len(hits)) if at not in chosen]
    if others and (missing := limit - len(chosen)) > 0:
        chosen |= {others[round(k * (len(others) - 1) / max(1, missing - 1))] for k in range(missing)}
    return [hits[at] for at in sorted(chosen)[:limit]]


def count_values(log: Log, index: Index, template: str, window: Window | None = None) -> tuple[int, list[Counter[str]]]:
    """Return how many lines a template has, and how often each value of each of its placeholders occurs. Raises BadQuery."""
    pattern = _template_pattern(template)
    longest = max(template.replace(WILD, " ").split(), key=len, default="").encode()
    counters: list[Counter[str]] = [Counter() for _ in range(pattern.groups)]
    total, reader = 0, LineReader(log)
    for block in blocks_within(log, index, window):
        if longest not in block.data:
            continue
        lines = block.lines()
        minutes = reader.minutes(lines) if window else [None] * len(lines)
        for line, minute in zip(lines, minutes, strict=True):
            if longest in line and is_within(minute, window) and (match := pattern.match(reader.message(line))):
                total += 1
                for counter, value in zip(counters, match.groups(), strict=True):
                    if value in counter or len(counter) < VALUES:
                        counter[value] += 1
    return total, counters


def _places(log: Log, index: Index, query: Query, window: Window | None) -> Iterator[_Place]:
    """Yield the place of each line that matches."""
    pattern = query.pattern()
    # The bytes that every matching line contains; empty for a regular expression or when case is ignored.
    literal = b"" if query.regex or query.ignore_case else query.text.encode()
    reader: LineReader | None = None
    for block in blocks_within(log, index, window):
        if literal and literal not in block.data:
            continue
        lines = block.lines()
        candidates = _positions(block.data, literal) if literal else [*compress(count(), map(pattern.search, lines))]
        if not candidates:
            continue
        reader = reader or LineReader(log)
        minutes = reader.minutes(lines)
        for at in candidates:
            if is_within(minutes[at], window) and (not query.level or reader.level(lines[at]) == query.level):
                yield lines, at, block.line + at, minutes[at]


def _positions(data: bytes, literal: bytes) -> list[int]:
    """Return the positions within a block of the lines that contain the literal, each once."""
    positions: list[int] = []
    at, line, start = data.find(literal), 0, 0
    while at >= 0:
        line += data.count(b"\n", start, at)
        positions.append(line)
        start = data.find(b"\n", at)
        if start < 0:
            break
        at = data.find(literal, start)
    return positions


def _template_pattern(template: str) -> re.Pattern[str]:
    """Return a pattern of whole messages with one group for each placeholder; a blank matches several. Raises BadQuery."""
    pieces = re.sub(r"\s+", " ", template.lstrip()).split(WILD)
    first, *others = (re.escape(piece).replace(r"\ ", r"\s+") for piece in pieces)
    if not others:
        raise BadQuery(f"{template!r} has no {WILD}.")
    return re.compile(first + "".join(f"(.*?){other}" for other in others) + "$")
