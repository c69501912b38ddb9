"""The one pass over a log that makes its index.

Most lines of a log read like one before, digits aside. So a line is looked up by its skeleton (itself without digits),
which whole blocks are turned into at once, and only a skeleton not met before is taken apart.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import ne
from typing import cast

from .clock import Clock
from .fingerprints import Skeletons, with_skeletons
from .formats import infer
from .index import Index, Kind
from .line_format import Format, trouble
from .masking import masked
from .secrets import without_secrets
from .sources import Block, Log, NotALog, log_blocks, text
from .templates import Tree
from .times import closest_year, today

SAMPLE = 1_000  # lines from which the format is inferred
REMEMBERED = 100_000  # skeletons that are kept at hand
FOLDED = -1  # the kind of a line that goes on with the record before it
SHOWN = 400  # characters of a sample
_EXCEPTION = re.compile(
    r"^(?:Caused by: |Exception in thread \S+ )?(?:[\w$]+\.)*[A-Z][\w$]*(?:Exception|Error|Warning|Interrupt|Exit)\b"
)


def scan(log: Log, now: Callable[[], datetime] = today) -> Index:
    """Read a log once; raises NotALog."""
    first = next(log_blocks(log), None)
    if first is None:
        return Index(name=log.name, identity=log.identity(), format="empty")
    sample = sampled(first)
    if sum(map(_unreadable, sample)) > len(sample) // 3:
        raise NotALog(f"{log.name} is not text.")
    work = _Scan(log, infer(sample), sample, now)
    for block, skeletons in with_skeletons(log, Skeletons.learned(sample)):
        work.take(block, skeletons)
    return work.finished()


def sampled(block: Block) -> list[str]:
    """Lines from all over a block, from which a format is inferred."""
    lines = block.lines()
    return [text(line[:20_000]) for line in lines[:: max(1, len(lines) // SAMPLE)]]


def _unreadable(line: str) -> bool:
    return sum(1 for c in line[:200] if (ord(c) < 32 and c not in "\t\r\x1b") or c == "�") > len(line[:200]) // 10


class _Scan:
    def __init__(self, log: Log, found: Format, sample: list[str], now: Callable[[], datetime]) -> None:
        self._log = log
        self._format = found
        self._index = Index(
            name=log.name, identity=log.identity(), format=found.name, confidence=round(found.confidence, 3)
        )
        self._index.levelled = found.levels
        self._clock = Clock(found.stamp, found.marker, sample, closest_year(now)) if found.stamp else None
        self._tree = Tree()
        self._kinds: dict[tuple[int, str], int] = {}
        self._placed: list[tuple[int, str]] = []
        self._samples: dict[int, tuple[int, str]] = {}
        self._skeletons: dict[bytes, int] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._last: dict[int, int] = {}
        self._counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._firsts: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._astray: Counter[tuple[int, int]] = Counter()
        self._minute = 0
        self._newest = 0

    def take(self, block: Block, skeletons: bytes) -> None:
        """Count the lines of a block."""
        lines = block.lines()
        timed = self._clock.minutes(lines) if self._clock else [0] * len(lines)
        kinds = self._kinds_of(block, lines, timed, skeletons.split(b"\n"))
        minutes = self._settled(timed)
        self._last.update(zip(kinds, range(block.line, block.line + len(lines)), strict=True))
        disorder = False
        turns = [0, *(n for n, other in enumerate(map(ne, minutes, islice(minutes, 1, None)), 1) if other), len(lines)]
        for start, end in zip(turns, islice(turns, 1, None), strict=False):
            minute, part = minutes[start], kinds[start:end]
            self._counts[minute].update(part)
            firsts = self._firsts[minute]
            here = dict(zip(reversed(part), range(block.line + end - 1, block.line + start - 1, -1), strict=True))
            for kind, at in here.items():
                firsts[kind] = min(firsts.get(kind, at), at)
            if minute < self._newest:
                self._index.late += end - start
                disorder = True
            self._newest = max(self._newest, minute)
        if disorder:
            self._astray.update(_astray(minutes, kinds))
        self._index.blocks.append(
            [block.offset, block.line, min(minutes, default=0), max(minutes, default=0), block.part]
        )
        self._index.lines = block.line + len(lines) - 1
        if not block.offset:
            self._index.parts.append((self._log.parts[block.part].name, block.line))
        self._index.size += len(block.data)

    def finished(self) -> Index:
        """Put the cells in order and give the templates their last names."""
        index, clock = self._index, self._clock
        if clock:
            index.stamp, index.zone, index.zones = clock.stamp.name, clock.zone, len(clock.zones)
            index.no_year, index.no_date = clock.stamp.no_year, clock.stamp.no_date
        final: dict[tuple[str, str], int] = {}
        number = {FOLDED: FOLDED}
        for kind, (placed, level) in enumerate(self._placed):
            name = (self._tree.text(placed), level)
            if name not in final:
                final[name] = len(index.kinds)
                line, sample = self._samples[kind]
                index.kinds.append(Kind(name[0], level, first=line, sample=sample))
            number[kind] = final[name]
        for kind, line in self._last.items():
            if kind != FOLDED:
                known = index.kinds[number[kind]]
                known.last = max(known.last, line)
        for minute in sorted(self._counts):
            cells: dict[int, tuple[int, int]] = {}
            for kind, count in self._counts[minute].items():
                at, first = number[kind], self._firsts[minute][kind]
                had = cells.get(at, (0, first))
                cells[at] = (had[0] + count, min(had[1], first))
            index.folded += cells.pop(FOLDED, (0, 0))[0]
            index.minutes.append(minute)
            index.starts.append(len(index.kind))
            for at, (count, first) in sorted(cells.items()):
                index.kind.append(at)
                index.count.append(count)
                index.first.append(first)
                index.kinds[at].count += count
        for (minute, kind), count in sorted(self._astray.items()):
            if kind != FOLDED:
                index.astray.append([minute, number[kind], count])
        return index

    def _kinds_of(
        self, block: Block, lines: list[bytes], minutes: Sequence[int | None], skeletons: list[bytes]
    ) -> list[int]:
        found = [*map(self._skeletons.get, skeletons[: len(lines)])]
        if None in found:
            if len(self._skeletons) > REMEMBERED:
                self._skeletons.clear()
            for at, kind in enumerate(found):
                if kind is None and (kind := self._skeletons.get(skeletons[at])) is None:
                    kind = self._by_reading(block.line + at, text(lines[at][: SHOWN * 8]), minutes[at])
                    self._skeletons[skeletons[at]] = kind
                found[at] = kind
        return cast("list[int]", found)

    def _by_reading(self, number: int, line: str, minute: int | None) -> int:
        if minute is None and self._clock:
            if not _EXCEPTION.match(line):
                return FOLDED
            level, message = "ERROR", line
        else:
            level, message = self._format.split(line)
        if not message.strip():
            message = line.strip()
        if not level and not self._format.levels and trouble(message):
            level = "ERROR"
        plain = masked(without_secrets(message))
        kind = self._known.get((plain, level))
        if kind is None:
            if len(self._known) > REMEMBERED:
                self._known.clear()
            placed = (self._tree.place(plain), level)
            kind = self._kinds.setdefault(placed, len(self._kinds))
            if kind == len(self._placed):
                self._placed.append(placed)
                self._samples[kind] = (number, without_secrets(line)[:SHOWN])
            self._known[plain, level] = kind
        return kind

    def _settled(self, timed: Sequence[int | None]) -> list[int]:
        """The minute of each line; one without a time has that of the line before."""
        self._index.untimed += timed.count(None)
        if not self._newest and not self._minute:
            self._minute = next((m for m in timed if m is not None), 0)
        if None not in timed:
            minutes = cast("list[int]", timed)
        else:
            minutes, before = [], self._minute
            for minute in timed:
                before = before if minute is None else minute
                minutes.append(before)
        self._minute = minutes[-1] if minutes else self._minute
        return minutes


def _astray(minutes: list[int], kinds: list[int], group: int = 25) -> Iterator[tuple[int, int]]:
    """Yield minute and kind of the lines that stand where lines of another time stand."""
    middles = [
        sorted(minutes[at : at + group])[len(minutes[at : at + group]) // 2] for at in range(0, len(minutes), group)
    ]
    for at, (minute, kind) in enumerate(zip(minutes, kinds, strict=True)):
        here = at // group
        if (here and minute < middles[here - 1] - 1) or (here + 1 < len(middles) and minute > middles[here + 1] + 1):
            yield minute, kind
