"""Tables of files that know their types: the sheets of workbooks, and JSON."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, Final

from .grids import LOOKED_AT, Grid, decoded, framed, headed
from .sources import HEAD, Source, TableError, encoding_of, is_table

_TIMES: Final = frozenset(["time", "timestamp", "ts", "date", "datetime", "t", "asctime", "eventtime"])
_LEVELS: Final = frozenset(["level", "severity", "lvl", "loglevel", "levelname", "log.level"])
_MESSAGES: Final = frozenset(["msg", "message", "log", "event", "textpayload"])
_STAMPED: Final = re.compile(
    r"\W{0,2}\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\W?\d\d:\d\d:\d\d\b"
    r"|\S+ \S+ .{1,40}\[\d\d/[A-Z][a-z]{2}/\d{4}:"
)
_WRAPPED: Final = ("data", "rows", "results", "records", "items", "values", "features")


def read_book(source: Source, sheet: str | None) -> Grid:
    """Return one sheet of a workbook: the one of that name, else the first that holds a table."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(source.read()), read_only=True, data_only=True)
    except Exception as error:
        raise TableError(f"“{source.name}” is not a workbook that can be read: {error}.") from error
    pages = {page.title: page for page in book.worksheets if page.sheet_state == "visible"} or {p.title: p for p in book.worksheets}
    named = {title.lower(): title for title in pages}
    if sheet is not None and sheet.lower() not in named:
        raise TableError(f"“{source.name}” has no sheet “{sheet}”; it has {', '.join(f'“{title}”' for title in pages)}.")
    chosen = [named[sheet.lower()]] if sheet is not None else list(pages)
    for title in chosen:
        rows = [[_cell(cell) for cell in row] for row in pages[title].iter_rows()]
        wide = max((i + 1 for row in rows for i, cell in enumerate(row) if cell), default=0)
        rows = [row[:wide] for row in rows]
        if sum(map(any, rows)) > 1 or title == chosen[-1]:
            break
    if not any(map(any, rows)):
        raise TableError(f"“{source.name}” holds no table.")
    start, header, names, notes = headed(rows[:LOOKED_AT])
    grid = Grid(list(names), [], "Excel workbook", list(notes), title, tuple(pages), typed=True)
    if len(pages) > 1 and sheet is None:
        grid.notes.insert(0, f"sheet “{title}” was taken, of {len(pages)}: {', '.join(pages)}")
    return framed(grid, rows[start + header :])


def read_json(source: Source) -> Grid:
    """Return the records of a JSON document or of JSON lines."""
    text, notes = decoded(source), list[str]()
    try:
        records, form = _records(json.loads(text)), "JSON"
    except json.JSONDecodeError as error:
        records, form = list(_lines(text)), "JSON lines"
        if broken := records.count(None):
            notes.append(f"{broken:,} line{' is' if broken == 1 else 's are'} not JSON, and left out")
        if broken * 2 >= len(records):
            raise TableError(f"“{source.name}” is not JSON: something is wrong in line {error.lineno}.") from error
        records = [record for record in records if record is not None]
    if not records or not all(isinstance(record, Mapping) for record in records):
        raise TableError(f"“{source.name}” is JSON, but not a list of records.")
    flat = [dict(_flat(record)) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    form += f", {source.packed}" if source.packed else ""
    grid = Grid(names, [], form, notes, typed=True)
    grid.rows = [[_typed(record.get(name)) for name in names] for record in flat]
    return grid


def _lines(text: str) -> Iterable[Any]:
    """Yield the document of each line; None for a line that is none."""
    for line in text.splitlines():
        if line.strip(" ,[]\t"):
            try:
                yield json.loads(line.strip().rstrip(","))
            except ValueError:
                yield None


def is_log(path: str | os.PathLike[str]) -> bool:
    """Return whether a file's first lines are those of a log: JSON with a time and a level or a message, or lines with a time.

    A file whose name says that it is a table is asked for JSON alone: its lines may begin with a time as well.
    """
    source = Source(path)
    head = source.read(HEAD)
    whole = head.decode(encoding_of(head), errors="replace").splitlines()[: 50 if len(head) < HEAD else -1][:50]
    lines = [line for line in whole if line.strip()]
    if not lines:
        return False
    told = [
        _of_log(line) if line.lstrip().startswith("{") else not is_table(source.name) and _STAMPED.match(line) for line in lines
    ]
    tabs = {line.count("\t") for line in lines}
    return sum(map(bool, told)) > 0.8 * len(lines) and (len(tabs) > 1 or tabs == {0})


def _of_log(line: str) -> bool:
    """Return whether a line is a record with a time and a level, or with a time and a message of several words."""
    try:
        record = json.loads(line)
    except ValueError:
        return False
    fields = {str(name).lower().lstrip("@"): value for name, value in record.items()}
    said = any(" " in str(fields[name]).strip() for name in fields.keys() & _MESSAGES)
    return bool(fields.keys() & _TIMES) and (bool(fields.keys() & _LEVELS) or said)


def _records(document: Any) -> list[Any]:
    """Return the records of a document, in the shapes in which people write tables."""
    if isinstance(document, list):
        if len(document) > 1 and all(isinstance(row, list) for row in document):
            return [dict(zip(map(str, document[0]), row, strict=False)) for row in document[1:]]
        return [r["properties"] if isinstance(r, dict) and r.get("type") == "Feature" else r for r in document]
    if not isinstance(document, dict):
        return []
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return [dict(zip(map(str, document["columns"]), row, strict=False)) for row in document["data"]]
    for key in (*_WRAPPED, *document):
        if isinstance(value := document.get(key), list) and value and isinstance(value[0], dict):
            return _records(value)
    values = list(document.values())
    if values and all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        return [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
    if values and all(isinstance(value, dict) for value in values):
        places = list(dict.fromkeys(key for value in values for key in value))
        if all(place.isdigit() for place in places):  # {"column": {"0": …, "1": …}}
            return [{name: column.get(place) for name, column in document.items()} for place in places]
        return [{"key": key, **value} for key, value in document.items()]
    return [document] if values and not any(isinstance(v, dict | list) for v in values) else []


def _flat(record: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _typed(value: Any) -> str:
    """Return a value of a typed file as the text of a cell."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return "" if value != value else str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case list():
            return json.dumps(value, ensure_ascii=False)
    return str(value).strip()


def _cell(cell: Any) -> str:
    """Return a cell of a workbook as text; one shown in percent as it is shown."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in str(getattr(cell, "number_format", "")):
        return f"{round(value * 100, 10):g}%"
    return _typed(value)
