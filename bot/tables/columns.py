"""Columns that were read, and their profiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from .cells import Cells, decide, read_cells, settled
from .grids import Grid, read_text
from .measures import adds
from .profiles import Column
from .records import read_book, read_json
from .sources import JSON, TEXT, Source, TableError, ending

ALL_VALUES: Final = 12  # a text column with at most so many different values is shown with all of them
OFTEN: Final = 5


@dataclass(slots=True)
class Table:
    """A table that was read: its columns by name, in order."""

    grid: Grid
    columns: dict[str, Cells] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What was decided in reading it."""
        return self.grid.notes + [f"column “{name}”: {c.kind.note}" for name, c in self.columns.items() if c.kind.note]


def read_table(source: Source, sheet: str | None = None) -> Table:
    """Read a whole table with the standard library (a workbook: openpyxl); raises TableError."""
    grid = read_grid(source, sheet)
    table = Table(grid)
    cells = [[row[place] for row in grid.rows] for place in range(len(grid.names))]
    kinds = settled([decide(dict.fromkeys(c), grid.separator == ";") for c in cells], grid.separator == ",")
    for name, column, kind in zip(grid.names, cells, kinds, strict=True):
        table.columns[name] = read_cells(column, replace(kind, note="") if grid.typed else kind)
    return table


def read_grid(source: Source, sheet: str | None = None) -> Grid:
    """Return the cells of a file by what it is; raises TableError when it holds no table."""
    kind, start = ending(source.name), source.read(512)
    if start.startswith(b"PK\x03\x04"):
        return read_book(source, sheet)
    if sheet:
        raise TableError(f"“{source.name}” has no sheets.")
    if kind in JSON or (kind not in TEXT and start.lstrip()[:1] in {b"{", b"["}):
        return read_json(source)
    return read_text(source)


def column_of(name: str, cells: Cells) -> Column:
    """Return the profile of one column."""
    said = Counter(value for value in cells.values if value is not None)
    text = cells.kind.name in {"text", "true or false"}
    ordered: list[Any] = [] if text or not said else [min(said), max(said)]
    least, most = ordered or (0, 0)
    number = cells.kind.name == "number"
    return Column(
        name=name, kind=cells.kind.name, missing=cells.missing, unreadable=cells.unreadable, unread=tuple(cells.unread),
        least=shown(ordered[0]) if ordered else "", most=shown(ordered[1]) if ordered else "", distinct=len(said),
        values=values_of([(shown(v), n) for v, n in said.items()]) if text else (),
        unit=cells.kind.unit,
        adds=adds(name, cells.kind.unit, least, most, len(said)) if number else "",
    )  # fmt: skip


def values_of(counted: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Return all the values of a text column in their order if there are few, else the most frequent ones."""
    if len(counted) <= ALL_VALUES:
        return tuple(sorted(value for value, _ in counted))
    return tuple(value for value, _ in sorted(counted, key=lambda pair: (-pair[1], pair[0]))[:OFTEN])


def shown(value: Any) -> str:
    """Return a value as a person reads it."""
    value = value.item() if hasattr(value, "item") else value  # numpy's numbers as Python's
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}" if abs(value) >= 10_000 else str(value)
        case float() if value.is_integer() and abs(value) < 1e15:
            return shown(int(value))
        case float() if 1_000 <= abs(value) < 1e15:
            return f"{value:,.2f}".rstrip("0").rstrip(".")
        case float():
            return f"{value:,.6g}"
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
    return str(value)
