"""Writes a query as a short script, in the blocks of scripts.toml: pandas, or plain Python while pandas is being installed."""

from __future__ import annotations

import re
from itertools import count
from string import Template
from typing import Any, NamedTuple

from bot.local.planner import data
from bot.local.planner.query import Condition, Group, Query
from bot.tables import Profile

BESIDE = 12  # figures beside a picture, which shows all
LONG = 40  # figures that an answer shows; more go to a file, and the answer says how many
_PLACES = {2: "Second", 3: "Third", 4: "Fourth", 5: "Fifth"}


class Script(NamedTuple):
    """A script: the name of its file, and its text."""

    name: str
    text: str


def suffices(query: Query, profile: Profile) -> bool:
    """Whether the standard library is enough for the query: every block that it needs is there in plain Python."""
    plain = data("scripts")["plain"]
    measured = query.how in {"", *plain["hows"]} and all(group.period in {"", *plain["periods"]} for group in query.by)
    return measured and plain.keys() >= set(_blocks(query, profile, "plain"))


def script_for(query: Query, profile: Profile, words: str, taken: frozenset[str], *, plain: bool = False) -> Script:
    """Return the script of a query; `taken` are names that it must not use, `plain` asks for the standard library alone."""
    library = "plain" if plain else "pandas"
    forms, title = data("scripts")[library], title_of(query)
    named = re.sub(r"[^\w]+", "_", title.lower()).strip("_")[:50] or "script"
    stems = (f"{named}_{number}" if number > 1 else named for number in count(1))
    stem = next(free for free in stems if taken.isdisjoint({f"{free}.py", f"{free}.png", f"{free}.csv"}))
    parts = _parts(query, profile, library) | {"stem": stem, "title": _escaped(title), "heading": repr(title)}
    blocks = [Template(forms[block].strip("\n")).substitute(parts) for block in _blocks(query, profile, library)]
    head = f"{title}.\n\nWritten by the planner, a small program and no language model, for: {' '.join(words.split())[:200]}"
    quiet = head.replace("\\", "/").replace('"', "'")
    return Script(f"{stem}.py", "\n".join([f'"""{quiet}\n"""\n', forms["drawing" if query.plot else "imports"], "", *blocks, ""]))


def title_of(query: Query) -> str:
    """Return what a query asks for, as the title of its picture and the beginning of its answer."""
    value = query.value or "rows"
    parts = {
        "value": value,
        "other": query.other,
        "measured": Template(data("scripts")["measured"].get(query.how, "$value")).substitute(value=value),
        "by": f" by {' and '.join(group.name for group in query.by)}" if query.by else "",
        "most": f"{'Lowest' if query.smallest else 'Top'} {query.count} {query.by[0].name if query.by else 'rows'}",
        "place": f"{_PLACES.get(query.count, '')} {'lowest' if query.smallest else 'highest'}",
    }
    title = Template(data("scripts")["titles"][query.change or query.verb]).substitute(parts)
    return title[0].upper() + title[1:]


def _blocks(query: Query, profile: Profile, library: str) -> list[str]:
    """Return the names of the blocks of a script, in order."""
    blocks = ["read", *(["where", "no_row"] if query.where else ["all"]), *(["no_value"] if query.how and query.value else [])]
    if query.verb in {"points", "histogram"}:
        return [*blocks, query.verb, "saved"]
    if not query.by:
        ends = {"values": ["values", "say", "table"], "cells": ["cells", "say", "table"], "top": ["ranked"]}
        return [*blocks, *ends.get(query.verb, [query.verb, "say"])]
    timed, single = _timed(query.by[0], profile), len(query.by) == 1
    blocks += ["first", *([] if single else ["second"]), "counted" if query.how == "count" else "grouped"]
    if not single:
        blocks.append("unstacked")
    elif not timed and query.change != "cumulative":
        blocks.append("sorted")
    elif library == "plain":
        blocks.append("timed")
    told = "top" if query.verb == "top" else "highest" if single and not timed else "head"
    blocks += [*([query.change] if query.change else []), told, "table"]
    if not query.plot:
        return blocks
    kind = query.kind or ("line" if timed else "bars")
    few = not timed and kind in {"bars", "barh", "pie"}
    label = {"pie": [], "barh": ["label_x"]}.get(kind, ["label_y"])
    return [*blocks, "few" if few else "many", kind, *label, "saved"]


def _parts(query: Query, profile: Profile, library: str) -> dict[str, str]:
    """Return what is written into the blocks of a script, by its name there."""
    said = ", ".join(condition.said for condition in query.where)
    tests = [f"({_test(condition, library)})" for condition in query.where]
    keys = [_key(group, query, profile, library) for group in query.by] + ["", ""]
    names = [group.name for group in query.by] + ["", ""]
    return {
        "file": repr(query.file) + (f", sheet={query.sheet!r}" if len(profile.sheets) > 1 else ""),
        "where": {"pandas": " & ", "plain": " and "}[library].join(tests) if len(tests) > 1 else "".join(tests)[1:-1],
        "no_row": repr(f"ANSWER: No row fits: {said}."),
        "no_value": repr(f"ANSWER: None of these rows has a {query.value} that can be read."),
        "value": repr(query.value),
        "other": repr(query.other),
        "how": data("scripts")[library]["hows"].get(query.how, ""),
        "count": str(query.count),
        "largest": "nsmallest" if query.smallest else "nlargest",
        "smallest": str(query.smallest),
        "sign": "<=" if query.smallest else ">=",
        "first": keys[0],
        "first_name": repr(names[0]),
        "second": keys[1],
        "second_name": repr(names[1] + " (2)" if names[0] == names[1] else names[1]),
        "groups": "first" if len(query.by) == 1 else "[first, second]",
        "fill": "fill_value=0" if query.how == "count" else "",
        "unit": " %" if query.change == "share" else "",
        "label": repr("share in %" if query.change == "share" else query.value or "rows"),
        "shown": str(BESIDE if query.plot else LONG),
        "used": _used(query, profile, said),
    }


def _used(query: Query, profile: Profile, said: str) -> str:
    """Return the part of the first sentence, in an f-string, that says which rows were used."""
    parts = [f"{{len(rows):,}} of {{len(table):,}} rows: {_escaped(said)}" if query.where else "all {len(table):,} rows"]
    used = {query.value, query.other, *(c.column for c in query.where), *(group.column for group in query.by)}
    bad = [c for c in profile.columns if c.name in used and c.unreadable * 100 > profile.rows]
    parts += [
        f"{c.unreadable:,} {'cells' if c.unreadable > 1 else 'cell'} of {_escaped(c.name)} could not be read, and left out"
        for c in bad
    ]
    measured = [c for c in profile.columns if c.name == query.value and c.missing and query.verb != "missing" and not bad]
    return "; ".join([*parts, *(f"{c.missing + c.unreadable:,} without {_escaped(c.name)}" for c in measured)])


def _key(group: Group, query: Query, profile: Profile, library: str) -> str:
    """Return what the rows are grouped by; cells that say nothing are a group of their own, but in a ranking."""
    period = data("scripts")[library]["periods"][group.period] if group.period else ""
    if library == "plain":
        return f"str(row[{group.column!r}]){period}" if period else f"row[{group.column!r}]"
    some = any(c.name == group.column and c.missing + c.unreadable and (period or c.kind == "text") for c in profile.columns)
    return f"[{group.column!r}]{period}" + (".fillna('(missing)')" if some and query.verb != "top" else "")


def _timed(group: Group, profile: Profile) -> bool:
    """Whether groups follow each other in time or by number, and are not sorted by their figures."""
    column = next(column for column in profile.columns if column.name == group.column)
    return bool(group.period) or column.kind in {"date", "time"} or (column.kind == "number" and column.adds == "none")


def _test(condition: Condition, library: str) -> str:
    """Return the test of a condition."""
    forms, values = data("scripts")[library]["conditions"], condition.values
    sign = {"in": "is", "not in": "is not"}.get(condition.sign, condition.sign) if len(values) == 1 else condition.sign
    form = forms.get(sign) or forms["day" if isinstance(values[0], str) else "number"]
    parts: dict[str, Any] = {"column": repr(condition.column), "sign": sign, "first": repr(values[0]), "last": repr(values[-1])}
    return Template(form).substitute(parts, all=repr(list(values)), lower=repr(str(values[0]).lower()))


def _escaped(text: str) -> str:
    """Return a text as it stands in an f-string in double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}").replace("\n", " ")
