"""A table's profile: rows, columns, what they hold and what could not be read; as text, and read back from that text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

SHOWN: Final = 60  # columns
CELL: Final = 60  # characters of a value that is shown
_STRING = r'"(?:[^"\\]|\\.)*"'


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
    """Return the profile as text for an agent: one line for each column, at most 60 of them, and how many more there are."""
    shown = profile.columns[:SHOWN]
    hidden = profile.hidden + len(profile.columns) - len(shown)
    lines = [
        f"Table {_quoted(profile.file)}: {profile.rows:,} rows, {len(shown) + hidden:,} columns, {profile.size:,} bytes."
        f" Written as {_quoted(profile.form)}."
    ]
    if profile.sheets:
        lines.append(f"Sheet {_quoted(profile.sheet)} of {_list(profile.sheets)}.")
    lines += [f"Note: {' '.join(note.split())}" for note in profile.notes]
    lines += [f"- {_quoted(c.name)}: {', '.join([c.kind, *_facts(c)])}" for c in shown]
    if hidden:
        lines.append(f"And {hidden:,} more columns.")
    for hit in profile.found:
        where = f"column {_quoted(hit.column)}, value {_quoted(hit.value)}"
        lines.append(f"Found {_quoted(hit.phrase)}: {where}, {hit.rows:,} rows.")
    return "\n".join(lines)


def parsed(text: str) -> Profile | None:
    """Return the profile that `told` wrote into a text; None if there is none."""
    lines = text.splitlines()
    head = re.compile(rf"Table ({_STRING}): ([\d,]+) rows, ([\d,]+) columns, ([\d,]+) bytes\. Written as ({_STRING})\.")
    start, match = next(((n, m) for n, line in enumerate(lines) if (m := head.fullmatch(line.strip()))), (0, None))
    if match is None:
        return None
    columns, found, notes = list[Column](), list[Found](), list[str]()
    sheet, sheets = "", ()
    for line in lines[start + 1 :]:
        if line.startswith("Note: "):
            notes.append(line[6:])
        elif of := re.fullmatch(rf"Sheet ({_STRING}) of (\[.*\])\.", line):
            sheet, sheets = json.loads(of[1]), tuple(json.loads(of[2]))
        elif row := re.match(rf"- ({_STRING}): ", line):
            columns.append(_parsed_column(json.loads(row[1]), line[row.end() :]))
        elif hit := re.fullmatch(rf"Found ({_STRING}): column ({_STRING}), value ({_STRING}), ([\d,]+) rows\.", line):
            found.append(Found(json.loads(hit[1]), json.loads(hit[2]), json.loads(hit[3]), _int(hit[4])))
    return Profile(
        file=json.loads(match[1]), form=json.loads(match[5]), rows=_int(match[2]), columns=tuple(columns), size=_int(match[4]),
        sheet=sheet, sheets=sheets, notes=tuple(notes), found=tuple(found), hidden=_int(match[3]) - len(columns),
    )  # fmt: skip


def _facts(column: Column) -> Iterator[str]:
    if column.unit:
        yield f"unit {_quoted(column.unit)}"
    if column.kind == "number":
        yield f"total by {column.adds or 'unsure'}"
    if column.least or column.most:
        yield f"from {_quoted(column.least)} to {_quoted(column.most)}"
    if column.kind != "empty":
        yield f"{column.distinct:,} different"
    if column.missing:
        yield f"{column.missing:,} missing"
    if column.unreadable:
        yield f"{column.unreadable:,} unreadable like {_list(column.unread)}"
    if column.values:
        yield f"{'all' if len(column.values) == column.distinct else 'often'} {_list(column.values)}"


def _parsed_column(name: str, text: str) -> Column:
    strings: list[str] = []

    def kept(match: re.Match[str]) -> str:
        strings.append(json.loads(match[0]))
        return f"<{len(strings) - 1}>"

    bare = re.sub(_STRING, kept, text)  # so that no value is taken for a word of the form

    def one(pattern: str) -> str:
        match = re.search(rf"(?:^|, ){pattern}", bare)
        return match[1] if match else ""

    def many(pattern: str) -> tuple[str, ...]:
        return tuple(strings[int(n)] for n in re.findall(r"<(\d+)>", one(pattern)))

    least, most = many(r"from (<\d+> to <\d+>)") or ("", "")
    adds = one(r"total by (\w+)")
    return Column(
        name=name, kind=bare.split(",")[0], unit="".join(many(r"unit (<\d+>)")), adds="" if adds == "unsure" else adds,
        least=least, most=most, distinct=_int(one(r"([\d,]+) different")), missing=_int(one(r"([\d,]+) missing")),
        unreadable=_int(one(r"([\d,]+) unreadable")), unread=many(r"[\d,]+ unreadable like (\[[^\]]*\])"),
        values=many(r"(?:all|often) (\[[^\]]*\])"),
    )  # fmt: skip


def _quoted(value: str | list[str]) -> str:
    """Return JSON in one line, whatever a reader takes for the end of one."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _list(texts: Sequence[str]) -> str:
    return _quoted([short(text) for text in texts])


def short(text: str) -> str:
    """Return a value as it is shown: at most 60 characters, and a … where there were more."""
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _int(text: str) -> int:
    return int(text.replace(",", "") or 0)
