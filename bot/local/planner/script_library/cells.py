"""Cells of a table as numbers and dates, whatever the habits of the country they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

EMPTY = {"", "-", "--", "–", "—", "?", "n/a", "na", "nan", "nat", "none", "null", "#n/a", "<na>"}
CURRENCY = r"(?:[A-Z]{0,2}[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|CAD|AUD|kr|Kč|zł)\b\.?)"
NUMBER = re.compile(
    rf"([-−+(]?)\s*{CURRENCY}?\s*([-−]?)((?:\d[\d.,'’\s]*)?[.,]?\d(?:[eE][-+]?\d+)?)\s*(?:{CURRENCY}|%)?([-)]?)"
)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
CLOCK = re.compile(r"[T ,]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*([AaPp][Mm])?\s*(?:Z|UTC|GMT|[-+]\d\d:?\d\d)?$")
YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?|((?:19|20)\d\d)(0[1-9]|1[0-2])(\d\d)")
YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d\d)")
NAMED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?[ .-]*)?([A-Za-z]{3,9})\.?(?:[ -]*(\d{1,2})(?:st|nd|rd|th)?,? )?[ ,-]*'?(\d{4}|\d\d)"
)


def is_empty(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return str(cell).strip().lower() in EMPTY


def numbers(cells: Sequence[object], separator: str = ",") -> list[float | None]:
    """Return the cells as numbers, None where there is none.

    Decimal comma or point is decided once for the whole column; `separator` is what divides the file's cells.
    """
    read: dict[object, tuple[str, str]] = {}
    for cell in set(cells):
        text = re.sub(r"[\u00a0\u202f]", " ", str(cell)).strip()
        if match := NUMBER.fullmatch(text):
            negative = {match[1], match[2], match[4]} & {"-", "−", "("}
            read[cell] = ("-" if negative else "", re.sub(r"['’\s]", "", match[3]))
    # Typed cells of a workbook have a decimal point always.
    decimal = decimal_mark([body for cell, (_, body) in read.items() if isinstance(cell, str)], separator)
    values: dict[object, float] = {}
    for cell, (sign, body) in read.items():
        mark = decimal if isinstance(cell, str) else "."
        plain = body.replace("," if mark == "." else ".", "").replace(mark, ".")
        if plain.count(".") < 2:
            values[cell] = float(sign + plain)
    return [values.get(cell) for cell in cells]


def decimal_mark(bodies: Sequence[str], separator: str) -> str:
    """Return "." or ",": what stands before the decimals in this column of numbers."""
    for body in bodies:
        if "," in body and "." in body:
            return max(",.", key=body.rfind)
        for mark, other in (",.", ".,"):
            if body.count(mark) > 1:
                return other
    for mark in ".,":
        if any(mark in body and not re.fullmatch(rf"[1-9]\d{{0,2}}\{mark}\d{{3}}", body) for body in bodies):
            return mark
    # All look like 1,234 or 1.234: where semicolons divide the cells, the comma is the decimal mark.
    return "," if separator == ";" else "."


def dates(cells: Sequence[object], separator: str = ",") -> list[datetime | None]:
    """Return the cells as dates, None where there is none; 03/04/2024 is read as the rest of the column demands."""
    texts = {str(cell).strip() for cell in cells}
    pairs = [(int(match[1]), int(match[2])) for text in texts if (match := YEAR_LAST.match(text))]
    dotted = separator == ";" or any(YEAR_LAST.match(text) and "." in text[:3] for text in texts)
    day_first = any(a > 12 for a, _ in pairs) or (dotted and not any(b > 12 for _, b in pairs))
    read = {text: date_of(text, day_first) for text in texts}
    return [read[str(cell).strip()] for cell in cells]


def date_of(text: str, day_first: bool) -> datetime | None:
    """Return one cell as a date, as the file has it, without a zone; None when it is none."""
    clock = CLOCK.search(text)
    day = text[: clock.start()] if clock else text.removesuffix("Z")
    hour, minute, second = (int(clock[n] or 0) for n in (1, 2, 3)) if clock else (0, 0, 0)
    if clock and clock[4]:
        hour = hour % 12 + (12 if clock[4] in {"PM", "pm"} else 0)
    if match := YEAR_FIRST.fullmatch(day):
        year, month, number = match[1] or match[4], int(match[2] or match[5]), match[3] or match[6] or 1
    elif match := YEAR_LAST.fullmatch(day):
        year, month, number = match[3], int(match[2 if day_first else 1]), match[1 if day_first else 2]
    elif (match := NAMED.fullmatch(day)) and match[2][:3].lower() in MONTHS:
        year, month, number = match[4], MONTHS.index(match[2][:3].lower()) + 1, match[1] or match[3] or 1
    else:
        return None
    century = 0 if len(year) == 4 else 2000 if int(year) < 70 else 1900
    try:
        return datetime(century + int(year), month, int(number), hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def shown(value: float) -> str:
    """Return a number as it is printed: whole numbers whole, others with two decimals, small ones with four digits."""
    value = round(value, 9)
    if value == int(value):
        return str(int(value))
    return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
