"""Finds incidents: kinds of lines that speak of trouble and whose rate jumps, grouped by when they do."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from math import log

from .index import Index
from .line_format import BAD

SPAN = 3  # minutes over which lines are counted to find a burst
RATIO = 3.0  # a burst has at least this many times the usual lines
EVIDENCE = 25.0  # the least log-likelihood ratio of a burst: its own rate against the usual one
ALONE = 150.0  # the least evidence of an incident that is made of warnings only
WORSE = BAD | {"WARN"}
TOGETHER = 10  # minutes within which the bursts of one incident begin


@dataclass(frozen=True, slots=True)
class Burst:
    """A kind of line that is suddenly frequent from `onset` to `end`, both included; `evidence` is a log-likelihood ratio."""

    kind: int
    onset: int
    end: int
    count: int
    evidence: float


@dataclass(frozen=True, slots=True)
class Incident:
    """Bursts that began together; `onset` is the first bad minute, `end` the last, since 1970 in UTC."""

    onset: int
    end: int
    bursts: tuple[Burst, ...]

    @property
    def evidence(self) -> float:
        """The evidence of all its bursts."""
        return sum(b.evidence for b in self.bursts)

    @property
    def lines(self) -> int:
        """The number of lines of its bursts."""
        return sum(b.count for b in self.bursts)


def find_incidents(index: Index) -> list[Incident]:
    """Return the suspected incidents, the strongest first."""
    if not index.stamp or len(index.minutes) < 2:
        return []
    bursts = [b for number, counts in _series(index).items() if (b := _strongest_burst(index, number, counts))]
    groups: list[list[Burst]] = []
    for burst in sorted(bursts, key=lambda b: (b.onset, b.kind)):
        if groups and burst.onset <= max(min(b.onset for b in groups[-1]) + TOGETHER, max(b.end for b in groups[-1])):
            groups[-1].append(burst)
        else:
            groups.append([burst])
    incidents = []
    for group in groups:
        if any(index.kinds[b.kind].level in BAD for b in group) or sum(b.evidence for b in group) >= ALONE:
            group.sort(key=lambda b: (-b.evidence, b.kind))
            incidents.append(Incident(min(b.onset for b in group), max(b.end for b in group), tuple(group)))
    return sorted(incidents, key=lambda i: (-i.evidence, i.onset))


def _series(index: Index) -> dict[int, Counter[int]]:
    """Return the lines per minute of each kind that speaks of trouble, without those whose clock is astray (see Index)."""
    series = {n: Counter[int]() for n, kind in enumerate(index.kinds) if kind.level in WORSE}
    for minute in index.minutes:
        for at in index.cells(minute, minute + 1):
            if index.kind[at] in series:
                series[index.kind[at]][minute] += index.count[at]
    for minute, kind, count in index.astray:
        if kind in series:
            series[kind][minute] -= count
    return series


def _strongest_burst(index: Index, kind: int, counts: Counter[int]) -> Burst | None:
    """Return the strongest burst of a kind, or None."""
    first, last = index.minutes[0], index.minutes[-1]
    length = last - first + 1
    minutes = sorted(m for m, n in counts.items() if n > 0)
    if not minutes:
        return None
    sums = [0, *accumulate(counts[m] for m in minutes)]

    def usual(minute: int) -> float:
        """Return the usual lines in SPAN minutes, leaving out those near `minute`: 15 before to 30 after, in a short log fewer."""
        wide = min(15, length // 6)
        inside = sums[bisect_right(minutes, minute + 2 * wide)] - sums[bisect_left(minutes, minute - wide)]
        # The 0.34 keeps the rate above 0: in a short log, no line of a kind proves little.
        return max(0.05, SPAN * (sums[-1] - inside + 0.34) / max(1, length - 3 * wide))

    best, at = 0.0, 0
    for minute in minutes:
        near = sum(counts[m] for m in range(minute, minute + SPAN))
        if near < 5:
            continue
        common = usual(minute)
        if near >= RATIO * common and (weight := near * log(near / common) - (near - common)) > best:
            best, at = weight, minute
    if best < EVIDENCE:
        return None
    high = max(1.0, RATIO * usual(at) / SPAN)
    start = _last_high(counts, high, at, range(at - 1, max(first, at - 120) - 1, -1), pause=2)
    end = _last_high(counts, high, at, range(at, last + 1), pause=4)
    while start < end and counts[start] < high:
        start += 1
    return Burst(kind, start, end, sum(counts[m] for m in range(start, end + 1)), round(best, 1))


def _last_high(counts: Counter[int], high: float, at: int, minutes: range, pause: int) -> int:
    """Return the last busy minute (`high` lines or more) before over `pause` quiet ones in a row; `at` if there is none."""
    quiet = 0
    for minute in minutes:
        if counts[minute] >= high:
            at, quiet = minute, 0
        elif (quiet := quiet + 1) > pause:
            break
    return at
