"""A table's profile: rows, columns, what they hold and what could not be read; as text, and read back from that text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from typing import Any, Final

SHOWN: Final = 60  # columns
CELL: Final = 60  # characters of a value that is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: `kind` is number, date, time, true or false, text or empty; `adds` is sum, mean, none or "" when unsure."""

    name: str
    kind: str
    missing: int = 0
    unreadable: int = 0
    unread: tuple[str, ...] = ()  # up to three of the cells that could not be read
    least: str = ""
    most: str = ""
    distinct: int = 0
    values: tuple[str, ...] = ()  # all of a text column's values if at most 12, else its most frequent five
    adds: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase that stands in a table: in which column, as which value, in how many rows."""

    phrase: str
    column: str
    value: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a table holds; `form` says how its file is written, `notes` what was decided in reading it."""

    file: str
    form: str
    rows: int
    columns: tuple[Column, ...]
    size: int = 0  # bytes of the file
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    hidden: int = 0  # columns that the text leaves out


def told(profile: Profile) -> str:
    """Return the profile as lines of JSON for an agent: the table, each column, at most 60 of them, and what was found.

    What says nothing is left out: 0, "" and the like. `adds` is how a column of numbers is totalled, if that is known.
    """
    shown = profile.columns[:SHOWN]
    hidden = profile.hidden + len(profile.columns) - len(shown)
    table = {"table": profile.file} | _fields(replace(profile, hidden=hidden))
    columns = ({"column": column.name} | _fields(column) for column in shown)
    found = ({"found": hit.phrase} | _fields(hit) for hit in profile.found)
    return "\n".join(map(_line, (table, *columns, *found)))


def parsed(text: str) -> Profile | None:
    """Return the profile that `told` wrote into a text; None if there is none."""
    table: dict[str, Any] = {}
    columns, found = list[Column](), list[Found]()
    for line in text.splitlines():
        try:
            record = json.loads(line, object_hook=tuples) if line.startswith('{"') else {}
            if "table" in record and not table:
                table = {"file": record.pop("table")} | record
            elif table and "found" in record:
                found.append(Found(phrase=record.pop("found"), **record))
            elif table and "column" in record:
                columns.append(Column(name=record.pop("column"), **record))
        except (ValueError, TypeError):
            continue  # another's line
    return Profile(columns=tuple(columns), found=tuple(found), **table) if table else None


def _fields(value: Profile | Column | Found) -> dict[str, Any]:
    """Return what a value says beside its name, lists of texts as they are shown."""
    own = (f for f in fields(value)[1:] if f.name not in {"columns", "found"})
    said = {f.name: getattr(value, f.name) for f in own if getattr(value, f.name) != f.default}
    return {name: [short(text) for text in given] if isinstance(given, tuple) else given for name, given in said.items()}


def tuples(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of JSON with tuples for its lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


def _line(record: dict[str, Any]) -> str:
    """Return JSON in one line, whatever a reader takes for the end of one."""
    text = json.dumps(record, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def short(text: str) -> str:
    """Return a value as it is shown: at most 60 characters, and a … where there were more."""
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
