"""Understands a request about a table by the rules of rules.toml: every word of it is used, or it is refused with what was not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Any

from bot.local.planner import data
from bot.local.planner.conditions import dated, only, take_conditions
from bot.local.planner.query import Condition, Group, NotUnderstood, Query
from bot.local.planner.requests import nearest
from bot.local.planner.words import Mark, marks
from bot.tables import Column, Profile

Rule = tuple[re.Pattern[str], Mapping[str, Any]]


@cache
def _rules() -> dict[str, list[Rule]]:
    return {name: [(re.compile(rule["says"], re.X), rule) for rule in rules] for name, rules in data("rules").items()}


def understand(text: str, profile: Profile, before: Query | None = None) -> Query:
    """Return the query of a request; raises NotUnderstood, with the nearest requests that are understood."""
    said = dated(marks(text, profile))
    if strange := [mark for mark in said if mark.tag == "?"]:
        raise NotUnderstood(_strange(strange, said, profile))
    rest, where = take_conditions(said, profile)
    reading = _Reading(_cleaned(rest), profile)
    if before is not None and (query := reading.follows(before, where)):
        changed = {condition.column for condition in where}
        return replace(query, where=(*(c for c in before.where if c.column not in changed), *where))
    if where and not reading.tags:
        raise NotUnderstood(f"What do you want to know of these rows? {nearest(profile)}")
    query = reading.asks()
    if query is None:
        words = " ".join(mark.text for mark in reading.said) or text.strip()
        raise NotUnderstood(f"I do not understand “{words}” as a request about `{profile.file}`. {nearest(profile)}")
    return replace(query, file=profile.file, sheet=profile.sheet, where=where)


class _Reading:
    """What the marks of a request say that are no condition."""

    def __init__(self, said: Sequence[Mark], profile: Profile) -> None:
        self.said, self.profile = said, profile
        self.tags = "".join(mark.tag for mark in said)
        self.chose: list[str] = []

    def follows(self, before: Query, where: Sequence[Condition]) -> Query | None:
        """Return the request before with what this one changes; None if this one stands by itself."""
        if not self.tags and where:
            return before
        if before.verb not in {"measure", "top"} or not (found := self._rule("follow")):
            return None
        new, rule = self._query(*found, before.value), found[0]
        if new.plot and not before.by:
            raise NotUnderstood("There is nothing to draw: the answer before is one figure. Say by what.")
        taken = {field: getattr(new, field) for field in rule["takes"]}
        return replace(before, **taken, **rule.get("sets", {}))

    def asks(self) -> Query | None:
        """Return what the first rule that takes all the tags makes of them; None if there is none."""
        found = self._rule("request")
        return self._query(*found) if found else None

    def _rule(self, section: str) -> tuple[Mapping[str, Any], Mapping[str, int]] | None:
        """Return the first rule that takes all the tags, and the places of what it names."""
        for pattern, rule in _rules()[section]:
            if match := pattern.fullmatch(self.tags):
                return rule, {name: match.start(name) for name in pattern.groupindex if match[name]}
        return None

    def _query(self, rule: Mapping[str, Any], named: Mapping[str, int], measured: str = "") -> Query:
        """Return what a rule makes of the tags, where a column that is not named is the one `measured` before."""
        if "refuse" in rule:
            self._refuse(rule["refuse"], named)
        value, other = (self._column(self.said[named[name]]).name if name in named else "" for name in ("value", "other"))
        by = tuple(self._group(named[name]) for name in ("by", "split") if name in named)
        plot = rule.get("plot", False) or any(tag in "pk" for tag in self.tags)
        if plot and value and not by and rule["verb"] == "measure":
            by = (self._period("time"),)
        change = "share" if "S" in self.tags else "cumulative" if "U" in self.tags else ""
        if change and not by:
            raise NotUnderstood(f"By what? For example: “{change} {value} by {self.profile.columns[0].name}”.")
        how = self._how(rule.get("how", ""), value or measured, by)
        if change == "share" and how not in {"sum", "count"}:
            raise NotUnderstood(f"A share needs a sum, and “{value}” is averaged.")
        return Query(
            verb=rule.get("verb", "measure"),
            value=value,
            how=how,
            by=by,
            other=other,
            count=rule.get("count", self._count()),
            smallest=any(tag in "bx" for tag in self.tags),
            change=change,
            plot=plot,
            kind=next((mark.means for mark in self.said if mark.tag == "k"), ""),
            chose=tuple(self.chose),
        )

    def _refuse(self, why: str, named: Mapping[str, int]) -> None:
        by = f" by {self.said[named['by']].text}" if "by" in named else ""
        column = self._column(self.said[named["value"]]) if "value" in named else self.profile.columns[0]
        raise NotUnderstood(why.format(value=column.name, kind=column.kind, by=by, nearest=nearest(self.profile)))

    def _count(self) -> int:
        """Return how many are asked for: a number, the place of an ordinal, or five."""
        return next((mark.means for mark in self.said if mark.tag in "N2T" and mark.means), 5)

    def _how(self, how: str, value: str, by: Sequence[Group]) -> str:
        """Return how the values of a column become one figure: as the rule or the words say, else as the column's name tells."""
        if how not in {"usual", "ranked"}:
            return how
        said = next((mark for mark in self.said if mark.tag in "OXx"), None)
        if how == "usual" and said:
            return str(said.means or {"X": "max", "x": "min"}[said.tag])
        adds = next((column.adds for column in self.profile.columns if column.name == value), "")
        if adds == "sum" or (adds == "mean" and how == "usual"):
            self.chose.append(f"“{value}” is {'summed' if adds == 'sum' else 'averaged'}")
            return adds
        mean = f"mean of {value}" + "".join(f" by {group.name}" for group in by[:1])
        if how == "usual":
            raise NotUnderstood(f"Shall “{value}” be summed or averaged? Ask for “{mean}”, or the same with sum.")
        name = by[0].name
        raise NotUnderstood(
            f"Shall “{name}” be ranked by the mean or by the highest? Ask for “{mean}” or “highest {value} by {name}”."
        )

    def _column(self, mark: Mark) -> Column:
        """Return the only column that a phrase can mean, and note it where that is not plain."""
        column = only(mark)
        if column.name.lower() != mark.text.lower() and len(column.name.split()) + column.name.count("_") > len(mark.text.split()):
            self.chose.append(f"“{mark.text}” is column “{column.name}”")
        return column

    def _group(self, place: int) -> Group:
        """Return what the mark at a place groups by: a column, or a period of the only column of dates."""
        mark = self.said[place]
        if mark.tag == "P":
            return self._period(mark.means)
        column = self._column(mark)
        if mark.tag == "C" and column.adds != "none" and place and self.said[place - 1].text.lower() == "per":
            raise NotUnderstood(f"I compute no ratios. Ask for “by {mark.text}” if groups are meant. {nearest(self.profile)}")
        return Group(column.name)

    def _period(self, period: str) -> Group:
        dates = [column.name for column in self.profile.columns if column.kind in {"date", "time"}]
        if not dates:
            raise NotUnderstood(f"`{self.profile.file}` has no dates. {nearest(self.profile)}")
        if len(dates) > 1:
            raise NotUnderstood(f"Which dates do you mean: “{'”, “'.join(dates)}”?")
        return Group(dates[0], "" if period == "time" else period)


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
