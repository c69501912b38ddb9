"""Reads and profiles tables; see the package's docstring for how it is used."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .cells import Value
from .columns import column_of, read_table
from .profiles import Column, Found, Profile, tuples
from .sources import SMALL, Source, ending

if TYPE_CHECKING:
    import pandas

KEPT: Final = 500_000  # different values of text columns that are kept with a profile, for later searches
Counts = Mapping[str, Mapping[Any, int]]  # by column, how many rows hold each value


class Rows(list[dict[str, Value]]):
    """The rows of a table; `unreadable` counts by column the cells that could not be read, `notes` say what was decided."""

    unreadable: Mapping[str, int]
    notes: Sequence[str]


def rows(path: str | os.PathLike[str], *, sheet: str | None = None) -> Rows:
    """Return a table's rows as dictionaries with typed values; raises TableError, saying what the file is instead."""
    source = Source(path)
    if ending(source.name) == ".parquet":
        from .frames import read_frame, rows_of

        frame = read_frame(source, sheet)
        result = Rows(rows_of(frame))
        result.unreadable, result.notes = {}, frame.attrs["notes"]
        return result
    table = read_table(source, sheet)
    names = list(table.columns)
    result = Rows(dict(zip(names, values, strict=True)) for values in zip(*(c.values for c in table.columns.values()), strict=True))
    result.unreadable = {name: c.unreadable for name, c in table.columns.items() if c.unreadable}
    result.notes = table.notes
    return result


def read(path: str | os.PathLike[str], *, sheet: str | None = None) -> pandas.DataFrame:
    """Return a table as a data frame with typed columns; `.attrs` holds `unreadable` (cells by column) and `notes`."""
    from .frames import read_frame

    return read_frame(Source(path), sheet)


def profile(
    path: str | os.PathLike[str], *, sheet: str | None = None, find: Iterable[str] = (), index: str | os.PathLike[str] | None = None
) -> Profile:
    """Return what a table holds, and in which columns the phrases `find` stand as values; raises TableError.

    The profile of a big table is kept in the folder `index`, and looked up there while the file stays the same.
    """
    source = Source(path)
    phrases = tuple(find)
    found, counts = _kept(source, sheet, index, bool(phrases)) or _profiled(source, sheet, index)
    return replace(found, found=found_in(counts, phrases))


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


def _kept(source: Source, sheet: str | None, index: str | os.PathLike[str] | None, values: bool) -> tuple[Profile, Counts] | None:
    """Return the profile of an unchanged file from a folder, with its values if asked; None where they are not kept."""
    if index is None:
        return None
    try:
        kept = json.loads(_place(source, sheet, index).read_text(encoding="utf-8"))
        if values and kept["texts"] is None:
            return None  # too many to keep
        columns = tuple(Column(**tuples(column)) for column in kept["profile"].pop("columns"))
        return Profile(columns=columns, **tuples(kept["profile"])), kept["texts"] or {}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(profile: Profile, texts: Counts, place: Path) -> None:
    few = sum(map(len, texts.values())) <= KEPT
    kept = {"profile": asdict(profile), "texts": texts if few else None}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        part.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        part.replace(place)
    except OSError:
        return  # it is only quicker with it


def _place(source: Source, sheet: str | None, index: str | os.PathLike[str]) -> Path:
    stat = source.path.stat()
    identity = f"{source.path.name} {stat.st_size} {stat.st_mtime_ns} {sheet} 3"
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
