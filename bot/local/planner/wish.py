"""The wish of a user, as the planner understands it."""

from __future__ import annotations

from dataclasses import dataclass

Condition = tuple[str, str, str]  # the column's words ("" for any), the sign, the value


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One request. Columns are in the user's own words; the script resolves them when it runs.

    `verb` is plot, points, histogram, measure, top, describe, log, run, save, list, long or explain.
    """

    verb: str
    file: str = ""
    value: str = ""  # the column to measure; "" for what the file suggests
    by: str = ""  # the column or the period to group by
    split: str = ""  # one series for each of these
    how: str = ""  # sum, mean, median, min, max, std, count; "" for what the column suggests
    kind: str = ""  # line, bars, barh, area, pie; "" for what fits
    where: tuple[Condition, ...] = ()
    count: int = 5
    smallest: bool = False
    args: tuple[str, ...] = ()
    at: str = ""  # HH:MM
    words: str = ""  # what the user wrote
