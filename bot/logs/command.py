"""`logs`: the toolkit from a command line. Text is bounded, since most who read it pay by the token."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from . import api, charts
from .comparison import Difference, differences_as_json
from .evidence import check
from .index import Index
from .line_format import LEVELS
from .matches import BadQuery, Hit
from .onset import find_incidents
from .profiles import profile, profile_as_json
from .sources import NotALog
from .times import BadWindow, shown, zone_name

ROOM = 1_800  # bytes of text that a command prints: about 600 tokens


def main(arguments: Sequence[str] | None = None, kept: Path | None = None) -> int:
    """Run one command, with indexes kept in a folder; return 0, or 2 when the user must change something."""
    asked = _parser().parse_args(arguments)
    if asked.index is None:
        asked.index = str(kept or api.HERE)
    try:
        return int(asked.run(asked) or 0)
    except (NotALog, BadWindow, BadQuery) as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="logs", description="Read logs of any size: what is in them, and what changed."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, about: str, files: str = "+") -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.add_argument("files", nargs=files, metavar="FILE")
        made.add_argument("--json", action="store_true", help="print JSON")
        made.add_argument("--chart", metavar="PNG", help="draw a chart into this file")
        made.add_argument("--index", metavar="DIR", help="folder that keeps indexes; '' keeps none")
        made.add_argument("--room", type=int, default=ROOM, metavar="BYTES", help="how much text may be printed")
        made.set_defaults(run=run)
        return made

    command("profile", _profile, "What is in a log, and where it goes wrong.")
    templates = command("templates", _templates, "The kinds of lines.")
    templates.add_argument("--sort", choices=("count", "rare", "first"), default="count")
    templates.add_argument("--fields", action="store_true", help="with the most frequent values of each <*>")
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
    for made in (templates, compare, search, fields):
        made.add_argument("--window", default="", metavar="FROM..TO", help="minutes on the log's own clock, without TO")
    for made in (templates, search):
        made.add_argument("--level", default="", type=str.upper, choices=("", *LEVELS))
        made.add_argument("--top", type=int, default=10, metavar="N")
    compare.add_argument("--top", type=int, default=12, metavar="N")
    return parser


def _profile(asked: argparse.Namespace) -> None:
    opened = api.open_logs(asked.files, asked.index)
    if asked.json:
        print(json.dumps([profile_as_json(o.index) for o in opened], ensure_ascii=False, indent=1))
    else:
        room = min(asked.room, 1_200) // len(opened)
        print("\n\n".join(profile(o.index, max(room, 300)) for o in opened))
    for number, one in enumerate(opened):
        _drawn(asked, partial(_over_time, one.index, _numbered(asked.chart, number)))


def _over_time(index: Index, chart: str) -> None:
    charts.over_time(index, chart, [i.onset for i in find_incidents(index)[:3]])


def _templates(asked: argparse.Namespace) -> None:
    opened = api.open_logs(asked.files, asked.index)
    rows: list[tuple[int, int, Index, int]] = []
    for one in opened:
        counts = one.index.counts(*one.window(asked.window)) if asked.window else None
        for number, kind in enumerate(one.index.kinds):
            count = kind.count if counts is None else counts[number]
            if count and (not asked.level or kind.level == asked.level):
                rows.append((count, number, one.index, kind.first))
    order = {"count": lambda r: -r[0], "rare": lambda r: r[0], "first": lambda r: r[3]}[asked.sort]
    rows.sort(key=order)
    rows = rows[: asked.top if not asked.json else None]
    found = []
    for count, number, index, _ in rows:
        kind = index.kinds[number]
        (file, first), (_, last) = index.cite(kind.first), index.cite(kind.last)
        row = {
            "template": kind.template,
            "level": kind.level,
            "count": count,
            "file": file,
            "first": first,
            "last": last,
            "sample": kind.sample,
        }
        if asked.fields and "<*>" in kind.template:
            _, values = api.count_values([o for o in opened if o.index is index], kind.template, asked.window)
            row["fields"] = [_statistics(v) for v in values]
        found.append(row)
    if asked.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _print(
            asked,
            [
                f"{r['count']:,}x {r['level']} {r['template']} ({r['file']}:{r['first']}-{r['last']})"
                + _said(r.get("fields"))
                for r in found
            ],
        )
    _drawn(
        asked,
        lambda: charts.bars(
            [str(r["template"]) for r in found[:12]],
            {"lines": [int(str(r["count"])) for r in found[:12]]},
            asked.chart,
            "Templates",
        ),
    )


def _compare(asked: argparse.Namespace) -> None:
    opened = api.open_logs([*asked.files, *([asked.against] if asked.against else [])], asked.index)
    rows, what = api.compare(opened, asked.window, asked.baseline, asked.top)
    if asked.json:
        print(json.dumps(differences_as_json(rows), ensure_ascii=False, indent=1))
    else:
        head = f"{what}: {len(rows)} kinds differ" if rows else f"{what}: nothing differs"
        _print(asked, [head, *(_as_line(row, whole=number < 5) for number, row in enumerate(rows))])
    groups = {"window": [r.count for r in rows], "baseline": [r.baseline for r in rows]}
    _drawn(asked, lambda: charts.bars([r.template for r in rows], groups, asked.chart, what))


def _as_line(row: Difference, *, whole: bool) -> str:
    """A row: the first ones with the line they cite, as it reads, the others with their template."""
    what = row.sample[:220] if whole else f"{row.level} {row.template[:120]}"
    return f"{row.why}, {row.count:,} against {row.baseline:,}, {row.file}:{row.line}: {what}"


def _search(asked: argparse.Namespace) -> None:
    opened = api.open_logs(asked.files, asked.index)
    found = api.search(
        opened, asked.query, asked.window, asked.top,
        regex=asked.regex, ignore_case=asked.ignore_case, level=asked.level, before=asked.before, after=asked.after,
    )  # fmt: skip
    index = opened[0].index
    top = found.minutes.most_common(3)
    if asked.json:
        print(json.dumps({
            "query": asked.query, "window": asked.window, "count": found.total,
            "minutes": {shown(m, index.zone, no_date=index.no_date): n for m, n in sorted(found.minutes.items())},
            "hits": [{"file": h.file, "line": h.line, "text": h.text, "before": h.before, "after": h.after} for h in found.hits],
        }, ensure_ascii=False, indent=1))  # fmt: skip
    else:
        busiest = ", ".join(f"{shown(m, index.zone, date=False)} ({n:,})" for m, n in top)
        head = f"{found.total:,} lines match" + (f"; most in {busiest}, {zone_name(index.zone)}" if top else "")
        _print(asked, [head, *(line for hit in found.hits for line in _around(hit))])
    _drawn(asked, lambda: charts.over_time(index, asked.chart, hits=found.minutes, title=f"Lines with {asked.query}"))


def _around(hit: Hit) -> list[str]:
    return [*(f"  {t}" for t in hit.before), f"{hit.file}:{hit.line}: {hit.text}", *(f"  {t}" for t in hit.after)]


def _trace(asked: argparse.Namespace) -> None:
    opened = api.open_logs(asked.files, asked.index)
    found = api.trace(opened, asked.id)
    if asked.json:
        print(
            json.dumps(
                [{"file": h.file, "line": h.line, "text": h.text} for h in found.hits], ensure_ascii=False, indent=1
            )
        )
    else:
        _print(asked, [f"{found.total:,} lines hold {asked.id}", *(f"{h.file}:{h.line}: {h.text}" for h in found.hits)])
    _drawn(
        asked,
        lambda: charts.over_time(opened[0].index, asked.chart, hits=found.minutes, title=f"Lines with {asked.id}"),
    )


def _fields(asked: argparse.Namespace) -> None:
    opened = api.open_logs(asked.files, asked.index)
    total, values = api.count_values(opened, asked.template, asked.window)
    found = [_statistics(v) for v in values]
    if asked.json:
        print(json.dumps({"lines": total, "fields": found}, ensure_ascii=False, indent=1))
    else:
        _print(
            asked, [f"{total:,} lines of {asked.template}", *(f"<*> {n}:{_said([f])}" for n, f in enumerate(found, 1))]
        )
    top = values[0].most_common(12) if values else []
    _drawn(
        asked,
        lambda: charts.bars([v for v, _ in top], {"lines": [n for _, n in top]}, asked.chart, asked.template[:80]),
    )


def _check(asked: argparse.Namespace) -> None:
    print(json.dumps(check(json.load(sys.stdin), asked.index), ensure_ascii=False))


def _statistics(values: Counter[str]) -> dict[str, Any]:
    """How many different values, the most frequent, and quantiles when all are numbers."""
    found: dict[str, Any] = {"distinct": len(values), "top": sorted(values.items(), key=lambda v: (-v[1], v[0]))[:5]}
    numbers = sorted(
        (float(m[1]), n) for v, n in values.items() if (m := re.fullmatch(r"([-+]?\d+(?:\.\d+)?) ?[a-zA-Zµ%]*,?", v))
    )
    if numbers and len(numbers) == len(values):
        total, seen, marks = sum(n for _, n in numbers), 0, [0.5, 0.9, 0.99]
        found |= {"min": numbers[0][0], "max": numbers[-1][0]}
        for number, count in numbers:
            seen += count
            while marks and seen >= marks[0] * total:
                found[f"p{round(100 * marks.pop(0))}"] = number
    return found


def _said(fields: Any) -> str:
    text = ""
    for field in fields or ():
        quantiles = ", ".join(f"{k} {field[k]:g}" for k in ("min", "p50", "p90", "p99", "max") if k in field)
        top = ", ".join(f"{v[:40]} ({n:,})" for v, n in field["top"][:3])
        text += f" [{field['distinct']:,} values: {quantiles or top}]"
    return text


def _print(asked: argparse.Namespace, lines: Sequence[str]) -> None:
    """Print as many lines as there is room for, and say how many are left out."""
    room = asked.room
    for number, line in enumerate(lines):
        room -= len(line.encode()) + 1
        if room < 40 and number:
            print(f"({len(lines) - number} more left out; narrow the window, or use --json)")
            return
        print(line)


def _numbered(path: str | None, number: int) -> str:
    stem, dot, ending = (path or "").rpartition(".")
    return f"{stem}-{number + 1}{dot}{ending}" if number else path or ""


def _drawn(asked: argparse.Namespace, draw: Any) -> None:
    if asked.chart:
        try:
            draw()
        except charts.NoCharts as error:
            print(error, file=sys.stderr)
