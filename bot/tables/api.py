"""Reads and profiles tables; see the package's docstring for how it is used."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cells import Value
from .columns import column_of, read_table
from .profiles import Column, Found, Profile, parsed, told
from .sources import SMALL, Source, ending

if TYPE_CHECKING:
    import pandas

Counts = Mapping[str, Mapping[Any, int]]  # by column, how many rows hold each value


class Rows(list[dict[str, Value]]):
    """The rows of a table; `unreadable` counts by column the cells that could not be read, `notes` say what was decided."""

    unreadable: Mapping[str, int]
    notes: Sequence[str]


def rows(path: str | os.PathLike[str], *, sheet: str | None = None) -> Rows:
    """Return a table's rows as dictionaries with typed values; raises TableError, saying what the file is instead."""
    table = read_table(Source(path), sheet)
    names = list(table.columns)
    result = Rows(
        dict(zip(names, values, strict=True))
        for values in zip(*(c.values for c in table.columns.values()), strict=True)
    )
    result.unreadable = {name: c.unreadable for name, c in table.columns.items() if c.unreadable}
    result.notes = table.notes
    return result


def read(path: str | os.PathLike[str], *, sheet: str | None = None) -> pandas.DataFrame:
    """Return a table as a data frame with typed columns; `.attrs` holds `unreadable` (cells by column) and `notes`."""
    from .frames import read_frame

    return read_frame(Source(path), sheet)


def profile(
    path: str | os.PathLike[str],
    *,
    sheet: str | None = None,
    find: Iterable[str] = (),
    index: str | os.PathLike[str] | None = None,
) -> Profile:
    """Return what a table holds, and in which columns the phrases `find` stand as values; raises TableError.

    The profile of a big table is kept in the folder `index`, and looked up there while the file stays the same.
    """
    source = Source(path)
    found, counts = _kept(source, sheet, index) or _profiled(source, sheet, index)
    return replace(found, found=found_in(counts, find))


def _profiled(source: Source, sheet: str | None, index: str | os.PathLike[str] | None) -> tuple[Profile, Counts]:
    size = source.path.stat().st_size
    if source.size > SMALL or ending(source.name) == ".parquet":
        from .frames import profile_frame, read_frame

        big, texts = profile_frame(read_frame(source, sheet), source.path.name, size)
        if index is not None:
            _keep(big, texts, _place(source, sheet, index))
        return big, texts
    table = read_table(source, sheet)
    columns = tuple(column_of(name, cells) for name, cells in table.columns.items())
    counts = {name: Counter(v for v in c.values if v is not None) for name, c in table.columns.items()}
    small = Profile(
        file=source.path.name, form=table.grid.form, rows=len(table.grid.rows), columns=columns, size=size,
        sheet=table.grid.sheet, sheets=table.grid.sheets, notes=tuple(table.notes),
    )  # fmt: skip
    return small, counts


def _kept(source: Source, sheet: str | None, index: str | os.PathLike[str] | None) -> tuple[Profile, Counts] | None:
    """Return the profile of an unchanged file from a folder; None where there is none that can be read."""
    if index is None:
        return None
    try:
        kept = json.loads(_place(source, sheet, index).read_text(encoding="utf-8"))
        known = parsed(kept["profile"])
        columns = tuple(_column_of_json(c) for c in kept["columns"])
        return (replace(known, columns=columns, hidden=0), kept["texts"]) if known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _column_of_json(fields: Mapping[str, Any]) -> Column:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return Column(**values)


def _keep(profile: Profile, texts: Counts, place: Path) -> None:
    kept = {"profile": told(profile), "columns": [asdict(c) for c in profile.columns], "texts": texts}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        part.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        part.replace(place)
    except OSError:
        return  # it is only quicker with it


def _place(source: Source, sheet: str | None, index: str | os.PathLike[str]) -> Path:
    stat = source.path.stat()
    identity = f"{source.path.name} {stat.st_size} {stat.st_mtime_ns} {sheet} 1"
    return Path(index) / f"table-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.json"


def found_in(counts: Mapping[str, Mapping[Any, int]], find: Iterable[str]) -> tuple[Found, ...]:
    """Return where phrases stand as text values, case and surrounding blanks aside, the most frequent columns first."""
    wanted = {phrase.strip().lower(): phrase for phrase in find}
    hits: dict[tuple[str, str, str], int] = {}
    for name, values in counts.items() if wanted else ():
        for value, count in values.items():
            if isinstance(value, str) and (phrase := wanted.get(value.strip().lower())) is not None:
                hits[phrase, name, value] = hits.get((phrase, name, value), 0) + count
    return tuple(Found(*where, count) for where, count in sorted(hits.items(), key=lambda pair: -pair[1]))
