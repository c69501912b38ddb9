"""What one cell of a table says: a number, a date, yes or no, nothing, or text. The only definition, for small tables and big ones.

How a column writes its numbers and its dates is decided once, from all that it shows, and never cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

Value = int | float | bool | date | datetime | str | None

MISSING: Final = frozenset(
    ["", *["-", "--", "–", "—", "?", ".", "n/a", "na", "nan", "null", "none", "nil", "#n/a", "#na", "n.a.", "k.a.", "<na>", "nat"]]
)
_TRUE, _FALSE = frozenset({"true", "yes"}), frozenset({"false", "no"})
_MONEY: Final = r"[$€£¥₹₽₩]|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|Fr\."
_NUMBER = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+\-−])?\s*(?P<before>{_MONEY})?\s*(?P<sign2>[+\-−])?\s*"
    r"(?P<body>\d[\d.,'’\s]*|[.,]\d+)(?P<power>[eE][+-]?\d{1,3})?"
    rf"\s*(?P<after>%|‰|{_MONEY})?\s*(?P<sign3>[-−])?\s*(?P<close>\))?\s*(?P<last>%|{_MONEY})?"
)
_WHOLE = {mark: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+") for mark in (",", ".", "'", " ")}
_PLAIN = {mark: re.compile(rf"[+-]?(?:\d+|(\d*)\{mark}(\d+))") for mark in (".", ",")}
_UNTOLD: Final = ": no cell of the column tells"
_OFFSET = re.compile(r":\d\d.*[+-]\d\d:?\d\d$")
_SEASON = re.compile(r"\d{4}[-/]\d\d")
_LEADING_ZERO = re.compile(r"0\d+")
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero", "february feb februar février febrero", "march mar märz mrz mars marzo",
            "april apr avril abril", "may mai mayo", "june jun juni juin junio", "july jul juli juillet julio",
            "august aug août agosto", "september sep sept septembre septiembre", "october oct oktober okt octobre octubre",
            "november nov novembre noviembre", "december dec dezember dez décembre diciembre",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_CLOCK = (
    r"(?:[T ]\s*(?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?)?"
)
_NAME = r"(?P<name>[^\W\d_]{3,})\.?"
DATES: Final = {
    "ymd": re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_CLOCK}"),
    "compact": re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"),
    "dmy": re.compile(rf"(?P<d>\d{{1,2}})[-/.](?P<m>\d{{1,2}})[-/.](?P<y>\d{{4}}|\d\d){_CLOCK}"),
    "mdy": re.compile(rf"(?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})[-/.](?P<y>\d{{4}}|\d\d){_CLOCK}"),
    "d name y": re.compile(rf"(?P<d>\d{{1,2}})\.?[ -]{_NAME}[ ,-]+(?P<y>\d{{4}}|\d\d){_CLOCK}"),
    "name d y": re.compile(rf"{_NAME} (?P<d>\d{{1,2}}),? (?P<y>\d{{4}}){_CLOCK}"),
    "name y": re.compile(rf"{_NAME}[ -](?P<y>\d{{4}})"),
    "name yy": re.compile(rf"{_NAME}[ -]'?(?P<y>\d\d)"),
    "y-m": re.compile(r"(?P<y>\d{4})[-/](?P<m>\d{1,2})"),
    "quarter": re.compile(r"(?P<y>\d{4})[ -]?[Qq](?P<q>[1-4])"),
    "q y": re.compile(r"[Qq](?P<q>[1-4])[ -/]?(?P<y>\d{4})"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How a column writes what it holds; `name` is number, date, time (a date with a clock), true or false, text or empty."""

    name: str
    decimal: str = "."
    dates: str = ""
    unit: str = ""
    figures: bool = False  # whether some cells of a column that is no number look like one
    note: str = ""  # what is to be said of it: above all, what had to be chosen without evidence
    sure: bool = False  # whether its cells tell which mark is decimal, or which number of a date is the day

    @property
    def read(self) -> Callable[[str], Value]:
        """The function that reads a cell; it returns None for a cell that is no such value."""
        match self.name:
            case "number":
                return lambda text: number(text, self.decimal)
            case "date" | "time":
                return lambda text: moment(text, self.dates, clock=self.name == "time")
            case "true or false":
                return truth
        return lambda text: text


@dataclass(slots=True)
class Cells:
    """A column that was read: its values (None where nothing can be said) and the cells that could not be read."""

    kind: Kind
    values: list[Value]
    missing: int = 0
    unreadable: int = 0
    unread: list[str] = field(default_factory=list)


def is_missing(text: str) -> bool:
    """Return whether a cell says that there is nothing to say: empty, NA, n/a, –."""
    return text.strip().lower() in MISSING


def number(text: str, decimal: str = ".") -> int | float | None:
    """Return the number that a cell shows: `1.234,5`, `.097`, `(1,200)`, `−3`, `12 %` (12), `$1,200`; None if it shows none."""
    if plain := _PLAIN[decimal].fullmatch(text):
        return int(text) if plain[2] is None else float(text.replace(decimal, "."))
    match = _NUMBER.fullmatch(text.strip())
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    body = re.sub(r"\s", " ", match["body"]).strip().replace("’", "'")
    whole, point, part = body.partition(decimal)
    part = part.replace(" ", "") if re.fullmatch(r"\d{3}(?: \d{3})*(?: \d{1,3})?", part) else part
    if (part and not part.isascii()) or (part and not part.isdigit()) or not (whole or part):
        return None
    marks = {mark for mark in whole if not mark.isdigit()}
    if len(marks) > 1 or (marks and (decimal in marks or not _WHOLE[min(marks)].fullmatch(whole))):
        return None
    digits = "".join(c for c in whole if c.isdigit()) or "0"
    signs = [match[s] for s in ("sign", "sign2", "sign3") if match[s]]
    negative = bool(match["open"]) or any(s != "+" for s in signs)
    if len(signs) > 1:
        return None
    if not point and not match["power"]:
        return -int(digits) if negative else int(digits)
    value = float(f"{digits}.{part or '0'}{match['power'] or ''}")
    return -value if negative else value


def truth(text: str) -> bool | None:
    """Return what a cell of yes and no says; None if it says neither."""
    low = text.strip().lower()
    return True if low in _TRUE else False if low in _FALSE else None


def moment(text: str, form: str, *, clock: bool) -> date | datetime | None:
    """Return the date, or with `clock` the date and time, that a cell in this form shows; a month or a quarter is its first day.

    A zone is converted to UTC and dropped, so that all cells of a column can be compared.
    """
    match = DATES[form].fullmatch(text.strip())
    if match is None:
        return None
    part = match.groupdict()
    month = int(part.get("m") or 0) or _MONTHS.get((part.get("name") or "").lower(), 0)
    month = month or 3 * int(part.get("q") or 0) - 2
    year = int(part["y"])
    year += 0 if len(part["y"]) > 2 else 2000 if year < 70 else 1900
    try:
        day = date(year, month, int(part.get("d") or 1))
        if not clock:
            return day if not part.get("H") or (part["H"].strip("0") + part["M"].strip("0")) == "" else None
        hour = int(part.get("H") or 0)
        if half := (part.get("half") or "").lower():
            hour = hour % 12 + (12 if half == "pm" else 0)
        micro = int((part.get("f") or "0").ljust(6, "0")[:6])
        when = datetime(  # noqa: DTZ001  what the cell shows
            day.year, day.month, day.day, hour, int(part.get("M") or 0), int(part.get("S") or 0), micro
        )
    except ValueError:
        return None
    zone = part.get("zone") or ""
    if zone[:1] in {"+", "-"}:
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        when -= timedelta(minutes=minutes if zone[0] == "+" else -minutes)
    return when


def decide(cells: Iterable[str], comma: bool = False) -> Kind:
    """Return how a column writes its values, from different cells of it; `comma`: its file is likelier to write decimal commas.

    A column is of a kind when more than half of what it says can be read so; the rest is counted as unreadable.
    """
    said = [cell.strip() for cell in cells if not is_missing(cell)]
    if not said:
        return Kind("empty")
    if all(cell.lower() in _TRUE | _FALSE for cell in said):
        return Kind("true or false")
    some = said[:: max(len(said) // 200, 1)]
    if all(_SEASON.fullmatch(cell) and (int(cell[2:4]) + 1) % 100 == int(cell[-2:]) for cell in some):
        return Kind("text")  # 2012/13
    likely = [form for form in DATES if any(moment(cell, form, clock=True) is not None for cell in some)] or ["ymd"]
    fits: dict[str, int] = {form: sum(moment(c, form, clock=True) is not None for c in said) for form in likely}
    form = max(fits, key=lambda name: fits[name])
    if fits[form] * 2 > len(said) and not (form == "compact" and any(moment(cell, form, clock=False) is None for cell in said)):
        return _dated(said, form, fits, comma)
    if any(_LEADING_ZERO.fullmatch(cell) for cell in said):
        return Kind("text", figures=True)
    points, commas = (sum(number(c, mark) is not None for c in said) for mark in (".", ","))
    if max(points, commas) * 2 <= len(said):
        return Kind("text", figures=max(points, commas) > 0)
    if points != commas:
        mark, unit = "." if points > commas else ",", _units(said)
        return Kind("number", decimal=mark, unit=unit[0], note=unit[1], sure=True)
    example = next((c for c in said if number(c, ".") != number(c, ",")), "")
    decimal = "," if comma and example else "."
    unit = _units(said)
    note = f"“{example}” is read as {number(example, decimal)}{_UNTOLD}" if example else unit[1]
    return Kind("number", decimal=decimal, unit=unit[0], note=note)


def settled(kinds: Sequence[Kind], point: bool) -> list[Kind]:
    """Return the kinds of a file's columns, where one that could not tell its marks or its order of days follows those that can.

    `point`: where none can, the file's form tells that decimals have a point.
    """
    marks = {kind.decimal for kind in kinds if kind.sure and kind.name == "number"}
    orders = {kind.dates for kind in kinds if kind.sure and kind.dates in {"dmy", "mdy"}}
    result = []
    for kind in kinds:
        if kind.name == "number" and not kind.sure and (len(marks) == 1 or (point and not marks)):
            kind = replace(kind, decimal=min(marks, default="."), note="" if kind.note.endswith(_UNTOLD) else kind.note)
        elif kind.dates in {"dmy", "mdy"} and not kind.sure and len(orders) == 1:
            kind = replace(kind, dates=min(orders), note="")
        result.append(kind)
    return result


def read_cells(cells: Sequence[str], kind: Kind) -> Cells:
    """Return the values of a column's cells, and how many could not be read."""
    read, column = kind.read, Cells(kind, [])
    known: dict[str, Value] = {}
    for cell in cells:
        if cell not in known:
            known[cell] = None if is_missing(cell) else read(cell.strip() if kind.name != "text" else cell)
        value = known[cell]
        column.values.append(value)
        if value is None:
            if is_missing(cell):
                column.missing += 1
            else:
                column.unreadable += 1
                if cell not in column.unread and len(column.unread) < 3:
                    column.unread.append(cell)
    return column


def _dated(said: Sequence[str], form: str, fits: dict[str, int], comma: bool) -> Kind:
    note, sure = "", form in {"dmy", "mdy"}
    if form == "dmy" and fits.get("mdy") == fits["dmy"]:
        sure = any("." in cell for cell in said)
        form = "dmy" if sure or comma else "mdy"
        example = next((c for c in said if moment(c, "dmy", clock=True) != moment(c, "mdy", clock=True)), "")
        if example and not sure:
            note = f"“{example}” is read as {'day/month' if comma else 'month/day'}{_UNTOLD}"
    if form == "name yy":
        note = f"“{said[0]}” is read as {moment(said[0], form, clock=False):%B %Y}" if moment(said[0], form, clock=False) else ""
    if any(_OFFSET.search(cell) and not cell.endswith(("00:00", "0000")) for cell in said[:1_000]) and "d" in form:
        note = note or "its times have zones, and are read as UTC"
    clock = sum(moment(c, form, clock=False) is None and moment(c, form, clock=True) is not None for c in said)
    return Kind("time" if clock else "date", dates=form, figures=form == "compact", note=note, sure=sure)


def _units(said: Sequence[str]) -> tuple[str, str]:
    """Return the unit that stands with the numbers of a column, and what is to be said when there are several."""
    matches = [match for cell in said[:1_000] if (match := _NUMBER.fullmatch(cell))]
    units = list(dict.fromkeys(match["before"] or match["after"] or match["last"] or "" for match in matches))
    different = [unit for unit in units if unit]
    note = f"its numbers are in {', '.join(different)}, and were not converted" if len(different) > 1 else ""
    return (units[0] if len(units) == 1 else ""), note
