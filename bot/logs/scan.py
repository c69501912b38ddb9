"""Builds the index of a log in one pass.

Most lines equal an earlier one except for digits. So a line is looked up by its fingerprint, its text without digits, which is
computed for whole blocks at once; only a line with a new fingerprint is parsed.
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
from .fingerprints import Fingerprints
from .formats import infer
from .index import Index, Kind
from .line_format import Format, speaks_of_trouble
from .masking import masked
from .read_ahead import read_ahead
from .secrets import without_secrets
from .sources import Block, Log, NotALog, decode, read_log
from .templates import Tree
from .times import closest_year, today

SAMPLE = 1_000  # lines from which the format is inferred
CACHED = 100_000  # fingerprints whose kinds are kept in memory
FOLDED = -1  # the kind of a line that continues the record before it
SHOWN = 400  # characters of a sample
_EXCEPTION = re.compile(
    r"^(?:Caused by: |Exception in thread \S+ )?(?:[\w$]+\.)*[A-Z][\w$]*(?:Exception|Error|Warning|Interrupt|Exit)\b"
)


def scan(log: Log, now: Callable[[], datetime] = today) -> Index:
    """Return the index of a log, which is read once; `now` decides the year of lines that state none. Raises NotALog."""
    first = next(read_log(log), None)
    if first is None:
        return Index(name=log.name, identity=log.identity(), format="empty")
    sample = sample_lines(first)
    if sum(map(_is_binary, sample)) > len(sample) // 3:
        raise NotALog(f"{log.name} is not text.")
    builder = _Builder(log, infer(sample), sample, now)
    for block, fingerprints in read_ahead(log, Fingerprints.learn(sample).of):
        builder.add(block, fingerprints)
    return builder.finish()


def sample_lines(block: Block) -> list[str]:
    """Return lines from all over a block, from which a format is inferred."""
    lines = block.lines()
    return [decode(line[:20_000]) for line in lines[:: max(1, len(lines) // SAMPLE)]]


def _is_binary(line: str) -> bool:
    return sum(1 for c in line[:200] if (ord(c) < 32 and c not in "\t\r\x1b") or c == "�") > len(line[:200]) // 10


class _Builder:
    """Counts the lines of a log by kind and minute, block by block."""

    def __init__(self, log: Log, form: Format, sample: list[str], now: Callable[[], datetime]) -> None:
        self._log = log
        self._format = form
        self._index = Index(log.name, log.identity(), format=form.name, levelled=form.levels)
        self._index.confidence = round(form.confidence, 3)
        self._clock = Clock(form.stamp, form.marker, sample, closest_year(now)) if form.stamp else None
        self._tree = Tree()
        self._kinds: dict[tuple[int, str], int] = {}  # by template's number and level
        self._samples: list[tuple[int, str]] = []  # by kind: the first line's number and text
        self._by_fingerprint: dict[bytes, int] = {}
        self._by_message: dict[tuple[str, str], int] = {}
        self._last: dict[int, int] = {}
        self._counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._firsts: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._astray: Counter[tuple[int, int]] = Counter()
        self._minute = 0
        self._newest = 0

    def add(self, block: Block, fingerprints: bytes) -> None:
        """Count the lines of a block."""
        lines = block.lines()
        stated = self._clock.minutes(lines) if self._clock else [0] * len(lines)
        kinds = self._kinds_of(block, lines, stated, fingerprints.split(b"\n"))
        minutes = self._fill(stated)
        self._last.update(zip(kinds, range(block.line, block.line + len(lines)), strict=True))
        disordered = False
        changes = [0, *(n for n, other in enumerate(map(ne, minutes, islice(minutes, 1, None)), 1) if other), len(lines)]
        for start, end in zip(changes, islice(changes, 1, None), strict=False):
            minute, run = minutes[start], kinds[start:end]
            self._counts[minute].update(run)
            firsts = self._firsts[minute]
            here = dict(zip(reversed(run), range(block.line + end - 1, block.line + start - 1, -1), strict=True))
            for kind, line in here.items():
                firsts[kind] = min(firsts.get(kind, line), line)
            if minute < self._newest:
                self._index.late += end - start
                disordered = True
            self._newest = max(self._newest, minute)
        if disordered:
            self._astray.update(_find_astray(minutes, kinds))
        self._index.blocks.append([block.offset, block.line, min(minutes, default=0), max(minutes, default=0), block.part])
        self._index.lines = block.line + len(lines) - 1
        if not block.offset:
            self._index.parts.append((self._log.parts[block.part].name, block.line))
        self._index.size += len(block.data)

    def finish(self) -> Index:
        """Return the index, its cells in order, kinds of equal template and level merged."""
        index, clock = self._index, self._clock
        if clock:
            index.stamp, index.zone, index.zones = clock.stamp.name, clock.zone, len(clock.zones)
            index.no_year, index.no_date = clock.stamp.no_year, clock.stamp.no_date
        final: dict[tuple[str, str], int] = {}
        number = {FOLDED: FOLDED}
        for kind, (template, level) in enumerate(self._kinds):
            key = (self._tree.text(template), level)
            if key not in final:
                final[key] = len(index.kinds)
                line, sample = self._samples[kind]
                index.kinds.append(Kind(*key, first=line, sample=sample))
            number[kind] = final[key]
        for kind, line in self._last.items():
            if kind != FOLDED:
                merged = index.kinds[number[kind]]
                merged.last = max(merged.last, line)
        for minute in sorted(self._counts):
            self._add_cells(minute, number)
        for (minute, kind), count in sorted(self._astray.items()):
            if kind != FOLDED:
                index.astray.append([minute, number[kind], count])
        return index

    def _add_cells(self, minute: int, number: dict[int, int]) -> None:
        index = self._index
        cells: dict[int, tuple[int, int]] = {}
        for kind, count in self._counts[minute].items():
            first = self._firsts[minute][kind]
            counted, earliest = cells.get(number[kind], (0, first))
            cells[number[kind]] = (counted + count, min(earliest, first))
        index.folded += cells.pop(FOLDED, (0, 0))[0]
        index.minutes.append(minute)
        index.starts.append(len(index.kind))
        for kind, (count, first) in sorted(cells.items()):
            index.kind.append(kind)
            index.count.append(count)
            index.first.append(first)
            index.kinds[kind].count += count

    def _kinds_of(self, block: Block, lines: list[bytes], minutes: Sequence[int | None], fingerprints: list[bytes]) -> list[int]:
        """Return the kind of each line, FOLDED for one that continues a record."""
        kinds = [*map(self._by_fingerprint.get, fingerprints[: len(lines)])]
        if None in kinds:
            if len(self._by_fingerprint) > CACHED:
                self._by_fingerprint.clear()
            for at, kind in enumerate(kinds):
                if kind is None and (kind := self._by_fingerprint.get(fingerprints[at])) is None:
                    kind = self._parse(block.line + at, decode(lines[at][: SHOWN * 8]), minutes[at])
                    self._by_fingerprint[fingerprints[at]] = kind
                kinds[at] = kind
        return cast("list[int]", kinds)

    def _parse(self, number: int, line: str, minute: int | None) -> int:
        """Return the kind of a line from its level and its masked message."""
        if minute is None and self._clock:
            if not _EXCEPTION.match(line):
                return FOLDED
            level, message = "ERROR", line
        else:
            level, message = self._format.split(line)
        if not message.strip():
            message = line.strip()
        if not level and not self._format.levels and speaks_of_trouble(message):
            level = "ERROR"
        message = masked(without_secrets(message))
        kind = self._by_message.get((message, level))
        if kind is None:
            if len(self._by_message) > CACHED:
                self._by_message.clear()
            kind = self._kinds.setdefault((self._tree.place(message), level), len(self._kinds))
            if kind == len(self._samples):
                self._samples.append((number, without_secrets(line)[:SHOWN]))
            self._by_message[message, level] = kind
        return kind

    def _fill(self, stated: Sequence[int | None]) -> list[int]:
        """Return the minute of each line; a line without a time has that of the line before."""
        if not self._newest and not self._minute:
            self._minute = next((minute for minute in stated if minute is not None), 0)
        if None not in stated:
            minutes = cast("list[int]", stated)
        else:
            minutes, before = [], self._minute
            for minute in stated:
                before = before if minute is None else minute
                minutes.append(before)
        self._minute = minutes[-1] if minutes else self._minute
        return minutes


def _find_astray(minutes: list[int], kinds: list[int], group: int = 25) -> Iterator[tuple[int, int]]:
    """Yield minute and kind of each line whose minute lies outside those of the groups of lines around it."""
    groups = (sorted(minutes[at : at + group]) for at in range(0, len(minutes), group))
    medians = [here[len(here) // 2] for here in groups]
    for at, (minute, kind) in enumerate(zip(minutes, kinds, strict=True)):
        here = at // group
        if (here and minute < medians[here - 1] - 1) or (here + 1 < len(medians) and minute > medians[here + 1] + 1):
            yield minute, kind
