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
    """One request; `verb`: describe, columns, sheets, or one of the titles in scripts.toml."""

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
    kind: str = ""  # line, bars, barh, area or pie; "" for what fits
    chose: tuple[str, ...] = ()  # what was chosen among candidates, to be said first


class NotUnderstood(Exception):
    """Why a request is not answered, in a sentence for the person who asked."""
