"""The index of a log: its kinds of lines, how many of each there are in each minute, and where. Built once, kept in a file."""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

VERSION = 2  # of the file's form; an index of another version is built anew
_COLUMNS = ("kind", "count", "first")


@dataclass(slots=True)
class Kind:
    """The lines of one template and level: their count, the numbers of the first and the last, and the first one's text."""

    template: str
    level: str
    count: int = 0
    first: int = 0
    last: int = 0
    sample: str = ""


@dataclass(slots=True)
class Index:
    """What one pass over a log counted.

    Minutes are whole, since 1970 in UTC. Lines are numbered from 1 through all parts. A cell is one kind of line in one minute;
    the cells are stored as the columns `kind`, `count` and `first`, in the order of their minutes.
    """

    name: str
    identity: str = ""
    size: int = 0
    lines: int = 0
    format: str = ""
    confidence: float = 0.0
    stamp: str = ""
    zone: int | None = None  # minutes east of UTC, None when the log states none
    zones: int = 0  # how many different ones it states
    no_year: bool = False
    no_date: bool = False
    levelled: bool = True
    folded: int = 0  # lines that continue the record before them
    late: int = 0  # lines whose minute is earlier than that of a line before them
    astray: list[list[int]] = field(default_factory=list)  # [minute, kind, lines] whose clock disagrees with their neighbours'
    parts: list[tuple[str, int]] = field(default_factory=list)  # name and first line of each file
    kinds: list[Kind] = field(default_factory=list)
    minutes: list[int] = field(default_factory=list)  # those that have lines, in order
    starts: list[int] = field(default_factory=list)  # the first cell of each of `minutes`
    blocks: list[list[int]] = field(default_factory=list)  # [byte offset, first line, earliest minute, latest minute, part]
    kind: array[int] = field(default_factory=lambda: array("I"))  # of each cell: its place in `kinds`
    count: array[int] = field(default_factory=lambda: array("I"))  # of each cell: how many lines
    first: array[int] = field(default_factory=lambda: array("I"))  # of each cell: its first line

    def cite(self, line: int) -> tuple[str, int]:
        """Return the file that a line is in, and the line's number within that file."""
        name, first = next((p for p in reversed(self.parts) if p[1] <= line), (self.name, 1))
        return name, line - first + 1

    def cells(self, begin: int, end: int) -> range:
        """Return the cells of the minutes from `begin` to before `end`."""
        low, high = bisect_left(self.minutes, begin), bisect_left(self.minutes, end)
        return range(self._start(low), self._start(high))

    def counts(self, begin: int, end: int) -> Counter[int]:
        """Return the number of lines of each kind from minute `begin` to before `end`."""
        counts: Counter[int] = Counter()
        for cell in self.cells(begin, end):
            counts[self.kind[cell]] += self.count[cell]
        return counts

    def firsts(self, begin: int, end: int) -> dict[int, int]:
        """Return the first line of each kind from minute `begin` to before `end`."""
        firsts: dict[int, int] = {}
        for cell in self.cells(begin, end):
            kind = self.kind[cell]
            firsts[kind] = min(firsts.get(kind, self.first[cell]), self.first[cell])
        return firsts

    def series(self, *kinds: int) -> Counter[int]:
        """Return the number of lines in each minute, of some kinds or of all."""
        wanted, series = frozenset(kinds), Counter[int]()
        for position, minute in enumerate(self.minutes):
            cells = range(self._start(position), self._start(position + 1))
            series[minute] = sum(self.count[cell] for cell in cells if not wanted or self.kind[cell] in wanted)
        return series

    def _start(self, position: int) -> int:
        return self.starts[position] if position < len(self.starts) else len(self.kind)

    def save(self, path: Path) -> None:
        """Write the index into a file, whole or not at all."""
        # Like bot.disk.written_whole, which the toolkit cannot import: inside the sandbox it has the standard library alone.
        head = {k: v for k, v in asdict(self).items() if k not in _COLUMNS}
        parts = [json.dumps({"version": VERSION, **head}).encode(), *(getattr(self, c).tobytes() for c in _COLUMNS)]
        packed = b"".join(len(p).to_bytes(8, "little") + p for p in parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix="part-", delete=False) as partial:
            partial.write(zlib.compress(packed, 1))
        os.replace(partial.name, path)


def load_index(path: Path, identity: str) -> Index | None:
    """Return the index that a file holds, or None unless it is of this version and of the log with this identity."""
    try:
        packed = zlib.decompress(path.read_bytes())
        parts = []
        while packed:
            size = int.from_bytes(packed[:8], "little")
            parts.append(packed[8 : 8 + size])
            packed = packed[8 + size :]
        head = json.loads(parts[0])
        if head.pop("version") != VERSION or head["identity"] != identity:
            return None
        columns = {name: array("I") for name in _COLUMNS}
        for name, data in zip(_COLUMNS, parts[1:], strict=True):
            columns[name].frombytes(data)
        head["parts"] = [tuple(p) for p in head["parts"]]
        head["kinds"] = [Kind(**k) for k in head["kinds"]]
        index = Index(**head)
        index.kind, index.count, index.first = (columns[name] for name in _COLUMNS)
        return index
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        return None  # missing, of another version, or broken: it is built anew
