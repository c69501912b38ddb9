"""Understands a request about a table: every word of it is used, or it is refused with the words that were not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from bot.local.planner.conditions import take_conditions
from bot.local.planner.query import Group, NotUnderstood, Query
from bot.local.planner.requests import nearest
from bot.local.planner.words import MONTHS, Mark, marks
from bot.tables import Column, Profile

_MEASURE = re.compile(
    r"(?P<pre>[pk]*)(?P<per>P)?(?P<op>[OXx]|hr?|r(?=[B>])|SO?|O?UO?)?(?P<val>[CG])?"
    r"(?:[B>](?P<by>[GCP])(?:[&B](?P<split>[GCP]))?)?(?P<post>A?k)?"
)
_POINTS = re.compile(r"(?:[pk]*(?P<a>C)v|z(?P<b>C)[v&B]|(?P<r>R)(?P<c>C)[&v])(?P<x>C)")
_TOP = re.compile(r"(?:(?P<t>[Tb])(?P<n>N)?|(?P<m>N)(?P<x>[Xx]))(?:(?P<val>C)|r?[B>](?P<of>C)|(?P<by>[GC])[B>](?P<g>C|hr?|r))")
_FOLLOW = re.compile(
    r"(?P<kind>A?kA?)|A?(?P<op>[OXx])A?|[B>](?P<by>[GCP])(?:[&B](?P<split>[GCP]))?A?|(?P<t>[Tb])(?P<n>N)o?|(?P<val>C)A?"
)


def understand(text: str, profile: Profile, before: Query | None = None) -> Query:
    """Return the query of a request; raises NotUnderstood, with the nearest requests that are understood."""
    said = _dated(marks(text, profile))
    if strange := [mark for mark in said if mark.tag == "?"]:
        raise NotUnderstood(_strange(strange, said, profile))
    rest, where = take_conditions(said, profile)
    rest = _cleaned(rest)
    tags = "".join(mark.tag for mark in rest)
    reading = _Reading(rest, tags, profile, where=bool(where))
    query = reading.follow_up(before, bool(where)) if before else None
    if query is not None and before is not None:
        changed = {condition.column for condition in where}
        return replace(query, where=(*(c for c in before.where if c.column not in changed), *where))
    query = reading.query()
    if query is None:
        words = " ".join(mark.text for mark in rest) or text.strip()
        raise NotUnderstood(f"I do not understand “{words}” as a request about `{profile.file}`. {nearest(profile)}")
    return replace(query, file=profile.file, sheet=profile.sheet, where=where, chose=(*reading.chose, *query.chose))


class _Reading:
    """The grammar: each rule must use all the tags that are left."""

    def __init__(self, said: Sequence[Mark], tags: str, profile: Profile, *, where: bool) -> None:
        self.said, self.tags, self.profile, self.where = said, tags, profile, where
        self.chose: list[str] = []

    def query(self) -> Query | None:
        """Return what the request says, None if no rule takes it whole."""
        if not self.tags and self.where:
            raise NotUnderstood(f"What do you want to know of these rows? {nearest(self.profile)}")
        if simple := {
            "E": "describe",
            "Er": "describe",
            "": "describe",
            "hl": "columns",
            "l": "columns",
            "hs": "sheets",
            "s": "sheets",
        }.get(self.tags):
            return Query(verb=simple)
        if re.fullmatch(r"[hO]r?|r", self.tags) and self.tags not in {"O", "r"}:
            return Query(verb="rows")
        if re.fullmatch(r"h?m[CG]?|[CG]m", self.tags):
            name = self.column(re.search("[CG]", self.tags))
            return Query(verb="missing" if name else "cells", value=name)
        if re.fullmatch(r"h?dr?", self.tags):
            return Query(verb="duplicates")
        if match := re.fullmatch(r"(h)?u([CG])|wu([CG])", self.tags):
            return Query(verb="distinct" if match[1] else "values", value=self.column(re.search("[CG]", self.tags)))
        if match := re.fullmatch(r"h([CG])(?:[B>][CGP])?", self.tags):
            name = self.column(re.search("[CG]", self.tags))
            by = f" by {self.said[-1].text}" if len(self.tags) > 2 else ""
            raise NotUnderstood(
                f"“How many {self.said[1].text}” can be two things. Ask for “number of rows{by}” or “number of different {name}”"
                f"{f', or “sum of {name}{by}”' if self.tags[1] == 'C' else ''}."
            )
        return self._ranked() or self._two() or self._measure()

    def _ranked(self) -> Query | None:
        """Return the request for an extreme: which has the most, the second highest, the top five."""
        if match := re.fullmatch(r"w(?P<g>[GC])a?(?P<x>[Xx])(?P<val>C|r)|w?c(?P<c>[GC])", self.tags):
            counted = match["c"] or match["val"] == "r"
            by = self.group(match, "c" if match["c"] else "g")
            value = "" if counted else self.column(match, "val")
            how = "count" if counted else self.summed(value, by.column)
            return Query(verb="top", value=value, how=how, by=(by,), count=1, smallest=match["x"] == "x")
        if match := re.fullmatch(r"2(?P<x>[Xx])(?P<val>C)", self.tags):
            return Query(verb="nth", value=self.column(match), how="max", count=self.said[0].means, smallest=match["x"] == "x")
        if match := _TOP.fullmatch(self.tags):
            place = match.start("n" if match["n"] else "m")
            count = self.said[place].means if match["n"] or match["m"] else self.said[0].means or 5
            small = match["t"] == "b" or match["x"] == "x"
            if not match["by"]:
                return Query(verb="top", value=self.column(match, "val" if match["val"] else "of"), count=count, smallest=small)
            value = self.column(match, "g") if match["g"] == "C" else ""
            by = self.group(match, "by")
            how = self.summed(value, by.column) if value else "count"
            return Query(verb="top", value=value, how=how, by=(by,), count=count, smallest=small)
        return None

    def _two(self) -> Query | None:
        """Return the request for two number columns beside each other."""
        if not (match := _POINTS.fullmatch(self.tags)):
            return None
        first = next(name for name in "abc" if match[name])
        value, other = self.column(match, first), self.column(match, "x")
        return Query(verb="corr" if match["r"] else "points", value=value, other=other, plot=not match["r"])

    def _measure(self) -> Query | None:
        """Return the request for one figure, or for one in each group, told or drawn."""
        if match := re.fullmatch(r"p?i([CG])", self.tags):
            column = self.one(self.said[match.start(1)])
            if column.kind == "number":
                return Query(verb="histogram", value=column.name, plot=True)
            return Query(verb="measure", how="count", by=(Group(column.name),), plot=True)
        match = _MEASURE.fullmatch(self.tags)
        if not match or not (match["op"] or match["val"]):
            return None
        groups = tuple(self.group(match, name) for name in ("per", "by", "split") if match[name])
        op, plot = match["op"] or "", bool(match["pre"] or match["post"])
        value = self.column(match, "val") if match["val"] else ""
        if match["val"] == "G" and (value or op):
            column = self.one(self.said[match.start("val")])
            if plot and not op and not groups:
                return Query(verb="measure", how="count", by=(Group(column.name),), plot=True, kind=self.kind())
            raise NotUnderstood(f"Column “{value}” is {column.kind}, and I measure numbers. {nearest(self.profile)}")
        if not value and op[:1] not in {"h", "r", "S"}:
            raise NotUnderstood(f"Which column do you mean? {nearest(self.profile)}")
        plot_over = plot and not groups and bool(value)
        if plot_over:
            groups = (self.group_of_time("time"),)
        how = self.how(match, op, value, groups)
        if "S" in op and how not in {"sum", "count"}:
            raise NotUnderstood(f"A share needs a sum, and “{value}” is averaged.")
        change = "share" if "S" in op else "cumulative" if "U" in op else ""
        if change and not groups:
            raise NotUnderstood(f"By what? For example: “{change} {value} by {self.profile.columns[0].name}”.")
        return Query(verb="measure", value=value, how=how, by=groups[:2], change=change, plot=plot, kind=self.kind())

    def how(self, match: re.Match[str], op: str, value: str, groups: Sequence[Group]) -> str:
        """Return how a column's values become one figure: as said, else as its name tells."""
        for place in range(match.start("op"), match.end("op")) if op else ():
            if self.tags[place] in "OXx":
                return str(self.said[place].means or {"X": "max", "x": "min"}[self.tags[place]])
        if not value:
            return "count"
        by = "".join(f" by {group.name}" for group in groups[:1])
        return self.usual(value, f"“mean of {value}{by}”")

    def usual(self, value: str, mean: str) -> str:
        """Return sum or mean, as fits a column; raises NotUnderstood, naming both, where neither is sure."""
        column = next(c for c in self.profile.columns if c.name == value)
        if column.adds in {"sum", "mean"}:
            self.chose.append(f"“{value}” is {'summed' if column.adds == 'sum' else 'averaged'}")
            return column.adds
        raise NotUnderstood(f"Shall “{value}” be summed or averaged? Ask for {mean}, or the same with sum.")

    def summed(self, value: str, by: str) -> str:
        """Return sum for a column that is summed; raises NotUnderstood for another, by which groups can be ranked in two ways."""
        if next(c for c in self.profile.columns if c.name == value).adds == "sum":
            return self.usual(value, "")
        raise NotUnderstood(
            f"Shall “{by}” be ranked by the mean or by the highest? Ask for “mean of {value} by {by}” or “highest {value} by {by}”."
        )

    def kind(self) -> str:
        """Return the kind of picture that was asked for."""
        kinds = [mark.means for mark in self.said if mark.tag == "k"]
        return str(kinds[0]) if kinds else ""

    def follow_up(self, before: Query, only_where: bool) -> Query | None:
        """Return the request before with what this one changes; None if this one stands by itself."""
        if not self.tags and only_where:
            return before
        match = _FOLLOW.fullmatch(self.tags)
        if match is None or before.verb not in {"measure", "top"}:
            return None
        if match["kind"]:
            if not before.by:
                raise NotUnderstood("There is nothing to draw: the answer before is one figure. Say by what.")
            return replace(before, verb="measure", plot=True, kind=self.kind(), count=0, smallest=False)
        if match["op"]:
            mark = self.said[match.start("op")]
            return replace(before, how=mark.means or {"X": "max", "x": "min"}[mark.tag], change="", chose=())
        if match["by"]:
            return replace(before, by=tuple(self.group(match, name) for name in ("by", "split") if match[name]), kind="")
        if match["t"]:
            return replace(before, verb="top", count=self.said[match.start("n")].means, smallest=match["t"] == "b", plot=False)
        value = self.column(match, "val")
        return replace(before, value=value, how=self.usual(value, f"“mean of {value}”"), chose=tuple(self.chose))

    def column(self, match: re.Match[str] | None, name: str = "") -> str:
        """Return the column at a place of the rule, "" where it has none."""
        if match is None:
            return ""
        place = match.start(name or ("val" if "val" in match.re.groupindex else 0))
        return self.one(self.said[place]).name

    def one(self, mark: Mark) -> Column:
        """Return the only column that a phrase can mean; raises NotUnderstood when there are several."""
        if len(mark.means) > 1:
            which = ", ".join(f"“{column.name}”" for column in mark.means[:6])
            raise NotUnderstood(f"Which column do you mean by “{mark.text}”: {which}?")
        column: Column = mark.means[0]
        if column.name.lower() != mark.text.lower() and len(column.name.split()) + column.name.count("_") > len(mark.text.split()):
            self.chose.append(f"“{mark.text}” is column “{column.name}”")
        return column

    def group(self, match: re.Match[str], name: str) -> Group:
        """Return the group at a place of the rule: a column, or a period of the only column of dates."""
        mark = self.said[match.start(name)]
        before = self.said[match.start(name) - 1].text.lower() if match.start(name) else ""
        if mark.tag == "C" and before == "per" and self.one(mark).adds != "none":
            raise NotUnderstood(f"I compute no ratios. Ask for “by {mark.text}” if groups are meant. {nearest(self.profile)}")
        return self.group_of_time(mark.means) if mark.tag == "P" else Group(self.one(mark).name)

    def group_of_time(self, period: str) -> Group:
        """Return a period of the only column of dates; raises NotUnderstood where there is none or several."""
        dates = [column for column in self.profile.columns if column.kind in {"date", "time"}]
        if len(dates) != 1:
            names = ", ".join(f"“{column.name}”" for column in dates)
            raise NotUnderstood(
                f"Which dates do you mean: {names}?" if dates else f"`{self.profile.file}` has no dates. {nearest(self.profile)}"
            )
        return Group(dates[0].name, "" if period == "time" else period)


def _dated(said: list[Mark]) -> list[Mark]:
    """Return the marks with a month and its year together, and with the day before them."""
    result: list[Mark] = []
    for mark in said:
        if mark.tag != "Y" or not result or result[-1].tag != "M":
            result.append(mark)
            continue
        month = result.pop().means
        name, parts = f"{MONTHS[month - 1].title()} {mark.text}", [mark.means, month]
        if result and result[-1].tag == "N" and 1 <= result[-1].means <= 31:
            parts.append(int(result.pop().means))
            name = f"{parts[-1]} {name}"
        result.append(Mark("D", name, tuple(parts)))
    return result


def _cleaned(said: Sequence[Mark]) -> list[Mark]:
    """Return the marks without the words that only join others."""
    rest = [mark for mark in said if mark.tag != "="]
    tags = "".join(mark.tag for mark in rest)
    joins = re.finditer(r"(?<=[CG])f?r|f(?=[CGrOXxhlumsTSP])|^&|^w(?=[OXxhSURc2TC])|A$", tags)
    keep = set(range(len(rest))) - {place for join in joins for place in range(*join.span())}
    return [mark for place, mark in enumerate(rest) if place in keep]


def _strange(strange: Sequence[Mark], said: Sequence[Mark], profile: Profile) -> str:
    """Return which words were not understood, what they may have been meant for, and what is understood."""
    words = ", ".join(f"“{mark.text}”" for mark in strange[:6])
    candidates = {v.lower(): f"the value “{v}” of {c.name}" for c in profile.columns for v in c.values}
    candidates |= {column.name.lower(): f"the column “{column.name}”" for column in profile.columns}
    near = [candidates[hit] for mark in strange for hit in get_close_matches(mark.text.lower(), candidates, 1, 0.75)]
    maybe = f" Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
    asked = said[said.index(strange[0]) - 1].tag if said.index(strange[0]) else ""
    cell = f" No cell of `{profile.file}` says so." if asked in {"f", "=", "!", "o"} and not near else ""
    return f"I do not understand {words}.{cell}{maybe} {nearest(profile)}"
