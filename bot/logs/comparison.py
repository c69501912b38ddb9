"""Compares a window of a log with a baseline, or one log with another: which kinds of lines differ, and what changed before."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import log

from .change_words import change_words
from .index import Index, Kind
from .line_format import BAD
from .onset import find_incidents

LEAD = 5  # minutes before the onset in which a cause is looked for
RARE = 3  # lines of a rare kind in the whole log, at most
RARE_CHANGE = 60  # the same for a kind whose words speak of a change


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A kind of line that differs: its counts in window and baseline, `lift` (their ratio at equal length), and one line of it.

    `why` is new, risen, fallen or gone, or rare for a rare line close to the onset.
    """

    template: str
    level: str
    why: str
    count: int
    baseline: int
    lift: float
    line: int
    file: str
    sample: str


def compare_windows(index: Index, window: tuple[int, int], baseline: tuple[int, int], top: int = 12) -> list[Difference]:
    """Return the differences between two half-open windows of minutes, the strongest first.

    The order is risen, rare, rare, risen, rare, then the others: a cause is seldom frequent, so rare lines from just before the
    onset come early.
    """
    now, before = index.counts(*window), index.counts(*baseline)
    firsts = index.firsts(*window)
    scale = max(1, window[1] - window[0]) / max(1, baseline[1] - baseline[0])
    ratios = {kind: _log_likelihood_ratio(now[kind], before[kind] * scale) for kind in now.keys() | before.keys()}
    strongest = sorted(ratios, key=lambda kind: (-ratios[kind], kind))[: 4 * top]
    risen = [
        _difference(index, kind, now[kind], before[kind], scale, firsts.get(kind) or index.kinds[kind].first)
        for kind in strongest if ratios[kind] > 0 and _differs(now[kind], before[kind] * scale)
    ]  # fmt: skip
    rare = [
        _difference(index, kind, now[kind], before[kind], scale, line, why="rare") for kind, line in find_suspects(index, window)
    ]
    suspected = {d.template for d in rare[:3]}
    order = [*risen[:1], *rare[:2], *(d for d in risen[1:2] if d.template not in suspected), *rare[2:3]]
    order += [d for d in risen[1:] if d not in order] + rare[3:5]
    return list({(d.template, d.level): d for d in reversed(order)}.values())[::-1][:top]


def compare_logs(new: Index, old: Index, top: int = 12) -> list[Difference]:
    """Return the differences of two whole logs, scaled by their numbers of lines, the strongest first; errors count twice."""
    before, after = _counts(old), _counts(new)
    scale = max(1, new.lines) / max(1, old.lines)
    ranked: dict[tuple[str, str], tuple[float, Difference]] = {}
    for index in (new, old):
        for number, kind in enumerate(index.kinds):
            key = kind.template, kind.level
            count, expected = after[key], before[key] * scale
            if key in ranked or (index is old and count):
                continue
            if _differs(count, expected) or not (count and expected):
                weight = abs(_log_likelihood_ratio(count, expected)) * (2 if kind.level in BAD else 1)
                if index is new and kind.count <= RARE:
                    weight += 2.0 * min(3, len(change_words(kind.template)))
                ranked[key] = (weight, _difference(index, number, count, before[key], scale, kind.first))
    return [difference for _, difference in sorted(ranked.values(), key=lambda x: (-x[0], x[1].line))][:top]


def find_suspects(index: Index, window: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the rare kinds near the onset of an incident in the window, as (kind, line), the likeliest cause first."""
    onset = next((i.onset for i in find_incidents(index) if window[0] - LEAD <= i.onset < window[1]), None)
    begin, end = (onset - LEAD, onset + 1) if onset is not None else (window[0] - LEAD, window[1])
    occurrences = Counter(word for kind in index.kinds for word in set(_words(kind)))
    best: dict[int, tuple[float, int]] = {}
    for minute in range(begin, end):
        closeness = 1 - (onset - minute) / (LEAD + 1) if onset is not None else 0.5
        for cell in index.cells(minute, minute + 1):
            number = index.kind[cell]
            score = _suspicion(index.kinds[number], occurrences, closeness)
            if score is not None and (number not in best or score > best[number][0]):
                best[number] = (score, index.first[cell])
    return [(number, line) for number, (_, line) in sorted(best.items(), key=lambda x: (-x[1][0], x[1][1]))]


def _suspicion(kind: Kind, occurrences: Counter[str], closeness: float) -> float | None:
    """Return a score of how much a kind looks like a cause, None when it is not rare.

    It adds up words that speak of a change, words that no other kind has, `closeness` to the onset (0 to 1) and rarity, less 1
    for an error.
    """
    changes = len({word.lower() for word in change_words(kind.template)})
    if kind.count > (RARE_CHANGE if changes and kind.level not in BAD else RARE):
        return None
    words = _words(kind)
    own = sum(occurrences[word] <= 1 for word in words)
    score = 1.5 * min(changes, 3) + 3 * own / max(1, len(words)) + closeness + 2 / kind.count
    return score - (kind.level in BAD)


def default_baseline(index: Index, window: tuple[int, int]) -> tuple[int, int]:
    """Return the hour before a window, or what the log has of it; if that is under three minutes, the hour after."""
    first, last = index.minutes[0], index.minutes[-1] + 1
    begin = max(first, window[0] - 60)
    if window[0] - begin >= 3:
        return begin, window[0]
    return (window[1], min(last, window[1] + 60)) if last > window[1] else (begin, max(begin + 1, window[0]))


def _words(kind: Kind) -> list[str]:
    return re.findall(r"[A-Za-z]{3,}", kind.template.lower())


def _counts(index: Index) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for kind in index.kinds:
        counts[kind.template, kind.level] += kind.count
    return counts


def _differs(count: float, expected: float) -> bool:
    """Return whether a count differs from the expected one by a factor of 1.5, and by more than chance among hundreds of kinds."""
    ratio = (count + 0.5) / (expected + 0.5)
    return abs(_log_likelihood_ratio(count, expected)) > 8 and not 2 / 3 < ratio < 1.5


def _log_likelihood_ratio(count: float, expected: float) -> float:
    """Return the signed log-likelihood ratio of a Poisson count: its own rate against the expected one, negative for a lower one."""
    count, expected = count + 0.5, expected + 0.5
    ratio = count * log(count / expected) - (count - expected)
    return ratio if count > expected else -ratio


def _difference(index: Index, number: int, count: int, before: int, scale: float, line: int, why: str = "") -> Difference:
    kind = index.kinds[number]
    lift = (count + 0.5) / (before * scale + 0.5)
    why = why or ("new" if not before else "gone" if not count else "risen" if lift > 1 else "fallen")
    file, line = index.cite(line)
    return Difference(
        template=kind.template, level=kind.level, why=why, count=count, baseline=before, lift=round(lift, 2), line=line, file=file,
        sample=kind.sample,
    )  # fmt: skip
