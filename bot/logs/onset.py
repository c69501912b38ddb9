"""When trouble began: kinds of lines whose rate jumps, and the incidents they make together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from math import log

from .index import Index
from .line_format import BAD

SPAN = 3  # minutes of one look
RATIO = 3.0  # a burst is at least so many times what is usual
EVIDENCE = 25.0  # and so much likelier as a burst than as chance (a log-likelihood ratio)
ALONE = 150.0  # warnings without any error count only from here on
WORSE = BAD | {"WARN"}
TOGETHER = 10  # minutes between kinds that belong to one incident


@dataclass(frozen=True, slots=True)
class Burst:
    """One kind of line that is suddenly frequent: from minute to minute, both included, and how strong the evidence is."""

    kind: int
    onset: int
    end: int
    count: int
    evidence: float


@dataclass(frozen=True, slots=True)
class Incident:
    """Bursts that came together; `onset` is the first bad minute, `end` the last, since 1970 in UTC."""

    onset: int
    end: int
    bursts: tuple[Burst, ...]

    @property
    def evidence(self) -> float:
        """How strong the evidence of all its bursts is."""
        return sum(b.evidence for b in self.bursts)

    @property
    def lines(self) -> int:
        """How many lines the bursts have."""
        return sum(b.count for b in self.bursts)


def find_incidents(index: Index) -> list[Incident]:
    """Return the suspected incidents, the strongest first; none in a log that stays as it is."""
    if not index.stamp or len(index.minutes) < 2:
        return []
    series = _in_order(index)
    found = [b for number in series if (b := _burst(index, number, series[number]))]
    groups: list[list[Burst]] = []
    for burst in sorted(found, key=lambda b: (b.onset, b.kind)):
        if groups and burst.onset <= max(min(b.onset for b in groups[-1]) + TOGETHER, max(b.end for b in groups[-1])):
            groups[-1].append(burst)
        else:
            groups.append([burst])
    made = []
    for group in groups:
        bad = [b for b in group if index.kinds[b.kind].level in BAD]
        if bad or sum(b.evidence for b in group) >= ALONE:
            group.sort(key=lambda b: (-b.evidence, b.kind))
            made.append(Incident(min(b.onset for b in group), max(b.end for b in group), tuple(group)))
    return sorted(made, key=lambda i: (-i.evidence, i.onset))


def _in_order(index: Index) -> dict[int, Counter[int]]:
    """Lines per minute of each kind that speaks of trouble, without those whose clock disagrees with their neighbours."""
    series = {n: Counter[int]() for n, kind in enumerate(index.kinds) if kind.level in WORSE}
    for minute in index.minutes:
        for at in index.cells(minute, minute + 1):
            if index.kind[at] in series:
                series[index.kind[at]][minute] += index.count[at]
    for minute, kind, count in index.astray:
        if kind in series:
            series[kind][minute] -= count
    return series


def _burst(index: Index, kind: int, counts: Counter[int]) -> Burst | None:
    """The strongest burst of a kind, or None."""
    first, last = index.minutes[0], index.minutes[-1]
    length = last - first + 1
    minutes = sorted(m for m, n in counts.items() if n > 0)
    if not minutes:
        return None
    sums = [0, *accumulate(counts[m] for m in minutes)]

    def usual(minute: int) -> float:
        """What SPAN minutes of this kind usually hold, outside of half an hour around a minute."""
        wide = min(15, length // 6)
        inside = sums[bisect_right(minutes, minute + 2 * wide)] - sums[bisect_left(minutes, minute - wide)]
        # A third of a line stands in for what was never seen: a short log shows little.
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
    start = end = at
    quiet = 0
    for minute in range(at - 1, max(first, at - 120) - 1, -1):
        if counts[minute] >= high:
            start, quiet = minute, 0
        elif (quiet := quiet + 1) > 2:
            break
    quiet = 0
    for minute in range(at, last + 1):
        if counts[minute] >= high:
            end, quiet = minute, 0
        elif (quiet := quiet + 1) > 4:
            break
    while start < end and counts[start] < high:
        start += 1
    return Burst(kind, start, end, sum(counts[m] for m in range(start, end + 1)), round(best, 1))
