"""Going back to the lines: search, trace, the values of a placeholder, and what evidence needs."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .clock import Clock
from .formats import infer
from .index import Index
from .line_format import Format, trouble
from .masking import WILD, masked
from .scan import sampled
from .secrets import without_secrets
from .sources import Block, Log, log_blocks, part_blocks, text
from .times import closest_year, today

KEPT = 400  # lines that are remembered while counting
WIDTH = 300  # characters of a line that is shown


class BadQuery(ValueError):
    """A query that cannot be read; the text is for the user."""


@dataclass(slots=True)
class Hit:
    """A line that was found, with those around it; `minute` since 1970 in UTC, None when it carries no time."""

    file: str
    line: int
    text: str
    minute: int | None = None
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Matches:
    """How many lines match, how many in each minute, the first and last, and some of them, spread and unlike each other."""

    total: int = 0
    minutes: Counter[int] = field(default_factory=Counter)
    hits: list[Hit] = field(default_factory=list)


def matcher(query: str, *, regex: bool = False, ignore_case: bool = False) -> Callable[[bytes], bool]:
    """Return what says whether a line matches: the query as it stands, or as a regular expression. Raises BadQuery."""
    if not query:
        raise BadQuery("An empty query matches everything; say what to look for.")
    if not regex and not ignore_case:
        wanted = query.encode()
        return lambda line: wanted in line
    try:
        pattern = re.compile((query if regex else re.escape(query)).encode(), re.I if ignore_case else 0)
    except re.error as error:
        raise BadQuery(f"{query!r} is not a regular expression: {error}.") from error
    return lambda line: pattern.search(line) is not None


def search(
    log: Log,
    index: Index,
    query: str,
    *,
    regex: bool = False,
    ignore_case: bool = False,
    window: tuple[int, int] | None = None,
    level: str = "",
    before: int = 0,
    after: int = 0,
    limit: int = 10,
) -> Matches:
    """Count every line that matches, and return up to `limit` of them. Raises BadQuery and NotALog.

    Without `regex` the query is plain text that stands in the line as it is.
    """
    matches = matcher(query, regex=regex, ignore_case=ignore_case)
    plain = b"" if regex or ignore_case else query.encode()
    found, kept, stride = Matches(), [], 1
    last: Hit | None = None
    reader: Reader | None = None
    for block in _within(log, index, window):
        if plain and plain not in block.data:
            continue
        lines = block.lines()
        at = _positions(block.data, plain) if plain else [n for n, line in enumerate(lines) if matches(line)]
        if not at:
            continue
        reader = reader or Reader(log)
        minutes = reader.minutes(lines)
        for n in at:
            minute = minutes[n]
            if window and not _inside(minute, window):
                continue
            if level and reader.level(lines[n]) != level:
                continue
            found.total += 1
            if minute is not None:
                found.minutes[minute] += 1
            if found.total % stride and found.total > 1:
                last = Hit(*index.cite(block.line + n), shown(lines[n]), minutes[n])
                continue
            kept.append(Hit(
                *index.cite(block.line + n), shown(lines[n]), minutes[n],
                [shown(line) for line in lines[max(0, n - before) : n]], [shown(line) for line in lines[n + 1 : n + 1 + after]],
            ))  # fmt: skip
            last = kept[-1]
            if len(kept) > KEPT:
                kept, stride = kept[::2], stride * 2
    if last is not None and last not in kept:
        kept.append(last)
    found.hits = spread(kept, limit)
    return found


def spread(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """Choose hits that differ: one of each kind first, then more, evenly over the log."""
    if len(hits) <= limit:
        return list(hits)
    seen: dict[str, int] = {}
    for n, hit in enumerate(hits):
        seen.setdefault(re.sub(r"\d+", "0", masked(hit.text[30:])), n)
    chosen = set(list(seen.values())[:limit]) | {0}
    rest = [n for n in range(len(hits)) if n not in chosen]
    missing = max(0, limit - len(chosen))
    chosen |= (
        {rest[round(k * (len(rest) - 1) / max(1, missing - 1))] for k in range(missing)} if rest and missing else set()
    )
    return [hits[n] for n in sorted(chosen)[:limit]]


def count_values(
    log: Log, index: Index, template: str, window: tuple[int, int] | None = None
) -> tuple[int, list[Counter[str]]]:
    """Return how many lines a template has, and for each of its placeholders how often each value occurs."""
    pieces = template.split(WILD)
    if len(pieces) < 2:
        raise BadQuery(f"{template!r} has no {WILD}.")
    words = [r"\s+".join(map(re.escape, piece.split())) for piece in pieces]
    gaps = [(r"\s+" if p[:1] == " " else "", r"\s+" if p[-1:] == " " and p.strip() else "") for p in pieces]
    pattern = words[0] + gaps[0][1]
    for word, (left, right) in zip(words[1:], gaps[1:], strict=True):
        pattern += rf"(.*?){left}{word}{right}"
    whole = re.compile(pattern + "$")
    longest = max((w for p in pieces for w in p.split()), key=len, default="").encode()
    counted: list[Counter[str]] = [Counter() for _ in pieces[1:]]
    total = 0
    reader = Reader(log)
    for block in _within(log, index, window):
        if longest not in block.data:
            continue
        lines = block.lines()
        minutes = reader.minutes(lines) if window else []
        for n, line in enumerate(lines):
            if longest in line and (not window or _inside(minutes[n], window)):
                message = reader.message(line)
                if match := whole.match(message):
                    total += 1
                    for counter, value in zip(counted, match.groups(), strict=True):
                        if value in counter or len(counter) < 100_000:
                            counter[value] += 1
    return total, counted


def read_lines(log: Log, index: Index, numbers: Iterable[int]) -> dict[int, str]:
    """Return whole lines by number, secrets and all, read in one pass over the parts they are in; those that are there."""
    found: dict[int, str] = {}
    wanted = sorted({n for n in numbers if 0 < n <= index.lines})
    while wanted:
        at = max(0, bisect_right([b[1] for b in index.blocks], wanted[0]) - 1)
        offset, line, _, _, part = index.blocks[at]
        for block in part_blocks(log, part, offset, line):
            lines = block.lines()
            behind = block.line + len(lines)
            while wanted and wanted[0] < behind:
                number = wanted.pop(0)
                found[number] = text(lines[number - block.line])
            # A packed file is read on to the next line; in a plain one it is quicker to seek.
            if not wanted or not log.parts[part].packed:
                break
    return found


def shown(line: bytes | str) -> str:
    """A line for people and models: without secrets, control characters made visible, cut."""
    whole = line[: WIDTH * 8] if isinstance(line, str) else text(line[: WIDTH * 8])
    plain = "".join(c if c.isprintable() or c == "\t" else "·" for c in whole)
    safe = without_secrets(plain)
    return safe if len(safe) <= WIDTH else safe[: WIDTH - 1] + "…"


class Reader:
    """Reads time, level and message of single lines of a log."""

    def __init__(self, log: Log) -> None:
        lines = sampled(next(log_blocks(log), Block(0, 1, b"")))
        self._format: Format = infer(lines)
        stamp = self._format.stamp
        self._clock = Clock(stamp, self._format.marker, lines, closest_year(today)) if stamp else None

    def minutes(self, lines: list[bytes]) -> list[int | None]:
        """The minute of each line; one without a time has that of the line before."""
        if self._clock is None:
            return [None] * len(lines)
        found = self._clock.minutes(lines)
        before: int | None = next((m for m in found if m is not None), None)
        for at, minute in enumerate(found):
            found[at] = before = before if minute is None else minute
        return found

    def level(self, line: bytes) -> str:
        """The level of a line, or what its words suggest where lines have none."""
        level, message = self._format.split(text(line))
        return level or ("ERROR" if not self._format.levels and trouble(message) else "")

    def message(self, line: bytes) -> str:
        """What a line says, without its head."""
        return " ".join(self._format.split(text(line))[1].split())


def _inside(minute: int | None, window: tuple[int, int]) -> bool:
    return minute is not None and window[0] <= minute < window[1]


def _within(log: Log, index: Index, window: tuple[int, int] | None) -> Iterator[Block]:
    """The blocks that may hold lines of a window; a plain file is read from the first of them on."""
    if window is None:
        yield from log_blocks(log)
        return
    spans: dict[
        int, list[int]
    ] = {}  # by part: offset and line of the first block that may hold some, line behind the last
    for at, (offset, line, low, high, part) in enumerate(index.blocks):
        if low < window[1] and high >= window[0]:
            behind = index.blocks[at + 1][1] if at + 1 < len(index.blocks) else index.lines + 1
            spans.setdefault(part, [offset, line, behind])[2] = behind
    for part, (offset, line, behind) in sorted(spans.items()):
        for block in part_blocks(log, part, offset, line):
            if block.line >= behind:
                break
            yield block


def _positions(data: bytes, wanted: bytes) -> list[int]:
    """The numbers within the block of the lines that hold the text, each once."""
    found: list[int] = []
    at, line, start = data.find(wanted), 0, 0
    while at >= 0:
        line += data.count(b"\n", start, at)
        found.append(line)
        start = data.find(b"\n", at)
        if start < 0:
            break
        at = data.find(wanted, start)
    return found
