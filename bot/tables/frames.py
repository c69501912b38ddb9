"""Tables as pandas data frames, and the profiles of big ones. The definition of a cell is that of the module `cells`, applied to
the different values that pandas leaves as text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from .cells import MISSING, Kind, decide, is_missing
from .columns import read_table, shown, values_of
from .grids import TOTAL, Layout, cells_of, decoded_head, form_of, layout
from .measures import adds
from .profiles import Column, Profile
from .sources import BOOKS, JSON, SMALL, Source, TableError, ending

JUDGED = 5_000  # rows by which the columns of a big text are judged
_NAS = sorted(
    {form for word in MISSING for form in (word, word.upper(), word.title(), word.lower())} | {"NaN", "<NA>", "NaT"}
)


def read_frame(source: Source, sheet: str | None) -> pd.DataFrame:
    """Return a file as a data frame; `.attrs` holds `unreadable`, `unread`, `units`, `notes`, `form`, `sheet` and `sheets`."""
    if ending(source.name) == ".parquet":
        return _parquet(source)
    if source.size > SMALL and ending(source.name) not in (*BOOKS, *JSON):
        return _big_text(source)
    table = read_table(source, sheet)
    series = {}
    for name, cells in table.columns.items():
        if cells.kind.name in {"date", "time"}:
            series[name] = pd.Series(pd.to_datetime(pd.Series(cells.values, dtype="object"), errors="coerce"))
        elif cells.kind.name == "number":
            series[name] = pd.Series(cells.values, dtype="int64" if _whole(cells.values) else "float64")
        else:
            series[name] = pd.Series(cells.values, dtype="object" if cells.kind.name == "true or false" else "str")
    frame = pd.DataFrame(series, columns=list(table.columns))
    frame.attrs = {
        "unreadable": {name: c.unreadable for name, c in table.columns.items() if c.unreadable},
        "unread": {name: tuple(c.unread) for name, c in table.columns.items() if c.unread},
        "units": {name: c.kind.unit for name, c in table.columns.items() if c.kind.unit},
        "notes": table.notes, "form": table.grid.form, "sheet": table.grid.sheet, "sheets": table.grid.sheets,
    }  # fmt: skip
    return frame


def _whole(values: list[Any]) -> bool:
    return all(isinstance(value, int) and abs(value) < 2**63 for value in values)


def _parquet(source: Source) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(source.path if not source.packed else source.open())
    except ImportError:
        raise
    except Exception as error:
        raise TableError(f"“{source.name}” is not parquet that can be read: {str(error).splitlines()[0]}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            frame[name] = column.dt.tz_convert(None)
        elif column.dtype == object and isinstance(next(iter(column.dropna()), None), date):
            frame[name] = pd.to_datetime(column, errors="coerce")
        elif isinstance(column.dtype, pd.CategoricalDtype):
            frame[name] = column.astype(column.cat.categories.dtype)
    frame.columns = [str(name) for name in frame.columns]
    frame.attrs = {
        "unreadable": {},
        "unread": {},
        "units": {},
        "notes": [],
        "form": "parquet",
        "sheet": "",
        "sheets": (),
    }
    return frame


def _big_text(source: Source) -> pd.DataFrame:
    """Read a big text by pandas, after its form and its kinds were judged from its beginning."""
    head = decoded_head(source)
    lay = layout(source, head)
    below = list(islice(cells_of(head[: head.rfind("\n")], lay.separator), JUDGED))
    below = below[lay.skipped + lay.header :]
    kinds = {
        name: decide(dict.fromkeys(row[place] for row in below if place < len(row)), lay.separator == ";")
        for place, name in enumerate(lay.names)
    }
    frame, wrong = _parsed(source, lay, kinds)
    doubts = (f"column “{name}”: {kind.note}" for name, kind in kinds.items() if kind.note and lay.separator != ",")
    notes = [*lay.notes, *doubts]
    if wrong:
        notes.append(f"{wrong:,} rows have more cells than the header and were left out")
    frame = _without_end(frame, notes)
    frame.attrs = {
        "unreadable": {},
        "unread": {},
        "units": {},
        "notes": notes,
        "form": form_of(lay, source),
        "sheet": "",
        "sheets": (),
    }
    attrs = frame.attrs
    for name, kind in kinds.items():
        frame[name] = _typed(frame[name], name, kind, attrs)
    frame.attrs = attrs
    return frame


def _parsed(source: Source, lay: Layout, kinds: Mapping[str, Kind]) -> tuple[pd.DataFrame, int]:
    """Return what pandas reads, with numbers where all cells are plain ones, and how many rows it had to leave out."""
    if lay.separator is None:
        raise TableError(
            f"“{source.name}” has blanks between its columns; above {SMALL // 1_000_000} MB that is not read."
        )
    points = {kind.decimal for kind in kinds.values() if kind.name == "number"}
    options: dict[str, Any] = {
        "sep": lay.separator, "header": None, "names": list(lay.names), "skiprows": lay.skipped + lay.header, "na_values": _NAS,
        "keep_default_na": False, "index_col": False, "decimal": points.pop() if len(points) == 1 else ".", "on_bad_lines": "warn",
        "dtype": {name: "str" for name, kind in kinds.items() if kind.name not in {"number", "empty"} and kind.figures},
    }  # fmt: skip
    plain = lay.encoding.startswith("utf-8")
    attempts: list[dict[str, Any]] = [{}] if plain else []
    for more in [*attempts, {"encoding": lay.encoding, "encoding_errors": "replace"}]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                frame = pd.read_csv(source.open() if source.packed else source.path, **options, **more)
            except UnicodeDecodeError:
                continue
            except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
                raise TableError(f"“{source.name}” cannot be read: {error}.") from error
        skipped = [str(w.message) for w in caught if issubclass(w.category, pd.errors.ParserWarning)]
        return frame, sum(len(re.findall(r"Skipping line", message)) for message in skipped)
    raise TableError(f"“{source.name}” is not text in {lay.encoding}.")


def _without_end(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return a frame without the footnotes and the total at its end."""
    while len(frame) > 1 and frame.shape[1] > 2 and frame.iloc[-1].notna().sum() <= 1:
        if said := [str(cell) for cell in frame.iloc[-1] if not pd.isna(cell)]:
            notes.append(f"the last line, “{said[0][:60]}”, was left out")
        frame = frame.iloc[:-1]
    label = next((str(cell) for cell in frame.iloc[-1] if not pd.isna(cell)), "") if len(frame) > 2 else ""
    if frame.shape[1] > 1 and TOTAL.fullmatch(label.strip().rstrip(":")):
        notes.append(f"the last row, “{label.strip()}”, was left out")
        frame = frame.iloc[:-1]
    return frame.copy(deep=False)


def _typed(column: pd.Series, name: str, kind: Kind, attrs: dict[str, Any]) -> pd.Series:
    """Return a column in its kind, and count in `attrs` what could not be read. Each different cell is read once."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    codes, cells = pd.factorize(column)
    said = [str(cell) for cell in cells]
    if kind.name in {"text", "empty"}:
        bare = [None if is_missing(cell) else cell.strip() for cell in said]
        return column if bare == said else _spread(pd.Series(bare, dtype="str"), codes, column)
    if kind.name in {"date", "time"} and kind.dates == "ymd":
        quick = pd.to_datetime(pd.Series(said), format="ISO8601", errors="coerce", utc=True)
        quick = quick.dt.tz_convert(None).astype("datetime64[us]")
    else:
        quick = pd.Series(pd.NaT, index=range(len(said)), dtype="datetime64[us]")
    left = [n for n in range(len(said)) if pd.isna(quick[n])] if quick.isna().any() else []
    read = {n: None if is_missing(said[n]) else kind.read(said[n].strip()) for n in left}
    counts = np.bincount(codes[codes >= 0], minlength=len(said))
    unread = [n for n, value in read.items() if value is None and not is_missing(said[n])]
    count = int(counts[unread].sum())
    if count * 2 > counts.sum():
        return column  # as the rest shows, it is text
    if count:
        attrs["unreadable"][name], attrs["unread"][name] = count, tuple(said[n] for n in unread[:3])
    if kind.unit:
        attrs["units"][name] = kind.unit
    values = [read.get(n) for n in range(len(said))]
    if kind.name == "number":
        return _spread(pd.to_numeric(pd.Series(values, dtype="object"), errors="coerce"), codes, column)
    if kind.name == "true or false":
        return _spread(pd.Series(values, dtype="object"), codes, column)
    for n in left:
        quick[n] = pd.Timestamp(read[n]) if read[n] is not None else pd.NaT
    return _spread(quick, codes, column)


def _spread(values: pd.Series, codes: Any, column: pd.Series) -> pd.Series:
    """Return the values of different cells in the places of these cells."""
    spread = values.reindex(codes) if len(values) == 0 or (codes < 0).any() else values.take(codes)
    return spread.set_axis(column.index)


def profile_frame(frame: pd.DataFrame, file: str, size: int) -> tuple[Profile, dict[str, dict[str, int]]]:
    """Return the profile of a frame, and the counts of the values of its text columns."""
    attrs = frame.attrs
    texts: dict[str, dict[str, int]] = {}
    columns = [_column(frame[name], str(name), attrs, texts) for name in frame.columns]
    found = Profile(
        file=file, form=attrs["form"], rows=len(frame), columns=tuple(columns), size=size, sheet=attrs["sheet"],
        sheets=tuple(attrs["sheets"]), notes=tuple(attrs["notes"]),
    )  # fmt: skip
    return found, texts


def _column(column: pd.Series, name: str, attrs: Mapping[str, Any], texts: dict[str, dict[str, int]]) -> Column:
    unreadable, unit = attrs["unreadable"].get(name, 0), attrs["units"].get(name, "")
    missing = int(column.isna().sum()) - unreadable
    kind = _kind(column)
    column = column.dropna()
    base = Column(
        name=name, kind=kind, missing=missing, unreadable=unreadable, unread=attrs["unread"].get(name, ()), unit=unit
    )
    if kind in {"text", "true or false"}:
        counted = {shown(_plain(value)): int(n) for value, n in column.value_counts().items()}
        if kind == "text":
            texts[name] = counted
        return replace(base, distinct=len(counted), values=values_of(list(counted.items())))
    if kind == "empty":
        return base
    least, most = _plain(column.min()), _plain(column.max())
    if kind == "date":
        least, most = least.date(), most.date()
    return replace(
        base, least=shown(least), most=shown(most), distinct=int(column.nunique()),
        adds=adds(name, unit, [least, most]) if kind == "number" else "",
    )  # fmt: skip


def _kind(column: pd.Series) -> str:
    if not column.notna().any():
        return "empty"
    if pd.api.types.is_bool_dtype(column.dtype) or (
        column.dtype == object and isinstance(column.dropna().iloc[0], bool)
    ):
        return "true or false"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date" if (column.dropna() == column.dropna().dt.normalize()).all() else "time"
    return "text"


def _plain(value: Any) -> Any:
    """Return a value as Python's own."""
    if isinstance(value, pd.Timestamp | datetime):
        return (
            value.to_pydatetime(warn=False).replace(microsecond=value.microsecond)
            if isinstance(value, pd.Timestamp)
            else value
        )
    return value.item() if hasattr(value, "item") else value
