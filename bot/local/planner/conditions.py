"""The conditions of a request: which of a table's rows are meant."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from bot.local.planner.query import Condition, NotUnderstood
from bot.local.planner.words import Mark
from bot.tables import Column, Profile

_LOOK = 12  # marks that one condition can have
_YEAR = re.compile(r"(?:1,?[4-9]|2,?[01])\d\d(?:\.0+)?")
_DATES = frozenset({"date", "time"})
_NUMBER_SIGNS = {"since": ">=", "after": ">", "before": "<"}
# Of a time: which sign, and whether its begin (0) or its end (1) is the bound, and how the answer says it.
_TIME_SIGNS = {
    "since": (">=", 0, "since"),
    "starting in": (">=", 0, "since"),
    "after": (">=", 1, "after"),
    "before": ("<", 0, "before"),
}
_SAID = {"in": "is", "not in": "is not", ">": "above", ">=": "at least", "<": "below", "<=": "at most"}


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


def dated(said: Sequence[Mark]) -> list[Mark]:
    """Return the marks with a month and its year together, and with the day before them."""
    result: list[Mark] = []
    for mark in said:
        if mark.tag != "Y" or not result or result[-1].tag != "M":
            result.append(mark)
            continue
        month = result.pop().means
        name, parts = f"{month_name[month]} {mark.text}", [mark.means, month]
        if result and result[-1].tag == "N" and 1 <= result[-1].means <= 31:
            parts.append(int(result.pop().means))
            name = f"{parts[-1]} {name}"
        result.append(Mark("D", name, tuple(parts)))
    return result


def only(mark: Mark) -> Column:
    """Return the only column that a phrase can mean; raises NotUnderstood when there are several."""
    if len(mark.means) > 1:
        raise NotUnderstood(f"Which column do you mean by “{mark.text}”: {', '.join(f'“{c.name}”' for c in mark.means[:6])}?")
    column: Column = mark.means[0]
    return column


def _values(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “in North or South”, “without North”, “where region is North”."""
    named = [mark for mark in said if mark.tag in "CG"]
    values = [mark for mark in said if mark.tag == "V"]
    sets = [{hit.column for hit in mark.means} for mark in values]
    columns = set.intersection(*sets) & ({c.name for c in named[0].means} if named else set.union(*sets))
    if not columns and named:
        return None
    if not columns:
        raise NotUnderstood(f"“{'” and “'.join(mark.text for mark in values)}” stand in different columns; ask for one of them.")
    if len(columns) > 1:
        listed = " and in ".join(f"“{name}”" for name in sorted(columns))
        raise NotUnderstood(f"“{values[0].text}” stands in {listed}. Say which: “where {min(columns)} is {values[0].text}”.")
    [column] = columns
    cells = tuple(dict.fromkeys(hit.value for mark in values for hit in mark.means if hit.column == column))
    sign = "not in" if "!" in tags else "in"
    return Condition(column, sign, cells, f"{column} {_SAID[sign]} {' or '.join(cells)}")


def _comparison(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “price above 5”, “more than 5 employees”, “with 8 cylinders”, “year is 2013”, “price between 5 and 10”."""
    column = only(next(mark for mark in said if mark.tag in "CG"))
    if not re.search("[q=a>t]", tags) and (column.adds in {"sum", "mean"} or ("Y" in tags and column.distinct > 60)):
        return None  # “horsepower 1970” is no condition on horsepower
    timed = "t" in tags and "Y" in tags and any(c.kind in _DATES or c.name.lower() == "year" for c in profile.columns)
    if column.kind != "number" or (timed and not re.search("[q=]", tags) and column.name.lower() != "year"):
        return None
    return _compared(column, said, tags)


def _compared(column: Column, said: Sequence[Mark], tags: str) -> Condition:
    numbers = sorted(mark.means for mark in said if mark.tag in "NY")
    sign = next((mark.means for mark in said if mark.tag == ">"), "not in" if "!" in tags else "in")
    word = next((mark.text.lower() for mark in said if mark.tag == "t"), "")
    if word == "between" or (len(numbers) > 1 and not word):
        return Condition(column.name, "between", (numbers[0], numbers[-1]), f"{column.name} from {numbers[0]} to {numbers[-1]}")
    if len(numbers) > 1:
        raise NotUnderstood(f"Shall {column.name} be “{word} {numbers[0]}” or “{word} {numbers[-1]}”? Say one of them.")
    if word:
        sign = _NUMBER_SIGNS.get(word, "<=")
    plain = str(numbers[0]) if column.adds == "none" else f"{numbers[0]:,}"
    return Condition(column.name, sign, (numbers[0],), f"{column.name} {_SAID[sign]} {plain}")


def _dates(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “in 2013”, “since March 2012”, “before 2020-05-01”, “between 2010 and 2012”, “in March”, “not 2013”."""
    times = [mark for mark in said if mark.tag in "YMD"]
    dates = [column for column in profile.columns if column.kind in _DATES]
    named = [only(mark) for mark in said if mark.tag in "CG"]
    years = [c for c in profile.columns if c.kind == "number" and "year" in c.name.lower() and _YEAR.fullmatch(c.least)]
    if not dates and all(mark.tag == "Y" for mark in times) and len(years) == 1:
        return _compared(years[0], said, tags)
    if named and named[0].kind not in _DATES:
        return None
    if len(named or dates) != 1 or (years and not named):
        names = ", ".join(f"“{c.name}”" for c in [*dates, *years])
        why = f"it can be {names}; say which" if names else f"`{profile.file}` has no dates"
        raise NotUnderstood(f"I cannot tell what “{times[0].text}” is a time of: {why}.")
    column = (named or dates)[0].name
    word = next((mark.text.lower() for mark in said if mark.tag == "t"), "")
    if len(times) == 1 and any(mark.tag == "f" and mark.text.lower() in {"to", "through"} for mark in said):
        word = "until"
    if any(mark.tag == "M" for mark in times):
        if len(times) > 1 or word or "!" in tags:
            raise NotUnderstood(f"“{times[0].text}” of which year?")
        return Condition(column, "month", (times[0].means,), f"{column} in {month_name[times[0].means]} of any year")
    bounds = _days(times[0])[0], _days(times[-1])[1]
    if len(times) > 1 or not word:
        negated = "not " if "!" in tags else ""
        return Condition(column, f"{negated}days", bounds, f"{column} {negated}in {' to '.join(mark.text for mark in times)}")
    sign, bound, how = _TIME_SIGNS.get(word, ("<", 1, "until the end of"))
    return Condition(column, sign, (bounds[bound],), f"{column} {how} {times[0].text}")


def _text(said: Sequence[Mark], tags: str, profile: Profile) -> Condition | None:
    """Read “name containing ann”, “name starting with A”."""
    column = only(next(mark for mark in said if mark.tag in "CG")).name
    starts = next(mark for mark in said if mark.tag == "K").text.lower().startswith("start")
    how = "starts with" if starts else "contains"
    return Condition(column, how.split()[0], (said[-1].text,), f"{column} {how} “{said[-1].text}”")


def _days(mark: Mark) -> tuple[str, str]:
    """Return the first day of a time, and the day after its last."""
    year, *more = (mark.means,) if mark.tag == "Y" else mark.means
    month, months = 1, 12
    if more:
        month, months = (3 * int(more[0][1]) - 2, 3) if isinstance(more[0], str) else (more[0], 1)
    try:
        begin = date(year, month, more[1] if len(more) > 1 else 1)
    except ValueError:
        raise NotUnderstood(f"There is no day {mark.text}.") from None
    after = date(year + (month + months > 12), (month + months - 1) % 12 + 1, 1)
    return begin.isoformat(), (begin + timedelta(1) if len(more) > 1 else after).isoformat()


_T = "[YMD]"
_RULES: tuple[tuple[re.Pattern[str], Callable[[Sequence[Mark], str, Profile], Condition | None]], ...] = (
    (re.compile(r"&?[qaf]?[CG]=?!?f?V(?:&f?V)*"), _values),
    (re.compile(r"&?(?:!|o)?[faq]?=?!?V(?:&[fa]?!?V)*"), _values),
    (re.compile(r"&?[qa]?[CG]=?t[NY]&[NY]|&?[qa]?[CG]=?>[NY]|&?[qaf]?[>][NY]C|&?[qaf]?C=?t[NY]"), _comparison),
    (re.compile(r"&?[qaf]?C=?!?[NY](?![CG])|&?[qa]N[C](?![B>])"), _comparison),
    (re.compile(rf"&?[qaf]?G=?t{_T}&{_T}|&?[qa]?G=?[tf]{_T}|&?[qa]G=?{_T}"), _dates),
    (re.compile(rf"&?[qaf]?t{_T}&{_T}|&?f{_T}f{_T}|&?(?:o|!)?[ft]?!?{_T}"), _dates),
    (re.compile(r"&?[qaf]?[CG]K."), _text),
)
