"""The index of one log: what lines there are, how many in each minute, and where. Built once, read by everything else."""

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

VERSION = 1
_COLUMNS = ("kind", "count", "first")


@dataclass(slots=True)
class Kind:
    """Lines of one template and level: how many, the first and the last by number, and the first as it reads."""

    template: str
    level: str
    count: int = 0
    first: int = 0
    last: int = 0
    sample: str = ""


@dataclass(slots=True)
class Index:
    """What one pass over a log found.

    Minutes are whole ones since 1970 in UTC; `zone` is minutes east of UTC, None when the log states none. A cell is one
    kind in one minute: `starts[i]` is the first cell of `minutes[i]`; `first` is the number of its first line. `blocks` gives
    byte offset, line, earliest and latest minute and part of each stretch,
    `astray` minute, kind and number of lines whose
    clock does not agree with the lines around them. Lines are numbered through all `parts` (name and first line of each);
    `cite` gives the number in its file.
    """

    name: str
    identity: str = ""
    size: int = 0
    lines: int = 0
    format: str = ""
    confidence: float = 0.0
    stamp: str = ""
    zone: int | None = None
    zones: int = 0
    no_year: bool = False
    no_date: bool = False
    levelled: bool = True
    folded: int = 0
    untimed: int = 0
    late: int = 0
    astray: list[list[int]] = field(default_factory=list)
    parts: list[tuple[str, int]] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    minutes: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    blocks: list[list[int]] = field(default_factory=list)
    kind: array[int] = field(default_factory=lambda: array("I"))
    count: array[int] = field(default_factory=lambda: array("I"))
    first: array[int] = field(default_factory=lambda: array("I"))

    def cite(self, line: int) -> tuple[str, int]:
        """The file that a line is in, and its number there."""
        name, first = next((p for p in reversed(self.parts) if p[1] <= line), (self.name, 1))
        return name, line - first + 1

    def cells(self, begin: int, end: int) -> range:
        """The cells of the minutes from `begin` to before `end`."""
        low, high = bisect_left(self.minutes, begin), bisect_left(self.minutes, end)
        return range(self._start(low), self._start(high))

    def counts(self, begin: int, end: int) -> Counter[int]:
        """How many lines of each kind there are from minute `begin` to before `end`."""
        found: Counter[int] = Counter()
        for at in self.cells(begin, end):
            found[self.kind[at]] += self.count[at]
        return found

    def firsts(self, begin: int, end: int) -> dict[int, int]:
        """The number of the first line of each kind from minute `begin` to before `end`."""
        found: dict[int, int] = {}
        for at in self.cells(begin, end):
            kind = self.kind[at]
            found[kind] = min(found.get(kind, self.first[at]), self.first[at])
        return found

    def series(self, *kinds: int) -> Counter[int]:
        """Lines per minute, of some kinds or of all."""
        wanted, found = frozenset(kinds), Counter[int]()
        for position, minute in enumerate(self.minutes):
            cells = range(self._start(position), self._start(position + 1))
            found[minute] = sum(self.count[at] for at in cells if not wanted or self.kind[at] in wanted)
        return found

    def _start(self, position: int) -> int:
        return self.starts[position] if position < len(self.starts) else len(self.kind)

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        head = {k: v for k, v in asdict(self).items() if k not in _COLUMNS}
        parts = [json.dumps({"version": VERSION, **head}).encode(), *(getattr(self, c).tobytes() for c in _COLUMNS)]
        packed = b"".join(len(p).to_bytes(8, "little") + p for p in parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix="part-", delete=False) as partial:
            partial.write(zlib.compress(packed, 1))
        os.replace(partial.name, path)


def load(path: Path, identity: str) -> Index | None:
    """Return the index in a file if it is one of this log as it is now, else None."""
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
        found = Index(**head)
        found.kind, found.count, found.first = (columns[name] for name in _COLUMNS)
        return found
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        return None  # not there, of another version, or broken: it is built anew
