"""`logs`: the toolkit from a command line. Its text is bounded, since most of its readers pay by the token."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any

from . import api, charts
from .comparison import Difference
from .evidence import check
from .index import Kind
from .line_format import LEVELS
from .matches import BadQuery, Hit
from .onset import find_incidents
from .profiles import profile, profile_as_json
from .sources import NotALog
from .times import BadWindow, format_minute, zone_name

ROOM = 1_800  # bytes of text that a command prints: about 600 tokens


def main(arguments: Sequence[str] | None = None, kept: Path | None = None, stdin: IO[str] | None = None) -> int:
    """Run one command, with indexes kept in a folder; return the exit code: 0, or 2 when the user must change something."""
    options = _parser().parse_args(arguments)
    options.stdin = stdin or sys.stdin
    if options.index is None:
        options.index = str(kept or api.HERE)
    try:
        options.run(options)
    except (NotALog, BadWindow, BadQuery) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    about = "Read logs of any size: what is in them, and what changed."
    parser = argparse.ArgumentParser(prog="logs", description=about)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, about: str, files: str = "+") -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=about, description=about)
        one.add_argument("files", nargs=files, metavar="FILE")
        one.add_argument("--json", action="store_true", help="print JSON")
        one.add_argument("--chart", metavar="PNG", help="draw a chart into this file")
        one.add_argument("--insist", action="store_true", help="fail where the chart cannot be drawn")
        one.add_argument("--index", metavar="DIR", help="folder that keeps indexes; '' keeps none")
        one.add_argument("--room", type=int, default=ROOM, metavar="BYTES", help="how much text may be printed")
        one.set_defaults(run=run)
        return one

    command("profile", _profile, "What is in a log, and where it goes wrong.")
    templates = command("templates", _templates, "The kinds of lines.")
    templates.add_argument("--sort", choices=("count", "rare", "first"), default="count")
    compare = command("compare", _compare, "A window against a baseline (an hour before), or one file against another.")
    compare.add_argument("--baseline", default="", metavar="FROM..TO")
    compare.add_argument("--against", metavar="FILE", help="the good log to compare with")
    search = command("search", _search, "Lines that hold a text or match a regular expression, counted.")
    search.add_argument("--query", "-q", required=True)
    search.add_argument("--regex", action="store_true")
    search.add_argument("--ignore-case", "-i", action="store_true")
    search.add_argument("--before", "-B", type=int, default=0, metavar="N")
    search.add_argument("--after", "-A", type=int, default=0, metavar="N")
    trace = command("trace", _trace, "Every line of one identifier, through all files, in order.")
    trace.add_argument("--id", required=True)
    fields = command("fields", _fields, "The values of each <*> of a template.")
    fields.add_argument("--template", required=True)
    about = "Re-read citations and recount numbers, given as JSON on standard input."
    command("check", _check, about, files="*")
    for one in (templates, compare, search, fields):
        one.add_argument("--window", default="", metavar="FROM..TO", help="minutes on the log's own clock, without TO")
    for one in (templates, search):
        one.add_argument("--level", default="", type=str.upper, choices=("", *LEVELS))
        one.add_argument("--top", type=int, default=10, metavar="N")
    compare.add_argument("--top", type=int, default=12, metavar="N")
    return parser


def _profile(options: argparse.Namespace) -> None:
    opened = api.open_logs(options.files, options.index)
    if options.json:
        _print_json([profile_as_json(one.index) for one in opened])
    else:
        room = min(options.room, 1_200) // len(opened)
        print("\n\n".join(profile(one.index, max(room, 300)) for one in opened))
    stem, dot, ending = (options.chart or "").rpartition(".")
    for number, one in enumerate(opened):
        path = f"{stem}-{number + 1}{dot}{ending}" if number else options.chart
        onsets = [incident.onset for incident in find_incidents(one.index)[:3]]
        _draw(options, partial(charts.over_time, one.index, path, onsets))


def _templates(options: argparse.Namespace) -> None:
    opened = api.open_logs(options.files, options.index)
    rows: list[tuple[int, api.OpenedLog, Kind]] = []
    for one in opened:
        counts = one.index.counts(*one.window(options.window)) if options.window else None
        for number, kind in enumerate(one.index.kinds):
            count = kind.count if counts is None else counts[number]
            if count and (not options.level or kind.level == options.level):
                rows.append((count, one, kind))
    rows.sort(key={"count": lambda r: -r[0], "rare": lambda r: r[0], "first": lambda r: r[2].first}[options.sort])
    records = [_as_record(*row) for row in (rows if options.json else rows[: options.top])]
    if options.json:
        _print_json(records)
    else:
        _print(options, [f"{r['count']:,}x {r['level']} {r['template']} ({r['file']}:{r['first']}-{r['last']})" for r in records])
    labels, lengths = [r["template"] for r in records[:12]], [r["count"] for r in records[:12]]
    _draw(options, lambda: charts.bars(labels, {"lines": lengths}, options.chart, "Templates"))


def _as_record(count: int, one: api.OpenedLog, kind: Kind) -> dict[str, Any]:
    (file, first), (_, last) = one.index.cite(kind.first), one.index.cite(kind.last)
    record: dict[str, Any] = {"template": kind.template, "level": kind.level, "count": count}
    return record | {"file": file, "first": first, "last": last, "sample": kind.sample}


def _compare(options: argparse.Namespace) -> None:
    opened = api.open_logs([*options.files, *([options.against] if options.against else [])], options.index)
    differences, what = api.compare(opened, options.window, options.baseline, options.top)
    if options.json:
        _print_json([asdict(difference) for difference in differences])
    else:
        head = f"{what}: {len(differences)} kinds differ" if differences else f"{what}: nothing differs"
        _print(options, [head, *(_as_line(d, whole=number < 5) for number, d in enumerate(differences))])
    groups = {"window": [d.count for d in differences], "baseline": [d.baseline for d in differences]}
    _draw(options, lambda: charts.bars([d.template for d in differences], groups, options.chart, what))


def _as_line(difference: Difference, *, whole: bool) -> str:
    """Return a difference as a line of text, with the line it cites, or with its template."""
    d = difference
    what = d.sample[:220] if whole else f"{d.level} {d.template[:120]}"
    return f"{d.why}, {d.count:,} against {d.baseline:,}, {d.file}:{d.line}: {what}"


def _search(options: argparse.Namespace) -> None:
    opened = api.open_logs(options.files, options.index)
    matches = api.search(
        opened, options.query, options.window, options.top,
        regex=options.regex, ignore_case=options.ignore_case, level=options.level, before=options.before, after=options.after,
    )  # fmt: skip
    index, busiest = opened[0].index, matches.minutes.most_common(3)
    if options.json:
        minutes = {format_minute(m, index.zone, no_date=index.no_date): n for m, n in sorted(matches.minutes.items())}
        hits = [{**_hit_as_json(hit), "before": hit.before, "after": hit.after} for hit in matches.hits]
        _print_json({"query": options.query, "window": options.window, "count": matches.total, "minutes": minutes, "hits": hits})
    else:
        when = ", ".join(f"{format_minute(m, index.zone, date=False)} ({n:,})" for m, n in busiest)
        head = f"{matches.total:,} lines match" + (f"; most in {when}, {zone_name(index.zone)}" if busiest else "")
        _print(options, [head, *(line for hit in matches.hits for line in _with_context(hit))])
    title = f"Lines with {options.query}"
    _draw(options, lambda: charts.over_time(index, options.chart, hits=matches.minutes, title=title))


def _with_context(hit: Hit) -> list[str]:
    return [*(f"  {t}" for t in hit.before), f"{hit.file}:{hit.line}: {hit.text}", *(f"  {t}" for t in hit.after)]


def _hit_as_json(hit: Hit) -> dict[str, Any]:
    return {"file": hit.file, "line": hit.line, "text": hit.text}


def _trace(options: argparse.Namespace) -> None:
    opened = api.open_logs(options.files, options.index)
    matches = api.trace(opened, options.id)
    if options.json:
        _print_json([_hit_as_json(hit) for hit in matches.hits])
    else:
        lines = [f"{hit.file}:{hit.line}: {hit.text}" for hit in matches.hits]
        _print(options, [f"{matches.total:,} lines hold {options.id}", *lines])
    title, index = f"Lines with {options.id}", opened[0].index
    _draw(options, lambda: charts.over_time(index, options.chart, hits=matches.minutes, title=title))


def _fields(options: argparse.Namespace) -> None:
    opened = api.open_logs(options.files, options.index)
    total, counters = api.count_values(opened, options.template, options.window)
    fields = [_statistics(values) for values in counters]
    if options.json:
        _print_json({"lines": total, "fields": fields})
    else:
        lines = [f"<*> {number}:{_describe([field])}" for number, field in enumerate(fields, 1)]
        _print(options, [f"{total:,} lines of {options.template}", *lines])
    top = counters[0].most_common(12) if counters else []
    lengths = {"lines": [count for _, count in top]}
    _draw(options, lambda: charts.bars([value for value, _ in top], lengths, options.chart, options.template[:80]))


def _check(options: argparse.Namespace) -> None:
    try:
        claims = json.load(options.stdin)
    except ValueError as error:
        raise BadQuery(f"The standard input is not JSON: {error}.") from error
    print(json.dumps(check(claims, options.index), ensure_ascii=False))


def _statistics(values: Counter[str]) -> dict[str, Any]:
    """Return the number of different values, the most frequent ones, and quantiles when all are numbers."""
    fields: dict[str, Any] = {"distinct": len(values), "top": sorted(values.items(), key=lambda v: (-v[1], v[0]))[:5]}
    numbers = sorted((float(m[1]), n) for v, n in values.items() if (m := re.fullmatch(r"([-+]?\d+(?:\.\d+)?) ?[a-zA-Zµ%]*,?", v)))
    if numbers and len(numbers) == len(values):
        total, seen, quantiles = sum(n for _, n in numbers), 0, [0.5, 0.9, 0.99]
        fields |= {"min": numbers[0][0], "max": numbers[-1][0]}
        for number, count in numbers:
            seen += count
            while quantiles and seen >= quantiles[0] * total:
                fields[f"p{round(100 * quantiles.pop(0))}"] = number
    return fields


def _describe(fields: Sequence[dict[str, Any]]) -> str:
    """Return the statistics of placeholders as text."""
    text = ""
    for field in fields:
        quantiles = ", ".join(f"{k} {field[k]:g}" for k in ("min", "p50", "p90", "p99", "max") if k in field)
        top = ", ".join(f"{value[:40]} ({n:,})" for value, n in field["top"][:3])
        text += f" [{field['distinct']:,} values: {quantiles or top}]"
    return text


def _print(options: argparse.Namespace, lines: Sequence[str]) -> None:
    """Print as many lines as there is room for, and say how many are left out."""
    room = options.room
    for number, line in enumerate(lines):
        room -= len(line.encode()) + 1
        if room < 40 and number:
            print(f"({len(lines) - number} more left out; narrow the window, or use --json)")
            return
        print(line)


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def _draw(options: argparse.Namespace, draw: Callable[[], None]) -> None:
    if options.chart:
        try:
            draw()
        except charts.NoCharts as error:
            if options.insist and isinstance(error.__cause__, ModuleNotFoundError):
                raise error.__cause__ from None
            print(error, file=sys.stderr)
