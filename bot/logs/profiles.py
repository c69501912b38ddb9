"""What is in a log: the account that is given before anybody asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .comparison import suspects
from .index import Index
from .line_format import BAD, LEVELS
from .onset import Incident, find_incidents
from .times import shown, zone_name

BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Gap:
    """Minutes without a line, longer than is usual: the last minute before and the first after."""

    start: int
    end: int


def cited(index: Index, line: int) -> str:
    """file:line."""
    return "{}:{}".format(*index.cite(line))


def levels(index: Index) -> Counter[str]:
    """Lines by level, "" for those without one."""
    found: Counter[str] = Counter()
    for kind in index.kinds:
        found[kind.level] += kind.count
    return found


def gaps(index: Index, most: int = 3) -> list[Gap]:
    """The longest silences of a log that is seldom silent."""
    pairs = [Gap(a, b) for a, b in zip(index.minutes, index.minutes[1:], strict=False) if b - a > 1]
    if not index.stamp or not pairs:
        return []
    usual = sorted(b - a for a, b in zip(index.minutes, index.minutes[1:], strict=False))[
        int(0.95 * (len(index.minutes) - 1))
    ]
    return sorted((g for g in pairs if g.end - g.start > max(5, 4 * usual)), key=lambda g: g.start - g.end)[:most]


def sparkline(index: Index, width: int = 24) -> tuple[str, int]:
    """Lines over time as bars, and how many minutes one bar stands for."""
    first, last = index.minutes[0], index.minutes[-1]
    step = max(1, -(-(last - first + 1) // width))
    bars: Counter[int] = Counter()
    for minute, count in index.series().items():
        bars[(minute - first) // step] += count
    top = max(bars.values(), default=1) or 1
    return "".join(BARS[min(7, 8 * bars[n] // (top + 1))] for n in range((last - first) // step + 1)), step


def first_errors(index: Index, most: int = 5) -> list[int]:
    """The kinds of errors in the order in which they first came."""
    return [n for n, kind in enumerate(index.kinds) if kind.level in BAD][:most]


def profile(index: Index, room: int = 1_200) -> str:
    """The profile in at most `room` bytes: what matters most comes first, and what does not fit is left out."""
    found = find_incidents(index)
    parts = [_head(index), _times(index), *_incidents(index, found), *_rest(index)]
    text = parts[0]
    for part in parts[1:]:
        if part and len(f"{text}\n{part}".encode()) <= room:
            text += f"\n{part}"
    return text


def profile_as_json(index: Index) -> dict[str, object]:
    """The profile for machines; times on the log's own clock."""
    bars, step = sparkline(index) if index.minutes else ("", 1)
    found = find_incidents(index)

    def at(minute: int) -> str | None:
        return shown(minute, index.zone, no_date=index.no_date) if index.stamp else None

    def kind(number: int) -> dict[str, object]:
        k = index.kinds[number]
        return {
            "template": k.template,
            "level": k.level,
            "count": k.count,
            "sample": k.sample,
            "file": index.cite(k.first)[0],
            "first": index.cite(k.first)[1],
            "last": index.cite(k.last)[1],
        }

    order = sorted(range(len(index.kinds)), key=lambda n: (-index.kinds[n].count, n))
    return {
        "file": index.name, "bytes": index.size, "lines": index.lines, "format": index.format, "confidence": index.confidence,
        "from": at(index.minutes[0]) if index.minutes else None, "to": at(index.minutes[-1]) if index.minutes else None,
        "zone": zone_name(index.zone) if index.stamp else None, "year_assumed": index.no_year, "levels": dict(levels(index)),
        "sparkline": bars, "minutes_per_bar": step, "gaps": [{"from": at(g.start), "to": at(g.end)} for g in gaps(index)],
        "out_of_order": index.late, "continuation_lines": index.folded, "templates": len(index.kinds),
        "top": [kind(n) for n in order[:10]], "rarest": [kind(n) for n in order[::-1][:10]],
        "first_errors": [kind(n) for n in first_errors(index)],
        "incidents": [
            {"onset": at(i.onset), "end": at(i.end), "lines": i.lines, "templates": [kind(b.kind) for b in i.bursts[:5]],
             "rare_before": [{**kind(n), "line": line} for n, line in suspects(index, (i.onset, i.end + 1))[:3]]}
            for i in found
        ] if found else "none found",
    }  # fmt: skip


def _head(index: Index) -> str:
    size = f"{index.size / 1e6:.1f} MB" if index.size >= 100_000 else f"{index.size:,} bytes"
    return f"{index.name}: {size}, {index.lines:,} lines, {index.format} ({index.confidence:.0%} of a sample)"


def _times(index: Index) -> str:
    if not index.stamp or not index.minutes:
        return "No times in its lines, so nothing can be said about when."
    zone = zone_name(index.zone)
    first, last = index.minutes[0], index.minutes[-1]
    same = shown(first, index.zone)[:10] == shown(last, index.zone)[:10]
    until = shown(last, index.zone, date=not same, no_date=index.no_date)
    text = f"{shown(first, index.zone, no_date=index.no_date)} to {until}, {zone}"
    text += "; no year stated, taken as the latest possible" if index.no_year else ""
    text += f"; {index.zones} zones in one log" if index.zones > 1 else ""
    counted = levels(index)
    named = ", ".join(f"{level} {counted[level]:,}" for level in reversed(LEVELS) if counted[level])
    named += "" if index.levelled else " (no levels stated: by words)"
    bars, step = sparkline(index)
    extras = [
        f"{shown(g.start, index.zone, date=False)}-{shown(g.end, index.zone, date=False)} silent"
        for g in gaps(index, 2)
    ]
    extras += [f"{index.late:,} lines out of order"] if index.late else []
    extras += [f"{index.folded:,} continuation lines folded"] if index.folded else []
    return "\n".join((text, named, f"{bars} ({step} min each)", "; ".join(extras))).strip()


def _incidents(index: Index, found: list[Incident]) -> list[str]:
    if not index.stamp:
        return []
    if not found:
        return ["Suspected incidents: none found."]
    parts = []
    for incident in found[:2]:
        lead = index.kinds[incident.bursts[0].kind]
        when = f"{shown(incident.onset, index.zone, no_date=index.no_date)} to {shown(incident.end, index.zone, date=False)}"
        parts.append(
            f"Suspected incident: {when}, {incident.lines:,} lines of {len(incident.bursts)} kinds.\n"
            f" {lead.level} {lead.template[:110]} (first {cited(index, lead.first)})"
        )
        for number, line in suspects(index, (incident.onset, incident.end + 1))[:1]:
            kind = index.kinds[number]
            parts.append(f" Rare line close before: {cited(index, line)} {kind.level} {kind.template[:110]}")
    return parts


def _rest(index: Index) -> list[str]:
    order = sorted(range(len(index.kinds)), key=lambda n: (-index.kinds[n].count, n))

    def listed(title: str, numbers: list[int]) -> list[str]:
        kinds = [index.kinds[n] for n in numbers]
        lines = [f" {k.count:,}x {k.level} {k.template[:80]} ({cited(index, k.first)})" for k in kinds]
        return [f"{title}\n{lines[0]}", *lines[1:]] if lines else []

    rare = [n for n in order[::-1] if n not in order[:3]]
    return [
        *listed(f"{len(index.kinds)} templates; most frequent:", order[:3]),
        *listed("First of each kind of error:", first_errors(index, 3)),
        *listed("Rarest:", rare[:2]),
    ]
