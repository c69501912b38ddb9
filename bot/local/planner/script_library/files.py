"""The kinds of files that hold a table, each opened in its own way."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bot.local.planner.script_library.table import Question, Table


def text_table(file: str) -> Table:
    """Open a table in a text file: CSV with any separator and encoding."""
    csv.field_size_limit(100_000_000)
    encoding = encoding_of(file)
    with Path(file).open(encoding=encoding, errors="replace", newline="") as text:
        lines = [line.replace("\0", "") for line in itertools.islice(text, 200)]
    told = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None  # Excel's own way to say it
    separator = told[1] if told else separator_of(lines)

    def rows() -> Iterator[list[object]]:
        with Path(file).open(encoding=encoding, errors="replace", newline="") as text:
            for row in csv.reader(itertools.islice(text, bool(told), None), delimiter=separator, skipinitialspace=True):
                yield list(row)

    return Table(file, rows, separator)


def encoding_of(file: str) -> str:
    """Return the encoding of a text file, from its beginning."""
    with Path(file).open("rb") as raw:
        start = raw.read(262_144)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in start:
        raise Question(f"{file} is not a text file, so I cannot read it as a table. Which file do you mean?")
    try:
        start[: start.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def separator_of(lines: list[str]) -> str:
    """Return what divides the cells: that which gives the most rows, the header among them, the same width."""

    def steady(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row]
        width, rows = Counter(widths).most_common(1)[0] if widths else (1, 0)
        return (rows / len(widths) if width > 1 else 0.0, width)

    return max(",;\t|", key=steady)


def sheet_table(file: str) -> Table:
    """Open a workbook's first sheet that holds anything."""
    import openpyxl

    def rows() -> Iterator[list[object]]:
        for sheet in openpyxl.load_workbook(file, read_only=True, data_only=True).worksheets:
            found = False
            for row in sheet.iter_rows(values_only=True):
                found = found or any(cell is not None for cell in row)
                yield ["" if c is None else c if isinstance(c, int | float) else str(c) for c in row]
            if found:
                return

    return Table(file, rows)


def parquet_table(file: str) -> Table:
    """Open a Parquet file."""
    import pyarrow.parquet

    def rows() -> Iterator[list[object]]:
        with pyarrow.parquet.ParquetFile(file) as parquet:
            yield list(parquet.schema_arrow.names)
            for batch in parquet.iter_batches():
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield ["" if c is None else c if isinstance(c, int | float) else str(c) for c in row]

    return Table(file, rows)


def json_table(file: str) -> Table:
    """Open a JSON file: records, one record per line, or lists by column name."""
    text = Path(file).read_text(encoding="utf-8-sig")
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        try:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise Question(f"{file} is not JSON that I can read: {error}. Which file do you mean?") from None
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        if (
            len(lists) == len(data)
            and len(set(map(len, lists))) == 1
            and not any(isinstance(v[:1], dict) for v in lists)
        ):
            data = [dict(zip(data, row, strict=True)) for row in zip(*lists, strict=True)]
        else:
            data = next((value for value in lists if value and isinstance(value[0], dict)), [data])
    records = [flat(record) for record in data if isinstance(record, dict)]
    columns = list(dict.fromkeys(key for record in records for key in record))
    return Table(file, lambda: iter([[*columns], *([record.get(c, "") for c in columns] for record in records)]))


def flat(record: dict[str, object], above: str = "") -> dict[str, object]:
    """Return a record without nesting: {"a": {"b": 1}} becomes {"a.b": 1}."""
    found: dict[str, object] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            found |= flat(value, f"{above}{key}.")
        else:
            found[above + key] = "" if value is None else value if type(value) in {int, float} else str(value)
    return found
