"""Writes a query as plain Python over the rows of a table, for the time in which pandas is still being installed."""

from __future__ import annotations

from typing import Protocol

from bot.local.planner.query import Condition, Query


class Say(Protocol):
    """Makes the line that prints the first sentence."""

    def __call__(self, figure: str, before: str = "") -> str: ...


def plain_lines(query: Query, say: Say, *, title: str, used: str, timed: bool) -> list[str]:
    """Return the lines of a query; `used` says which rows, `timed` that the groups are times."""
    value = repr(query.value)
    values = f"values = [row[{value}] for row in rows if row[{value}] is not None]"
    match query.verb:
        case "rows":
            return [say("{len(rows):,}", "Rows")]
        case "distinct":
            return [values, say("{len(set(values)):,}", f"Different values of {query.value}")]
        case "missing":
            return [values, say("{len(rows) - len(values):,}", f"Rows without {query.value}")]
    if not query.by:
        return [values, f"figure = {_how(query.how, 'values')}", say("{tables.shown(figure)}")]
    group, how = query.by[0], "sum" if query.how == "count" else query.how
    cell = f"row[{group.column!r}]"
    key = f"str({cell})[:{ {'year': 4, 'month': 7, 'day': 10}[group.period] }]" if group.period else cell
    lines = ["groups = {}", "for row in rows:"]
    if query.how == "count":
        lines.append(f"    groups.setdefault({key}, []).append(1)")
    else:
        lines += [f"    if row[{value}] is not None:", f"        groups.setdefault({key}, []).append(row[{value}])"]
    lines.append(f"figures = {{name: {_how(how, 'values')} for name, values in groups.items()}}")
    if timed:
        lines += ["order = sorted(figures, key=str)", f'print(f"{title} ({used}).")']
    else:
        first = f"{title}: the highest is {{first_ones}} with {{tables.shown(figures[order[0]])}} ({used})."
        lines += [
            "order = sorted(figures, key=lambda name: figures[name], reverse=True)",
            "first_ones = ', '.join(str(name) for name in order if figures[name] == figures[order[0]])",
            f'print(f"{first}")',
        ]
    return [*lines, "print()", "for name in order:", '    print(f"{name!s:<20} {tables.shown(figures[name]):>12}")']


def suffices(query: Query) -> bool:
    """Whether the standard library is enough for the query."""
    if query.plot or query.change or query.how in {"corr", "std"} or len(query.by) > 1:
        return False
    if query.by and (query.by[0].period not in {"", "year", "month", "day"} or query.verb == "top"):
        return False
    return query.verb in {"rows", "distinct", "measure"} or (query.verb == "missing" and bool(query.value))


def plain_condition(condition: Condition) -> str:
    """Return the test of one row."""
    cell, values = f"row[{condition.column!r}]", condition.values
    known = f"{cell} is not None"
    match condition.sign:
        case "in" | "not in":
            return f"{cell} {condition.sign} {list(values)!r}"
        case "days":
            return f"{known} and {values[0]!r} <= str({cell}) < {values[1]!r}"
        case "not days":
            return f"{known} and not {values[0]!r} <= str({cell}) < {values[1]!r}"
        case "between":
            return f"{known} and {values[0]!r} <= {cell} <= {values[1]!r}"
        case "month":
            return f"{known} and {cell}.month == {values[0]}"
        case "contains":
            return f"{str(values[0]).lower()!r} in str({cell} or '').lower()"
        case "starts":
            return f"str({cell} or '').lower().startswith({str(values[0]).lower()!r})"
    return f"{known} and {f'str({cell})' if isinstance(values[0], str) else cell} {condition.sign} {values[0]!r}"


def _how(how: str, values: str) -> str:
    return {"mean": f"statistics.fmean({values})", "median": f"statistics.median({values})"}.get(how, f"{how}({values})")
