"""What the planner understood of a request about a table, in terms of the table's own columns."""

from __future__ import annotations

from dataclasses import dataclass

Scalar = str | int | float


@dataclass(frozen=True, slots=True)
class Condition:
    """Which rows are meant. `sign` is in, not in, >, >=, <, <=, days (from a day, to before a day), month, contains or starts."""

    column: str
    sign: str
    values: tuple[Scalar, ...]
    said: str  # as the answer says it


@dataclass(frozen=True, slots=True)
class Group:
    """A column to group by, or the `period` of a column of dates."""

    column: str
    period: str = ""

    @property
    def name(self) -> str:
        return self.period or self.column


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One request; `verb`: describe, rows, columns, sheets, measure, distinct, values, missing, duplicates, nth, top or points."""

    verb: str
    file: str = ""
    sheet: str = ""
    value: str = ""  # the column that is measured
    how: str = ""  # sum, mean, median, min, max, std or count
    by: tuple[Group, ...] = ()
    where: tuple[Condition, ...] = ()
    other: str = ""  # the second column of points and of a correlation
    count: int = 0  # how many of the first, or the place of one
    smallest: bool = False
    change: str = ""  # share or cumulative
    plot: bool = False
    kind: str = ""  # line, bars, barh, area, pie or histogram; "" for what fits
    chose: tuple[str, ...] = ()  # what was chosen among candidates, to be said first


_NAMES = {
    "sum": "Sum",
    "mean": "Mean",
    "median": "Median",
    "min": "Lowest",
    "max": "Highest",
    "std": "Standard deviation",
    "count": "Number",
}


class NotUnderstood(Exception):
    """Why a request is not answered, in a sentence for the person who asked."""


def title_of(query: Query) -> str:
    """Return what a query asks for, as the title of its picture and the beginning of its answer."""
    value = query.value or "rows"
    by = f" by {' and '.join(group.name for group in query.by)}" if query.by else ""
    of = " " if query.how in {"min", "max"} else " of "
    how = f"{_NAMES[query.how]}{of}{value}" if query.how in _NAMES else value
    match query.verb:
        case "points":
            return f"{value} against {query.other}"
        case "top":
            groups = query.by[0].name if query.by else "rows"
            return f"{'Lowest' if query.smallest else 'Top'} {query.count} {groups} by {how[0].lower() + how[1:]}"
    if query.kind == "histogram":
        return f"Distribution of {value}"
    if query.change == "share":
        return f"Share of {value}{by}"
    if query.how == "corr":
        return f"Correlation between {value} and {query.other}"
    return f"{query.change.title() + ' ' if query.change else ''}{how[0].lower() + how[1:] if query.change else how}{by}"
