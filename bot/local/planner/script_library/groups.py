"""Figures of a table, by group."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.local.planner.script_library.cells import MONTHS, dates, is_empty, numbers
from bot.local.planner.script_library.table import Question, Table, find_column, find_columns, match_columns, plain

PERIODS = {
    "hour": "%Y-%m-%d %H:00",
    "day": "%Y-%m-%d",
    "week": "%G-W%V",
    "month": "%Y-%m",
    "quarter": "",
    "year": "%Y",
    "weekday": "%a",
}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
AVERAGED = (
    r"\b(price|rate|ratio|temp|temperature|percent|pct|score|rating|age|avg|average|mean|median|humidity|speed|level)\b"
)
AMOUNT = r"\b(revenue|sale|amount|total|turnover|value|income|profit|spend|cost|price|quantity|qty|unit)\b"
IDENTIFIER = r"\b(id|no|nr|number|zip|postcode|phone|code|index|year|month|day|row|lat|lon|key)\b"


class Figures(NamedTuple):
    """Figures by group: the column and period of the groups, what was measured and how, and each series' figures."""

    title: str
    by: str
    period: str
    value: str
    how: str
    series: dict[str, dict[str, float]]


def figures_of(table: Table, value: str = "", by: str = "", split: str = "", how: str = "") -> Figures:
    """Return what the user's words ask for: `value` measured by group, one series for each column or each kind of `split`."""
    column, period = grouping(table, by or usual_group(table))
    kinds = [grouping(table, split)[0]] if split else []
    if how == "count":
        measured = list(filter(None, [value and counted(table, value)]))
        word, how = "Number", "sum" if measured else "count"
    else:
        measured = find_columns(table, value) if value and not split else [value_column(table, value)]
        how = how or usual_measure(measured[0])
        word = how.capitalize()
    names, *cells = table.cells(column, *kinds, *measured)
    groups = labels(table, names, period)
    beside = labels(table, cells.pop(0), "") if split else []
    rows: list[float | None] = [1.0] * len(names)
    values = {c: amounts(table, c, read) for c, read in zip(measured, cells, strict=True)} or {"rows": rows}
    series = {name: grouped(groups, found, how) for name, found in values.items()}
    if split:
        [only] = values.values()
        series = split_up(groups, beside, only, how)
    value = " and ".join(values)
    return Figures(
        f"{word} of {value} by {column if period in {'', 'time'} else period}", column, period, value, how, series
    )


def grouping(table: Table, words: str) -> tuple[str, str]:
    """Return the column to group by and, for dates, the period: one of PERIODS, or "time" for the dates as they are.

    A column that is called so comes first; then "month" and its like mean the first column of dates.
    """
    kinds = table.kinds()
    word = {"date": "time", "day of week": "weekday", "day of the week": "weekday"}.get(plain(words), plain(words))
    found = match_columns(table.columns, words)
    if word in PERIODS or word == "time":
        found = [c for c in found if plain(c) == plain(words)] or [c for c in table.columns if kinds[c] == "date"]
        found = found or [c for c in table.columns if word in plain(c).split()]
    if not found or (len(found) > 1 and word not in PERIODS and word != "time"):
        listed = ", ".join(found or table.columns[:30])
        what = "with dates, to group by" if word in PERIODS or word == "time" else "that is surely"
        raise Question(f"I find no column {what} {words} in {table.file}. Which of its columns do you mean: {listed}?")
    if kinds[found[0]] != "date":
        return found[0], ""
    return found[0], word if word in PERIODS else "time"


def labels(table: Table, cells: Sequence[object], period: str) -> list[str]:
    """Return the name of each cell's group, "" where there is none; notes what is left out."""
    if period:
        found = [label_of(day, period) if day else "" for day in dates(cells, table.separator)]
        if all(re.match(r"(0?\d|1[0-2])/(0?\d|1[0-2])/", str(cell)) for cell in cells if not is_empty(cell)):
            table.notes[
                "dates like 03/04/2024 were read as " + ("day/month" if table.separator == ";" else "month/day")
            ] = None
    else:
        found = ["" if is_empty(cell) else " ".join(str(cell).split()) for cell in cells]
    if missing := found.count(""):
        table.notes[f"{missing} of {len(found)} rows are left out: they have no {period and 'date'} to group by"] = None
    return found


def label_of(day: datetime, period: str) -> str:
    """Return the name of the period that a date lies in."""
    if period == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return day.strftime(PERIODS.get(period, "%Y-%m-%d %H:%M:%S")).removesuffix(" 00:00:00")


def amounts(table: Table, column: str, cells: Sequence[object]) -> list[float | None]:
    """Return a column's numbers, None where there is none; notes what is left out."""
    found = numbers(cells, table.separator)
    if all(number is None for number in found):
        listed = ", ".join(table.columns[:30])
        raise Question(f"The column {column} of {table.file} holds no numbers. Which one do you mean: {listed}?")
    wrong = [repr(str(c)) for c, number in zip(cells, found, strict=True) if number is None and not is_empty(c)]
    if wrong:
        table.notes[f"{len(wrong)} cells of {column} are no numbers and are left out: {', '.join(wrong[:3])}"] = None
    if empty := sum(map(is_empty, cells)):
        table.notes[f"{empty} of {len(cells)} cells of {column} are empty"] = None
    return found


def grouped(names: Sequence[str], values: Sequence[float | None], how: str) -> dict[str, float]:
    """Return each group's figure: `how` is sum, mean, median, min, max, std or count."""
    found: dict[str, list[float]] = {}
    for name, value in zip(names, values, strict=True):
        if name and value is not None:
            found.setdefault(name, []).append(value)
    return {name: measure(group, how) for name, group in found.items()}


def split_up(
    names: Sequence[str], kinds: Sequence[str], values: Sequence[float | None], how: str
) -> dict[str, dict[str, float]]:
    """Return each group's figures for each kind, the eight kinds with the largest figures."""
    found = {}
    for kind in dict.fromkeys(filter(None, kinds)):
        found[kind] = grouped([n if k == kind else "" for n, k in zip(names, kinds, strict=True)], values, how)
    largest = sorted(found, key=lambda kind: -sum(found[kind].values()))
    return {kind: found[kind] for kind in largest[:8] if found[kind]}


def measure(values: Sequence[float], how: str) -> float:
    """Return one figure of some numbers."""
    if how == "mean":
        return math.fsum(values) / len(values)
    if how == "std":
        return statistics.stdev(values) if len(values) > 1 else 0.0
    return {"median": statistics.median, "min": min, "max": max, "count": len}.get(how, math.fsum)(values)  # type: ignore[operator,no-any-return]


def in_order(series: dict[str, dict[str, float]], period: str) -> list[str]:
    """Return all groups in their own order (time, the calendar, numbers); where they have none, the largest first."""
    total: dict[str, float] = {}
    for groups in series.values():
        for name, figure in groups.items():
            total[name] = total.get(name, 0.0) + figure
    if period and period != "weekday":
        return sorted(total)
    for calendar in (WEEKDAYS, MONTHS):
        if all(name[:3].lower() in calendar for name in total):
            return sorted(total, key=lambda name: calendar.index(name[:3].lower()))
    if all(number is not None for number in numbers([*total])):
        return [name for _, name in sorted(zip(numbers([*total]), total, strict=True))]
    if all(re.match(r"\d{4}\b|[QqWw]\d", name) for name in total):
        return sorted(total)
    return sorted(total, key=lambda name: -total[name])


def without_gaps(table: Table, series: dict[str, dict[str, float]], period: str) -> None:
    """Give sums and counts a zero in periods that have no rows, and note it: a line must not jump over them."""
    known = sorted({name for groups in series.values() for name in groups})
    form = {"week": "%G-W%V-%u", "month": "%Y-%m", "day": "%Y-%m-%d", "year": "%Y"}.get(period)
    if form is None or not known:
        return
    day, end = (datetime.strptime(name + "-1" * (period == "week"), form) for name in (known[0], known[-1]))  # noqa: DTZ007
    every = dict.fromkeys(label_of(day + timedelta(days=n), period) for n in range(min((end - day).days, 40_000) + 1))
    if missing := [name for name in every if name not in known]:
        table.notes[f"no rows in {', '.join(missing[:5])}{' …' * (len(missing) > 5)}: drawn as 0"] = None
    for groups in series.values():
        groups.update({name: 0.0 for name in every if name not in groups})


def counted(table: Table, words: str) -> str:
    """Return the column of numbers that is called what the user counts, to be summed ("units"); "" to count rows."""
    kinds = table.kinds()
    named = [c for c in table.columns if plain(c) == plain(words) and kinds[c] == "number"]
    return named[0] if named else ""


def value_column(table: Table, words: str) -> str:
    """Return the column of numbers that the user's words mean, without words the one that most likely matters."""
    return find_column(table, words) if words else usual_value(table)


def numbers_of(table: Table, column: str) -> list[float]:
    """Return the numbers that a column holds; notes what is left out."""
    [cells] = table.cells(column)
    return [number for number in amounts(table, column, cells) if number is not None]


def usual_measure(column: str) -> str:
    """Return how a column is measured when the user does not say: prices and the like are averaged, amounts summed."""
    return "mean" if re.search(AVERAGED, plain(column)) else "sum"


def usual_value(table: Table) -> str:
    """Return the column of numbers that most likely matters, or ask."""
    found = [c for c, kind in table.kinds().items() if kind == "number" and not re.search(IDENTIFIER, plain(c))]
    if not found:
        raise Question(f"Which column of {table.file} holds the numbers you mean: {', '.join(table.columns[:30])}?")
    return next((c for c in found if re.search(AMOUNT, plain(c))), found[0])


def usual_group(table: Table) -> str:
    """Return the column that a first picture is best drawn by: dates, else one with few different texts; or ask."""
    kinds = table.kinds()
    for column in sorted(table.columns, key=lambda c: kinds[c] != "date"):
        [cells] = table.cells(column)
        if kinds[column] == "date" or (kinds[column] == "text" and 1 < len(set(cells)) <= max(20, len(cells) // 4)):
            return column
    raise Question(f"By which column of {table.file} shall I draw it: {', '.join(table.columns[:30])}?")
