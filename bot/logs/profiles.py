"""The profile of a log: a summary of what is in it, as text and as data."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from .comparison import find_suspects
from .index import Index
from .line_format import BAD, LEVELS
from .onset import Incident, find_incidents
from .times import format_minute, zone_name

BARS = "▁▂▃▄▅▆▇█"


def count_levels(index: Index) -> Counter[str]:
    """Return the number of lines of each level, "" for lines without one."""
    counts: Counter[str] = Counter()
    for kind in index.kinds:
        counts[kind.level] += kind.count
    return counts


def find_gaps(index: Index, most: int = 3) -> list[tuple[int, int]]:
    """Return the unusually long silences, the longest first, each as the last minute before it and the first after it."""
    steps = [*pairwise(index.minutes)]
    if not index.stamp or not steps:
        return []
    usual = sorted(b - a for a, b in steps)[int(0.95 * len(steps))]
    return sorted(((a, b) for a, b in steps if b - a > max(5, 4 * usual)), key=lambda gap: gap[0] - gap[1])[:most]


def sparkline(index: Index, width: int = 24) -> tuple[str, int]:
    """Return the lines over time as bars, and how many minutes one bar stands for."""
    first, last = index.minutes[0], index.minutes[-1]
    step = max(1, -(-(last - first + 1) // width))
    bars: Counter[int] = Counter()
    for minute, count in index.series().items():
        bars[(minute - first) // step] += count
    top = max(bars.values(), default=1) or 1
    return "".join(BARS[min(7, 8 * bars[n] // (top + 1))] for n in range((last - first) // step + 1)), step


def first_errors(index: Index, most: int = 5) -> list[int]:
    """Return the kinds of errors in the order in which they first occurred."""
    return [n for n, kind in enumerate(index.kinds) if kind.level in BAD][:most]


def profile(index: Index, room: int = 1_200) -> str:
    """Return the profile in at most `room` bytes; what matters most comes first, and what does not fit is left out."""
    size = f"{index.size / 1e6:.1f} MB" if index.size >= 100_000 else f"{index.size:,} bytes"
    text = f"{index.name}: {size}, {index.lines:,} lines, {index.format} ({index.confidence:.0%} of a sample)"
    for part in (_times(index), *_incidents(index, find_incidents(index)), *_kinds(index)):
        if part and len(f"{text}\n{part}".encode()) <= room:
            text += f"\n{part}"
    return text


def profile_as_json(index: Index) -> dict[str, object]:
    """Return the profile as a record for machines, its times on the log's own clock."""
    bars, step = sparkline(index) if index.minutes else ("", 1)
    incidents = find_incidents(index)

    def at(minute: int) -> str | None:
        return format_minute(minute, index.zone, no_date=index.no_date) if index.stamp else None

    def kind(number: int) -> dict[str, object]:
        k = index.kinds[number]
        (file, first), (_, last) = index.cite(k.first), index.cite(k.last)
        return {"template": k.template, "level": k.level, "count": k.count, "sample": k.sample, "file": file, "first": first,
                "last": last}  # fmt: skip

    order = sorted(range(len(index.kinds)), key=lambda n: (-index.kinds[n].count, n))
    return {
        "file": index.name, "bytes": index.size, "lines": index.lines, "format": index.format, "confidence": index.confidence,
        "from": at(index.minutes[0]) if index.minutes else None, "to": at(index.minutes[-1]) if index.minutes else None,
        "zone": zone_name(index.zone) if index.stamp else None, "year_assumed": index.no_year, "levels": dict(count_levels(index)),
        "sparkline": bars, "minutes_per_bar": step, "gaps": [{"from": at(a), "to": at(b)} for a, b in find_gaps(index)],
        "out_of_order": index.late, "continuation_lines": index.folded, "templates": len(index.kinds),
        "top": [kind(n) for n in order[:10]], "rarest": [kind(n) for n in order[::-1][:10]],
        "first_errors": [kind(n) for n in first_errors(index)],
        "incidents": [
            {"onset": at(i.onset), "end": at(i.end), "lines": i.lines, "templates": [kind(b.kind) for b in i.bursts[:5]],
             "rare_before": [{**kind(n), "line": line} for n, line in find_suspects(index, (i.onset, i.end + 1))[:3]]}
            for i in incidents
        ] if incidents else "none found",
    }  # fmt: skip


def _times(index: Index) -> str:
    if not index.stamp or not index.minutes:
        return "No times in its lines, so nothing can be said about when."
    zone = zone_name(index.zone)
    first, last = index.minutes[0], index.minutes[-1]
    same = format_minute(first, index.zone)[:10] == format_minute(last, index.zone)[:10]
    until = format_minute(last, index.zone, date=not same, no_date=index.no_date)
    text = f"{format_minute(first, index.zone, no_date=index.no_date)} to {until}, {zone}"
    text += "; no year stated, taken as the latest possible" if index.no_year else ""
    text += f"; {index.zones} zones in one log" if index.zones > 1 else ""
    counted = count_levels(index)
    named = ", ".join(f"{level} {counted[level]:,}" for level in reversed(LEVELS) if counted[level])
    named += "" if index.levelled else " (no levels stated: by words)"
    bars, step = sparkline(index)
    silences = [[format_minute(m, index.zone, date=False) for m in gap] for gap in find_gaps(index, 2)]
    extras = [f"{start}-{end} silent" for start, end in silences]
    extras += [f"{index.late:,} lines out of order"] if index.late else []
    extras += [f"{index.folded:,} continuation lines folded"] if index.folded else []
    return "\n".join((text, named, f"{bars} ({step} min each)", "; ".join(extras))).strip()


def _incidents(index: Index, incidents: list[Incident]) -> list[str]:
    if not index.stamp:
        return []
    if not incidents:
        return ["Suspected incidents: none found."]
    parts = []
    for incident in incidents[:2]:
        lead = index.kinds[incident.bursts[0].kind]
        onset = format_minute(incident.onset, index.zone, no_date=index.no_date)
        end = format_minute(incident.end, index.zone, date=False)
        parts.append(
            f"Suspected incident: {onset} to {end}, {incident.lines:,} lines of {len(incident.bursts)} kinds.\n"
            f" {lead.level} {lead.template[:110]} (first {_place(index, lead.first)})"
        )
        for number, line in find_suspects(index, (incident.onset, incident.end + 1))[:1]:
            kind = index.kinds[number]
            parts.append(f" Rare line close before: {_place(index, line)} {kind.level} {kind.template[:110]}")
    return parts


def _kinds(index: Index) -> list[str]:
    order = sorted(range(len(index.kinds)), key=lambda n: (-index.kinds[n].count, n))

    def listed(title: str, numbers: list[int]) -> list[str]:
        kinds = [index.kinds[n] for n in numbers]
        lines = [f" {k.count:,}x {k.level} {k.template[:80]} ({_place(index, k.first)})" for k in kinds]
        return [f"{title}\n{lines[0]}", *lines[1:]] if lines else []

    rare = [n for n in order[::-1] if n not in order[:3]]
    return [
        *listed(f"{len(index.kinds)} templates; most frequent:", order[:3]),
        *listed("First of each kind of error:", first_errors(index, 3)),
        *listed("Rarest:", rare[:2]),
    ]


def _place(index: Index, line: int) -> str:
    return "{}:{}".format(*index.cite(line))
