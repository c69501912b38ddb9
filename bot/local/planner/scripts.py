"""Writes a query as a short script: pandas as a person writes it, or plain Python while pandas is still being installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.local.planner.plain import plain_condition, plain_lines
from bot.local.planner.query import Condition, Group, Query, title_of
from bot.tables import Column, Profile

BESIDE = 12  # figures beside a picture, which shows all
LONG = 40  # figures that an answer shows; more go to a file, and the answer says how many
_PERIODS = {
    "year": ".dt.strftime('%Y')", "quarter": ".dt.to_period('Q').astype(str)", "month": ".dt.strftime('%Y-%m')",
    "week": ".dt.strftime('%G-W%V')", "day": ".dt.strftime('%Y-%m-%d')", "weekday": ".dt.strftime('%u %A')",
    "hour": ".dt.strftime('%H')",
}  # fmt: skip
_PLOTS = {
    "line": "plot(marker='.', ", "bars": "plot.bar(", "barh": "plot.barh(", "area": "plot.area(", "pie": "plot.pie(autopct='%1.1f%%', ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """A script: the name of its file, and its text."""

    name: str
    text: str


def script_for(query: Query, profile: Profile, words: str, taken: frozenset[str], *, plain: bool = False) -> Script:
    """Return the script of a query; `taken` are names that it must not use, `plain` asks for the standard library alone."""
    stem = re.sub(
        r"[^\w]+",
        "_",
        (title_of(query) if query.verb in {"measure", "top", "points"} else f"{query.verb} {query.value}").lower(),
    )
    name = _free(f"{stem.strip('_')[:50]}.py", taken)
    writer = _Writer(query, profile, name.removesuffix(".py"), plain)
    about = " ".join(words.split())[:200].replace("\\", "/").replace('"', "'")
    head = f'"""{title_of(query)}.\n\nWritten by the planner, a small program and no language model, for: {about}\n"""\n\n'
    return Script(name, f"{head}{writer.imports()}\n\n" + "\n".join(writer.lines()) + "\n")


class _Writer:
    def __init__(self, query: Query, profile: Profile, stem: str, plain: bool) -> None:
        self.query, self.profile, self.stem, self.plain = query, profile, stem, plain
        self.title = title_of(query)

    def imports(self) -> str:
        drawn = "import matplotlib.pyplot as plt\n" if self.query.plot else ""
        return f"{'import statistics' + chr(10) * 2 if self.plain else drawn}{chr(10) if drawn else ''}import tables"

    def lines(self) -> list[str]:
        """Return the lines of the script."""
        sheet = f", sheet={self.query.sheet!r}" if len(self.profile.sheets) > 1 else ""
        reader = "rows" if self.plain else "read"
        lines = [f"table = tables.{reader}({self.query.file!r}{sheet})", *self._kept()]
        return lines + (self._plain() if self.plain else self._pandas())

    def _kept(self) -> list[str]:
        """Return the lines that keep the rows that are meant."""
        where = [plain_condition(c) if self.plain else _condition(c) for c in self.query.where]
        if not where:
            lines = ["rows = table"]
        elif self.plain:
            lines = [f"rows = [row for row in table if {' and '.join(where)}]"]
        else:
            lines = [f"rows = table[{where[0]}]" if len(where) == 1 else f"rows = table[{' & '.join(f'({w})' for w in where)}]"]
        if where:
            lines += ["if len(rows) == 0:", f"    raise SystemExit({f'ANSWER: No row fits: {self._conditions()}.'!r})"]
        if self.query.value and self.query.how not in {"", "corr"} and self.query.verb in {"measure", "top", "nth"}:
            value = repr(self.query.value)
            none = f"all(row[{value}] is None for row in rows)" if self.plain else f"rows[{value}].isna().all()"
            lines += [
                f"if {none}:",
                f"    raise SystemExit({f'ANSWER: None of these rows has a {self.query.value} that can be read.'!r})",
            ]
        return lines

    def _conditions(self) -> str:
        return ", ".join(condition.said for condition in self.query.where)

    def _rows(self) -> str:
        """Return the part of the first sentence, in an f-string, that says which rows were used."""
        parts = (
            [f"{{len(rows):,}} of {{len(table):,}} rows: {_escaped(self._conditions())}"]
            if self.query.where
            else ["all {len(table):,} rows"]
        )
        column = self._column()
        query = self.query
        used = {query.value, query.other, *(c.column for c in query.where), *(group.column for group in query.by)}
        bad = [c for c in self.profile.columns if c.name in used and c.unreadable * 100 > self.profile.rows]
        for c in bad:
            cells = "1 cell" if c.unreadable == 1 else f"{c.unreadable:,} cells"
            parts.append(f"{cells} of {_escaped(c.name)} could not be read, and left out")
        if not bad and column and column.missing and query.verb != "missing":
            parts.append(f"{column.missing + column.unreadable:,} without {_escaped(column.name)}")
        return "; ".join(parts)

    def _column(self) -> Column | None:
        return next((column for column in self.profile.columns if column.name == self.query.value), None)

    def _say(self, figure: str, before: str = "") -> str:
        """Return the line that prints the first sentence."""
        return f'print(f"{_escaped(before or self.title)}: {figure} ({self._rows()}).")'

    def _plain(self) -> list[str]:
        query = self.query
        timed = bool(query.by) and self._timed(query.by[0])
        return plain_lines(query, self._say, title=_escaped(self.title), used=self._rows(), timed=timed)

    def _pandas(self) -> list[str]:
        query, value = self.query, repr(self.query.value)
        match query.verb:
            case "rows":
                return [self._say("{len(rows):,}", "Rows")]
            case "distinct":
                return [self._say(f"{{rows[{value}].nunique():,}}", f"Different values of {query.value}")]
            case "values":
                counts = f"figures = rows[{value}].value_counts()"
                return [counts, self._say("{len(figures):,}", f"Different values of {query.value}"), *self._table()]
            case "missing" if query.value:
                return [self._say(f"{{rows[{value}].isna().sum():,}}", f"Rows without {query.value}")]
            case "missing":
                return [
                    "figures = rows.isna().sum()",
                    self._say("{figures.sum():,}", "Cells without a value"),
                    *self._table(),
                ]
            case "duplicates":
                return [self._say("{rows.duplicated().sum():,}", "Rows that repeat an earlier row")]
            case "nth":
                order = f"figures = rows[{value}].drop_duplicates().nlargest({query.count})"
                order = order.replace("nlargest", "nsmallest") if query.smallest else order
                place = {2: "Second", 3: "Third", 4: "Fourth", 5: "Fifth"}[query.count]
                said = f"{place} {'lowest' if query.smallest else 'highest'} different {query.value}"
                few = f"if len(figures) < {query.count}:"
                end = "    raise SystemExit('ANSWER: There are not so many different values.')"
                return [order, few, end, self._say("{tables.shown(figures.iloc[-1])}", said)]
            case "points":
                return self._points()
            case "top" if not query.by:
                order = f"figures = rows.sort_values({value}, ascending={query.smallest}, kind='stable').head({query.count})"
                head = f'print(f"{_escaped(self.title)} ({self._rows()}).")'
                return [order, head, "print()", "print(figures.to_string(index=False))"]
        if query.how == "corr":
            return [self._say(f"{{tables.shown(rows[{value}].corr(rows[{query.other!r}]))}}")]
        if query.kind == "histogram":
            return [f"values = rows[{value}].dropna()", self._say("{len(values):,} values"), f"axes = values.plot.hist(bins=30, title={self.title!r})",
                    f"axes.set_xlabel({value})", *self._saved()]  # fmt: skip
        if not query.by:
            return [f"figure = rows[{value}].{query.how}()", self._say("{tables.shown(figure)}")]
        return self._grouped()

    def _grouped(self) -> list[str]:
        query = self.query
        keys = [self._key(group) for group in query.by]
        names = [group.name for group in query.by]
        if len(names) > 1 and names[0] == names[1]:
            names[1] += " (2)"
        lines = [
            f"{('first', 'second')[n]} = {key}.rename({name!r})" for n, (key, name) in enumerate(zip(keys, names, strict=True))
        ]
        groups = "first" if len(keys) == 1 else "[first, second]"
        measured = f"rows.groupby({groups})"
        figures = (
            f"{measured}.size()"
            if query.how == "count"
            else f"{measured}[{query.value!r}].{'sum(min_count=1)' if query.how == 'sum' else f'{query.how}()'}"
        )
        lines.append(f"figures = {figures}")
        timed = self._timed(query.by[0])
        if len(keys) > 1:
            lines.append(f"figures = figures.unstack({'fill_value=0' if query.how == 'count' else ''})")
        elif not timed and query.change != "cumulative":
            lines.append(f"figures = figures.sort_values(ascending={query.smallest})")
        if query.change == "share":
            lines.append("figures = figures / figures.sum() * 100")
        elif query.change == "cumulative":
            lines.append("figures = figures.cumsum()")
        if query.verb == "top":
            return [*lines, *self._top()]
        if len(keys) == 1 and not timed:
            lines += self._extreme()
        else:
            lines.append(f'print(f"{_escaped(self.title)} ({self._rows()}).")')
        lines += self._table()
        return [*lines, *(self._drawn(timed) if query.plot else [])]

    def _key(self, group: Group) -> str:
        """Return what the rows are grouped by; cells that say nothing are a group of their own, but in a ranking."""
        column = next((column for column in self.profile.columns if column.name == group.column), None)
        some = column is not None and column.missing + column.unreadable > 0 and self.query.verb != "top"
        missing = ".fillna('(missing)')" if some and (group.period or (column and column.kind == "text")) else ""
        return f"rows[{group.column!r}]{_PERIODS[group.period] if group.period else ''}{missing}"

    def _timed(self, group: Group) -> bool:
        column = next((column for column in self.profile.columns if column.name == group.column), None)
        return bool(group.period) or bool(
            column and (column.kind in {"date", "time"} or (column.kind == "number" and column.adds == "none"))
        )

    def _extreme(self) -> list[str]:
        """Return the lines that name the highest group, and the ones that tie with it."""
        share = " %" if self.query.change == "share" else ""
        figure = f"{{tables.shown(figures.iloc[0])}}{share}"
        return [
            "first_ones = ', '.join(map(str, figures[figures == figures.iloc[0]].index[:5]))",
            f'print(f"{_escaped(self.title)}: the highest is {{first_ones}} with {figure} ({self._rows()}).")',
        ]

    def _top(self) -> list[str]:
        count = self.query.count
        return [
            "figures = figures.dropna()",
            f"least = figures.iloc[min({count}, len(figures)) - 1]",
            f"top = figures[figures {'<=' if self.query.smallest else '>='} least]  # with all that tie",
            "named = ', '.join(map(str, top.index[:5]))",
            f'print(f"{_escaped(self.title)}: {{named}}{{\', …\' if len(top) > 5 else \'\'}}; '
            f'the first with {{tables.shown(top.iloc[0])}} ({self._rows()}).")',
            "figures = top", *self._table(),
        ]  # fmt: skip

    def _table(self) -> list[str]:
        most = BESIDE if self.query.plot else LONG
        return [
            "print()",
            f"print(figures.head({most}).map(tables.shown).to_string())",
            f"if len(figures) > {most}:",
            f"    figures.to_csv({f'{self.stem}.csv'!r})",
            f'    print(f"… and {{len(figures) - {most}:,}} more; all are in {self.stem}.csv")',
        ]

    def _drawn(self, timed: bool) -> list[str]:
        kind = self.query.kind or ("line" if timed else "bars")
        lines = ["drawn = figures"]
        if not timed and kind in {"bars", "barh", "pie"}:
            said = "    print(f'The picture shows the first 30 of {len(figures):,}.')"
            lines = ["drawn = figures.head(30)", "if len(figures) > 30:", said]
        lines.append(f"axes = drawn.{_PLOTS[kind]}title={self.title!r})")
        if kind != "pie":
            label = self.query.value or "rows"
            lines.append(
                f"axes.set_{'x' if kind == 'barh' else 'y'}label({('share in %' if self.query.change == 'share' else label)!r})"
            )
        return [*lines, *self._saved()]

    def _points(self) -> list[str]:
        x, y = self.query.other, self.query.value
        return [
            f"points = rows[[{x!r}, {y!r}]].dropna()",
            self._say("{len(points):,} points"),
            f"axes = points.plot.scatter({x!r}, {y!r}, alpha=0.5, title={self.title!r})",
            *self._saved(),
        ]

    def _saved(self) -> list[str]:
        return [
            f"axes.figure.savefig({f'{self.stem}.png'!r}, dpi=120, bbox_inches='tight')",
            f"print('Picture: {self.stem}.png')",
        ]


def _condition(condition: Condition) -> str:
    column, values = f"table[{condition.column!r}]", condition.values
    match condition.sign:
        case "in" | "not in":
            test = f"{column} == {values[0]!r}" if len(values) == 1 else f"{column}.isin({list(values)!r})"
            return test if condition.sign == "in" else (test.replace("==", "!=", 1) if len(values) == 1 else f"~{test}")
        case "days":
            return f"({column} >= {values[0]!r}) & ({column} < {values[1]!r})"
        case "not days":
            return f"({column} < {values[0]!r}) | ({column} >= {values[1]!r})"
        case "between":
            return f"{column}.between({values[0]!r}, {values[1]!r})"
        case "month":
            return f"{column}.dt.month == {values[0]}"
        case "contains":
            return f"{column}.str.contains({values[0]!r}, case=False, regex=False, na=False)"
        case "starts":
            return f"{column}.str.lower().str.startswith({str(values[0]).lower()!r}, na=False)"
    return f"{column} {condition.sign} {values[0]!r}"


def _escaped(text: str) -> str:
    """Return a text as it stands in an f-string in double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}").replace("\n", " ")


def _free(name: str, taken: frozenset[str]) -> str:
    stem = PurePosixPath(name).stem or "script"
    stems = (stem, *(f"{stem}_{number}" for number in range(2, 1_000)))
    return next(f"{free}.py" for free in stems if taken.isdisjoint({f"{free}.py", f"{free}.png", f"{free}.csv"}))
