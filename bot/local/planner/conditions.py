"""The conditions of a request: which of a table's rows are meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from bot.local.planner.query import Condition, NotUnderstood
from bot.local.planner.words import MONTHS, Mark
from bot.tables import Column, Profile

_LOOK = 12  # marks that one condition can have
Reader = Callable[[Sequence[Mark], str, Profile], "Condition | None"]


def take_conditions(said: Sequence[Mark], profile: Profile) -> tuple[list[Mark], tuple[Condition, ...]]:
    """Return the marks that are no condition, and the conditions."""
    rest: list[Mark] = []
    found: list[Condition] = []
    place = 0
    while place < len(said):
        tags = "".join(mark.tag for mark in said[place : place + _LOOK])
        grouped = bool(rest) and rest[-1].tag == "B"  # “by region without North”: the column groups, and is no part of it
        for pattern, read in _RULES:
            match = pattern.match(tags)
            if not match or (grouped and tags[0] in "CGP"):
                continue
            if condition := read(said[place : place + match.end()], match[0], profile):
                found.append(condition)
                before = "".join(mark.tag for mark in rest).rstrip("f")[-1:]
                if tags[0] == "C" and (before in tuple("OXxSUp") or (not rest and tags[match.end() : match.end() + 1] == "B")):
                    rest.append(said[place])  # “sum of units above 4”: measured, and a condition
                place += match.end()
                break
        else:
            rest.append(said[place])
            place += 1
    return rest, tuple(found)


def _values(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “in North or South”, “without North”, “where region is North”."""
    named = [mark for mark in said if mark.tag in "CG"]
    values = [mark for mark in said if mark.tag == "V"]
    sets = [{hit.column for hit in mark.means} for mark in values]
    columns = set.intersection(*sets) & ({c.name for c in named[0].means} if named else set.union(*sets))
    if not columns:
        if named:
            return None
        raise NotUnderstood(f"“{'” and “'.join(mark.text for mark in values)}” stand in different columns; ask for one of them.")
    if len(columns) > 1:
        listed = " and in ".join(f"“{name}”" for name in sorted(columns))
        raise NotUnderstood(f"“{values[0].text}” stands in {listed}. Say which: “where {min(columns)} is {values[0].text}”.")
    [column] = columns
    cells = tuple(dict.fromkeys(hit.value for mark in values for hit in mark.means if hit.column == column))
    sign = "not in" if "!" in tags else "in"
    return Condition(column, sign, cells, f"{column} is {'not ' if '!' in tags else ''}{' or '.join(cells)}")


def _comparison(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “price above 5”, “more than 5 employees”, “with 8 cylinders”, “year is 2013”, “price between 5 and 10”."""
    column = _only(next(mark for mark in said if mark.tag in "CG"))
    numbers = [mark.means for mark in said if mark.tag in "NY"]
    sign = next((mark.means for mark in said if mark.tag == ">"), "not in" if "!" in tags else "in")
    if not re.search("[q=a>t]", tags) and (column.adds in {"sum", "mean"} or ("Y" in tags and column.distinct > 60)):
        return None  # “horsepower 1970” is no condition on horsepower
    timed = "t" in tags and "Y" in tags and any(c.kind in {"date", "time"} or c.name.lower() == "year" for c in profile.columns)
    if column.kind != "number" or (timed and not re.search("[q=]", tags) and column.name.lower() != "year"):
        return None
    if "t" in tags:
        return _span(column, said, numbers)
    words = {">": "above", ">=": "at least", "<": "below", "<=": "at most", "in": "is", "not in": "is not"}[sign]
    return Condition(
        column.name, sign, tuple(numbers[:1]), f"{column.name} {words} {numbers[0] if column.adds == 'none' else f'{numbers[0]:,}'}"
    )


def _span(column: Column, said: Sequence[Mark], numbers: Sequence[int | float]) -> Condition:
    word = next(mark.text.lower() for mark in said if mark.tag == "t")
    plain = ",".join(str(number) for number in numbers)
    if word == "between":
        low, high = min(numbers), max(numbers)
        return Condition(column.name, "between", (low, high), f"{column.name} from {low} to {high}")
    sign = {"since": ">=", "after": ">", "before": "<"}.get(word, "<=")
    return Condition(column.name, sign, (numbers[0],), f"{column.name} {sign} {plain}")


def _dates(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “in 2013”, “since March 2012”, “before 2020-05-01”, “between 2010 and 2012”, “in March”, “not 2013”."""
    times = [mark for mark in said if mark.tag in "YMD"]
    dates = [column for column in profile.columns if column.kind in {"date", "time"}]
    named = [_only(mark) for mark in said if mark.tag in "CG"]
    years = [c for c in profile.columns if c.kind == "number" and "year" in c.name.lower() and 1400 < _number(c.least) < 2200]
    if not dates and all(mark.tag == "Y" for mark in times) and len(years) == 1:
        return _year(years[0], said, tags, [mark.means for mark in times])
    if named and named[0].kind not in {"date", "time"}:
        return None
    chosen = named or dates
    if len(chosen) != 1 or chosen[0].kind not in {"date", "time"} or (years and not named):
        names = ", ".join(f"“{c.name}”" for c in [*dates, *years])
        why = f"it can be {names}; say which" if names else f"`{profile.file}` has no dates"
        raise NotUnderstood(f"I cannot tell what “{times[0].text}” is a time of: {why}.")
    column = chosen[0].name
    word = next((mark.text.lower() for mark in said if mark.tag == "t"), "")
    if len(times) == 1 and any(mark.tag == "f" and mark.text.lower() in {"to", "through"} for mark in said):
        word = "until"
    if any(mark.tag == "M" for mark in times):
        if len(times) > 1 or word or "!" in tags:
            raise NotUnderstood(f"“{times[0].text}” of which year?")
        return Condition(column, "month", (times[0].means,), f"{column} in {MONTHS[times[0].means - 1].title()} of any year")
    begin, end = _days(times[0])[0], _days(times[-1])[1]
    if len(times) > 1 or not word:
        sign = "not days" if "!" in tags else "days"
        said_so = times[0].text if len(times) == 1 else f"{times[0].text} to {times[-1].text}"
        return Condition(column, sign, (begin, end), f"{column} {'not ' if '!' in tags else ''}in {said_so}")
    match word:
        case "since" | "starting in":
            return Condition(column, ">=", (begin,), f"{column} since {times[0].text}")
        case "after":
            return Condition(column, ">=", (end,), f"{column} after {times[0].text}")
        case "before":
            return Condition(column, "<", (begin,), f"{column} before {times[0].text}")
    return Condition(column, "<", (end,), f"{column} until the end of {times[0].text}")


def _year(column: Column, said: Sequence[Mark], tags: str, numbers: list[int]) -> Condition:
    if len(numbers) > 1:
        return Condition(
            column.name, "between", (min(numbers), max(numbers)), f"{column.name} from {min(numbers)} to {max(numbers)}"
        )
    if "t" in tags:
        return _span(column, said, numbers)
    sign = "not in" if "!" in tags else "in"
    return Condition(column.name, sign, (numbers[0],), f"{column.name} is {'not ' if '!' in tags else ''}{numbers[0]}")


def _text(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “name containing ann”, “name starting with A”."""
    column = _only(next(mark for mark in said if mark.tag in "CG"))
    sign = "starts" if next(m for m in said if m.tag == "K").text.lower().startswith("start") else "contains"
    return Condition(
        column.name, sign, (said[-1].text,), f"{column.name} {sign} {'with ' if sign == 'starts' else ''}“{said[-1].text}”"
    )


def _only(mark: Mark) -> Column:
    if len(mark.means) > 1:
        raise NotUnderstood(f"Which column do you mean by “{mark.text}”: {', '.join(c.name for c in mark.means[:6])}?")
    column: Column = mark.means[0]
    return column


def _days(mark: Mark) -> tuple[str, str]:
    """Return the first day of a time, and the day after its last."""
    parts: tuple[Any, ...] = (mark.means,) if mark.tag == "Y" else mark.means
    year = parts[0]
    if len(parts) == 1:
        return f"{year}-01-01", f"{year + 1}-01-01"
    if isinstance(parts[1], str):
        first = 3 * int(parts[1][1]) - 2
        return f"{year}-{first:02d}-01", f"{year + (first == 10)}-{(first + 2) % 12 + 1:02d}-01"
    if len(parts) == 2:
        return f"{year}-{parts[1]:02d}-01", f"{year + (parts[1] == 12)}-{parts[1] % 12 + 1:02d}-01"
    try:
        day = date(*parts)
    except ValueError:
        raise NotUnderstood(f"There is no day {mark.text}.") from None
    return day.isoformat(), date.fromordinal(day.toordinal() + 1).isoformat()


def _number(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0


_T = "[YMD]"
_RULES: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"&?[qaf]?[CG]=?!?f?V(?:&f?V)*"), _values),
    (re.compile(r"&?(?:!|o)?[faq]?=?!?V(?:&[fa]?!?V)*"), _values),
    (re.compile(r"&?[qa]?[CG]=?t[NY]&[NY]|&?[qa]?[CG]=?>[NY]|&?[qaf]?[>][NY]C|&?[qaf]?C=?t[NY]"), _comparison),
    (re.compile(r"&?[qaf]?C=?!?[NY](?![CG])|&?[qa]N[C](?![B>])"), _comparison),
    (re.compile(rf"&?[qaf]?G=?t{_T}&{_T}|&?[qa]?G=?[tf]{_T}|&?[qa]G=?{_T}"), _dates),
    (re.compile(rf"&?[qaf]?t{_T}&{_T}|&?f{_T}f{_T}|&?(?:o|!)?[ft]?!?{_T}"), _dates),
    (re.compile(r"&?[qaf]?[CG]K."), _text),
)
