"""What is different: a window against a baseline, or one log against another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from .index import Index, Kind
from .line_format import BAD
from .onset import find_incidents

LEAD = 5  # minutes before the onset in which a cause is looked for
RARE = 3  # lines that a rare kind has at most in the whole log
KNOWN_RARE = 60  # and one whose words speak of a change
_CHANGE = re.compile(
    r"deploy|roll(?:ed|out|back)|releas|version|upgrad|config|setting|switch|enabl|disabl|flag|toggle|feature|experiment|migrat|schema"
    r"|alter table|restart|reboot|shut(?:ting)? ?down|start(?:ed|ing|s)?\b|stop(?:ped|ping)\b|failover|promot|certificate|\bcert\b|expir|renew|\bntpd?\b"
    r"|chrony|clock|stepped|\bcron|\bcmd\b|schedul|backup|reindex|vacuum|maintenance|policy|quota|limit|scal(?:e[ds]?|ing)\b|drain|evict"
    r"|remov|replac|lower|rais|reduc|increas|chang|->|threshold|above|read-only|\blink\b|throttl|leak|heap|descriptors|nameserver|resolver"
    r"|dns|route|firewall|secret|rotat|loading|paus|force|operator|admin|capture|import|export|signal|killed|created|announc|space|full\b",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One kind of line: its counts in window and baseline, how many times likelier it is per minute, and where it is first met.

    `why` is new, risen, fallen, gone, or rare: not frequent, but close to the onset.
    """

    template: str
    level: str
    why: str
    count: int
    baseline: int
    lift: float
    line: int
    sample: str
    file: str


def compare_windows(
    index: Index, window: tuple[int, int], baseline: tuple[int, int], top: int = 12
) -> list[Difference]:
    """Return what differs between two half-open windows of minutes, the most telling first.

    Among the first five are up to three rare lines from the minutes before trouble began: causes are seldom frequent.
    """
    now, then = index.counts(*window), index.counts(*baseline)
    firsts = index.firsts(*window)
    scale = max(1, window[1] - window[0]) / max(1, baseline[1] - baseline[0])
    weighed = sorted(
        ((_weight(now[k], then[k] * scale), k) for k in now.keys() | then.keys()), key=lambda x: (-x[0], x[1])
    )
    risen = [
        _row(index, k, now[k], then[k], scale, firsts.get(k) or index.kinds[k].first)
        for weight, k in weighed[: 4 * top] if weight > 0 and _differs(now[k], then[k] * scale)
    ]  # fmt: skip
    rare = [_row(index, k, now[k], then[k], scale, line, why="rare") for k, line in suspects(index, window)]
    seen = {r.template for r in rare[:3]}
    order = [*risen[:1], *rare[:2], *(r for r in risen[1:2] if r.template not in seen), *rare[2:3]]
    order += [r for r in risen[1:] if r not in order] + rare[3:5]
    return list({(r.template, r.level): r for r in reversed(order)}.values())[::-1][:top]


def compare_logs(new: Index, old: Index, top: int = 12) -> list[Difference]:
    """Return what the new log has that the old one has not, or more of, and the other way round; per line, not per minute."""
    before: Counter[tuple[str, str]] = Counter()
    for kind in old.kinds:
        before[_key(kind)] += kind.count
    after: Counter[tuple[str, str]] = Counter()
    for kind in new.kinds:
        after[_key(kind)] += kind.count
    scale = max(1, new.lines) / max(1, old.lines)
    rows: dict[tuple[str, str], tuple[float, Difference]] = {}
    for index, mine in ((new, True), (old, False)):
        for number, kind in enumerate(index.kinds):
            key = _key(kind)
            if key in rows or (not mine and after[key]):
                continue
            weight = abs(_weight(after[key], before[key] * scale))
            if kind.level in BAD:
                weight *= 2
            if _differs(after[key], before[key] * scale) or not (after[key] and before[key]):
                rows[key] = (
                    weight + (_novelty(index, number) if mine else 0),
                    _row(index, number, after[key], before[key], scale, kind.first),
                )
    return [row for _, row in sorted(rows.values(), key=lambda x: (-x[0], x[1].line))][:top]


def suspects(index: Index, window: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the rare kinds near where trouble begins in the window, as (kind, line), the likeliest cause first."""
    begun = [i.onset for i in find_incidents(index) if window[0] - LEAD <= i.onset < window[1]]
    onset = begun[0] if begun else None
    begin, end = (onset - LEAD, onset + 1) if onset is not None else (window[0] - LEAD, window[1])
    words = Counter(w for kind in index.kinds for w in set(_words(kind)))
    found: list[tuple[float, int, int]] = []
    for minute in range(begin, end):
        for at in index.cells(minute, minute + 1):
            number = index.kind[at]
            kind = index.kinds[number]
            change = len({m.lower() for m in _CHANGE.findall(kind.template)})
            if kind.count > (KNOWN_RARE if change and kind.level not in BAD else RARE):
                continue
            near = 1 - (onset - minute) / (LEAD + 1) if onset is not None else 0.5
            own = [words[w] <= 1 for w in _words(kind)]
            score = 1.5 * min(change, 3) + 3 * sum(own) / max(1, len(own)) + near + 2 / kind.count
            score -= 1.0 if kind.level in BAD else 0
            found.append((score, number, index.first[at]))
    best: dict[int, tuple[float, int]] = {}
    for score, number, line in found:
        if number not in best or score > best[number][0]:
            best[number] = (score, line)
    return [(number, line) for number, (_, line) in sorted(best.items(), key=lambda x: (-x[1][0], x[1][1]))]


def default_baseline(index: Index, window: tuple[int, int]) -> tuple[int, int]:
    """The hour before the window, or what there is of it; after it when the log begins with the window."""
    first, last = index.minutes[0], index.minutes[-1] + 1
    begin = max(first, window[0] - 60)
    if window[0] - begin >= 3:
        return begin, window[0]
    return (window[1], min(last, window[1] + 60)) if last > window[1] else (begin, max(begin + 1, window[0]))


def _novelty(index: Index, number: int) -> float:
    return (
        2.0 * min(3, len(set(_CHANGE.findall(index.kinds[number].template))))
        if index.kinds[number].count <= RARE
        else 0.0
    )


def _words(kind: Kind) -> list[str]:
    return re.findall(r"[A-Za-z]{3,}", kind.template.lower())


def _key(kind: Kind) -> tuple[str, str]:
    return kind.template, kind.level


def _differs(count: float, expected: float) -> bool:
    """Whether two numbers are further apart than chance explains, among the hundreds of kinds of a log, and than habit does."""
    ratio = (count + 0.5) / (expected + 0.5)
    return abs(_weight(count, expected)) > 8 and not 2 / 3 < ratio < 1.5


def _weight(count: float, expected: float) -> float:
    """How much likelier the count is as something new than as chance; negative when there is less than expected."""
    expected, found = expected + 0.5, count + 0.5
    weight = found * log(found / expected) - (found - expected)
    return weight if found > expected else -weight


def _row(index: Index, number: int, count: int, before: int, scale: float, line: int, why: str = "") -> Difference:
    kind = index.kinds[number]
    lift = (count + 0.5) / (before * scale + 0.5)
    named = why or ("new" if not before else "gone" if not count else "risen" if lift > 1 else "fallen")
    return Difference(
        template=kind.template, level=kind.level, why=named, count=count, baseline=before, lift=round(lift, 2), line=index.cite(line)[1],
        sample=kind.sample, file=index.cite(line)[0],
    )  # fmt: skip


def differences_as_json(rows: Sequence[Difference]) -> list[dict[str, object]]:
    """The rows for machines."""
    return [
        {"template": r.template, "level": r.level, "why": r.why, "count": r.count, "baseline": r.baseline, "lift": r.lift,
         "line": r.line, "file": r.file, "sample": r.sample}
        for r in rows
    ]  # fmt: skip
