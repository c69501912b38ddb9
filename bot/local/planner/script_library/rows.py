"""The rows of a table that meet the user's conditions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.local.planner.script_library.cells import MONTHS, dates, numbers
from bot.local.planner.script_library.table import Question, Table, find_column


def only(table: Table, where: Sequence[tuple[str, str, str]]) -> None:
    """Keep of a table only the rows that meet every condition: (column, sign, value), or ("", "is", value) for any column."""
    met: list[list[bool]] = []
    for words, sign, value in where:
        column = find_column(table, words) if words else column_holding(table, value)
        [cells] = table.cells(column)
        met.append(meets(cells, sign, value, table.separator))
        table.notes[f"only rows where {column} {sign} {value}"] = None
    kept = [all(row) for row in zip(*met, strict=True)]
    if not any(kept):
        raise Question(f"No row of {table.file} is left: {', '.join(table.notes)}. Which rows do you mean?")
    every = table.rows
    table.rows = lambda: (row for row, keep in zip(every(), kept, strict=True) if keep)  # type: ignore[method-assign]


def column_holding(table: Table, value: str) -> str:
    """Return the column in which a value occurs, or the dates when the value is a year or a month, or ask."""
    for row in table.rows():
        for column, cell in zip(table.columns, row, strict=True):
            if str(cell).strip().lower() == value.lower():
                return column
    dated = [column for column, kind in table.kinds().items() if kind == "date"]
    if dated and (re.match(r"(19|20)\d\d\b", value) or value[:3].lower() in MONTHS):
        return dated[0]
    listed = ", ".join(table.columns[:30])
    raise Question(f"I find “{value}” in no column of {table.file}. In which one shall I look: {listed}?")


def meets(cells: Sequence[object], sign: str, value: str, separator: str) -> list[bool]:
    """Compare each cell with a value: as dates or numbers where both are, else as text."""
    wanted = " ".join(value.lower().split())
    days, read, [number] = dates(cells, separator), numbers(cells, separator), numbers([value])
    if any(days) and (number is None or any(dates([value])) or 1900 <= number <= 2100):
        return [day is not None and compare(*as_told(day, wanted), sign) for day in days]
    if number is not None and any(cell is not None for cell in read):
        return [cell is not None and compare(cell, number, sign) for cell in read]
    return [compare(" ".join(str(cell).lower().split()), wanted, sign) for cell in cells]


def as_told(day: datetime, wanted: str) -> tuple[str, str]:
    """Return a date and what it is compared with, both as exact as the user was: a year, a month or a day."""
    year = re.search(r"\b(?:19|20)\d\d\b", wanted)
    month = MONTHS.index(wanted[:3]) + 1 if wanted[:3] in MONTHS else 0
    if month and not re.search(r"\b\d{1,2}\b", wanted):
        return (f"{day:%Y-%m}", f"{year[0]}-{month:02}") if year else (f"{day:%m}", f"{month:02}")
    [given] = dates([wanted])
    if given and not re.fullmatch(r"\d{4}-\d\d?", wanted):
        return f"{day:%Y-%m-%d}", f"{given:%Y-%m-%d}"
    return (f"{day:%Y-%m}", f"{given:%Y-%m}") if given else (f"{day:%Y}", wanted)


def compare(left: float | str, right: float | str, sign: str) -> bool:
    """Return whether `left sign right` holds."""
    if sign == "contains":
        return str(right) in str(left)
    if sign in {"is", "is not"}:
        return (left == right) == (sign == "is")
    smaller, equal = left < right, left == right  # type: ignore[operator]
    return {"<": smaller, "<=": smaller or equal, ">": not smaller and not equal, ">=": not smaller}[sign]
