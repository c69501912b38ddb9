"""Tables as pandas data frames, and the profiles of big ones. The definition of a cell is that of the module `cells`, applied to
the different values that pandas leaves as text."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from .cells import MISSING, Kind, decide, is_missing, settled
from .columns import read_table, shown, values_of
from .grids import (
    Grid, Layout, cells_of, decoded_head, empty_rows, form_of, framed, headed, layout, longer_rows, spaced,
)  # fmt: skip
from .measures import adds
from .profiles import Column, Profile
from .sources import BOOKS, JSON, SMALL, Source, TableError, ending

JUDGED = 2_000  # rows, or different cells, by which the columns of a big text are judged
ENDING = 50  # rows among which footnotes and a total are looked for
WIDEST = 5_000  # columns
BEYOND = "\x00beyond "  # begins the names of columns beyond those of the header
_NAS = sorted({form for word in MISSING for form in (word, word.upper(), word.title(), word.lower())} | {"NaN", "<NA>", "NaT"})


def read_frame(source: Source, sheet: str | None, small: int = SMALL) -> pd.DataFrame:
    """Return a file as a data frame; `.attrs` holds `unreadable`, `unread`, `units`, `notes`, `form`, `sheet` and `sheets`.

    A text of more than `small` bytes is parsed by pandas, and its different cells by the module `cells`.
    """
    if ending(source.name) == ".parquet":
        return _parquet(source)
    if source.size > small and ending(source.name) not in (*BOOKS, *JSON):
        return _big_text(source)
    table = read_table(source, sheet)
    series = {}
    for name, cells in table.columns.items():
        if cells.kind.name in {"date", "time"}:
            series[name] = pd.Series(pd.to_datetime(pd.Series(cells.values, dtype="object"), errors="coerce"))
        elif cells.kind.name == "number":
            whole = all(isinstance(value, int) and abs(value) < 2**63 for value in cells.values)
            series[name] = pd.Series(cells.values, dtype="int64" if whole else "float64")
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


def _parquet(source: Source) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(source.path if not source.packed else source.open())
    except ImportError:
        raise
    except Exception as error:
        raise TableError(f"“{source.name}” is not parquet that can be read: {str(error).splitlines()[0]}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.columns = headed([[str(name) for name in frame.columns], ["x"] * frame.shape[1]])[2]  # made distinct
    for name in frame.columns:
        frame[name] = _stored(frame[name])
    frame.attrs = _attrs("parquet", [])
    return frame


def _attrs(form: str, notes: list[str]) -> dict[str, Any]:
    return {"unreadable": {}, "unread": {}, "units": {}, "notes": notes, "form": form, "sheet": "", "sheets": ()}


def _stored(column: pd.Series) -> pd.Series:
    """Return a typed column of a file as one of numbers, times, yes and no, or text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_localize(None)  # the clock of its zone
    if column.dtype != object or not len(said := column.dropna()):
        return column.astype("str").where(column.notna()) if column.dtype.kind in "mV" else column
    match said.iloc[0]:
        case bool() | str():
            return column
        case date():
            return pd.to_datetime(column, errors="coerce")
        case Decimal() | int():
            return pd.to_numeric(column, errors="coerce")
        case bytes():
            return column.map(lambda value: value.decode(errors="replace"), na_action="ignore")
    return column.map(str, na_action="ignore")


def _big_text(source: Source) -> pd.DataFrame:
    """Read a big text by pandas, after its form and its kinds were judged from its beginning."""
    head = decoded_head(source)
    lay = layout(source, head)
    below = list(islice(cells_of(head[: head.rfind("\n")], lay.separator), JUDGED))
    below = below[lay.skipped + lay.header :]
    comma = lay.separator == ";"
    first = settled(
        [decide(dict.fromkeys(r[i] for r in below if i < len(r)), comma) for i in range(len(lay.names))], lay.separator == ","
    )
    notes = list(lay.notes)
    frame = _without_end(
        _parsed(source, lay, dict(zip(lay.names, first, strict=True)), notes, spaced(head, lay.separator or "")), notes
    )
    attrs = _attrs(form_of(lay, source), notes)
    columns = dict(frame.items())
    del frame
    frame = pd.DataFrame({n: _typed(columns.pop(n), n, kind, attrs) for n, kind in zip(lay.names, first, strict=True)})
    frame.attrs = attrs
    return frame


def _parsed(source: Source, lay: Layout, kinds: Mapping[str, Kind], notes: list[str], blanks: bool) -> pd.DataFrame:
    """Return what pandas reads, with numbers where all cells of a column are plain ones."""
    if lay.separator is None:
        raise TableError(f"“{source.name}” has blanks between its columns; above {SMALL // 1_000_000} MB that is not read.")
    marks = Counter(kind.decimal for kind in kinds.values() if kind.name == "number")
    mark = marks.most_common(1)[0][0] if marks else "."
    options: dict[str, Any] = {
        "sep": lay.separator, "header": None, "skiprows": lay.skipped + lay.header, "na_values": _NAS, "keep_default_na": False,
        "index_col": False, "skipinitialspace": blanks, "decimal": mark, "encoding": lay.encoding,
        "dtype": {name: "str" for name, kind in kinds.items() if (kind.name == "number" and kind.decimal != mark) or kind.figures},
    }  # fmt: skip
    names = list(lay.names)
    while True:
        try:
            with warnings.catch_warnings(action="ignore", category=pd.errors.DtypeWarning):  # `_typed` makes one type of it
                frame = pd.read_csv(source.open() if source.packed else source.path, names=names, **options)
            break
        except UnicodeDecodeError:
            options |= {"encoding": "cp1252" if lay.encoding == "utf-8" else lay.encoding, "encoding_errors": "replace"}
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            longer = re.search(r"saw (\d+)", str(error))
            if longer is None or len(names) >= WIDEST:
                raise TableError(f"“{source.name}” cannot be read: {error}.") from error
            names += [f"{BEYOND}{n}" for n in range(len(names), int(longer[1]) * 2)]
    if beyond := names[len(lay.names) :]:
        if count := int(frame[beyond].notna().any(axis=1).sum()):
            notes.append(longer_rows(count))
        frame = frame[list(lay.names)]
    empty = frame.isna().all(axis=1) if frame.shape[1] > 1 and frame[frame.columns[0]].hasnans else None
    if empty is not None and empty.any():
        notes.append(empty_rows(int(empty.sum())))
        frame = frame[~empty]
    return frame.reset_index(drop=True)


def _without_end(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return a frame without the footnotes and the total at its end."""
    end = [["" if pd.isna(cell) else str(cell) for cell in row] for row in frame.tail(ENDING).itertuples(index=False)]
    grid = framed(Grid([str(name) for name in frame.columns], [], ""), [["x"] * frame.shape[1]] * 4 + end)
    notes += grid.notes
    return frame.head(len(frame) - (4 + len(end) - len(grid.rows)))


def _typed(column: pd.Series, name: str, kind: Kind, attrs: dict[str, Any]) -> pd.Series:
    """Return a column in its kind, and count in `attrs` what could not be read. Each different cell is read once."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        if kind.note and kind.name == "number":
            attrs["notes"].append(f"column “{name}”: {kind.note}")
        return column
    codes, cells = pd.factorize(column)
    said = [str(cell) for cell in cells]
    whole = decide(said[:: max(len(said) // JUDGED, 1)], kind.decimal == ",")
    if whole.name != kind.name and not (kind.figures and kind.name == "text"):
        kind = whole  # as the rest of the column shows
    elif whole.dates != kind.dates and whole.sure:
        kind = whole
    if kind.note:
        attrs["notes"].append(f"column “{name}”: {kind.note}")
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


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as dictionaries of Python's own values; None where there is none."""
    columns = {name: [None if pd.isna(v) else _plain(v) for v in frame[name]] for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


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
    base = Column(name=name, kind=kind, missing=missing, unreadable=unreadable, unread=attrs["unread"].get(name, ()), unit=unit)
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
    distinct = int(column.nunique())
    return replace(
        base, least=shown(least), most=shown(most), distinct=distinct,
        adds=adds(name, unit, least, most, distinct) if kind == "number" else "",
    )  # fmt: skip


def _kind(column: pd.Series) -> str:
    if not column.notna().any():
        return "empty"
    if pd.api.types.is_bool_dtype(column.dtype) or (column.dtype == object and isinstance(column.dropna().iloc[0], bool)):
        return "true or false"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date" if (column.dropna() == column.dropna().dt.normalize()).all() else "time"
    return "text"


def _plain(value: Any) -> Any:
    """Return a value as Python's own."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime(warn=False)
    return value.item() if hasattr(value, "item") else value
