"""Understands the user's words as a wish: one of a small, fixed list of requests, or "explain"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.local.planner.scripts import TABLES
from bot.local.planner.wish import Wish
from bot.logs import is_log

HOW = {
    "sum": r"sum|total|add up", "mean": r"mean|average|avg", "median": "median", "min": r"min(?:imum)?|smallest|lowest|least",
    "max": r"max(?:imum)?|largest|biggest|highest", "count": r"count|number of|how many", "std": r"std|standard deviation",
}  # fmt: skip
KINDS = {
    "line": r"lines?", "bars": r"bars?|columns?|bar chart", "barh": r"horizontal bars?", "area": "area", "pie": r"pies?",
}  # fmt: skip
BY = r"(?:by|per|for each|over|grouped by|against|vs\.?|versus)"
_NOISE = re.compile(r"^(?:the|a|an|me|of|our|my|all|please|column)\s+|\s+(?:column|please)$", re.I)
_WHERE = re.compile(
    r"\bwhere\s+(?P<column>[\w %-]+?)\s*(?P<sign>=|==|is not|is|!=|>=|<=|>|<|contains)\s*(?P<value>[^,.;?]+)", re.I
)
_AS = re.compile(r"(?:now|and|again|same|please|the same|show it|as)?[\s,]*(?:now\s+)?as\s+(?:an?\s+)?([\w ]+?)[.!?]*")
_RUN = re.compile(r"^(?:please\s+)?(?:run|execute|start|try|fix|mend)\b")
_HISTOGRAM = re.compile(r"\b(?:histogram(?: of)?|distribution of)\s*(.*)", re.I)
_POINTS = re.compile(r"\b(?:scatter(?: plot)?(?: of)?|plot|draw)\s+(.+?)\s+(?:against|vs\.?|versus)\s+(.+?)$", re.I)
_DESCRIBE = re.compile(
    r"\bdescribe|\bsummar|\bwhat(?:'s| is| does)?\b.*\b(?:in|about|contain)|\blook at|\bprofile|\bexplain\b"
)


def understand(words: str, files: Sequence[str], before: Wish | None = None) -> Wish:
    """Return the wish that the words express, about one of the thread's files; `before` is the last wish."""
    text = " ".join(re.sub(r"```.*?```", " ", words, flags=re.S).split())
    named = next((f for f in sorted(files, key=len, reverse=True) if f.lower() in text.lower()), "")
    rest = re.sub(re.escape(named), " ", text, flags=re.I) if named else text
    wish = replace(_wish(rest, named, files, before), words=words)
    if wish.file or wish.verb in {"explain", "long", "save", "list"}:
        return wish
    suits = {"log": _logs, "run": _scripts}.get(wish.verb, _tables)
    fitting = suits(files) or ([] if wish.verb != "describe" else list(files))
    return replace(wish, file=named or (fitting[-1] if fitting else ""))


def _wish(text: str, named: str, files: Sequence[str], before: Wish | None) -> Wish:
    low = text.lower()
    if re.search(r"\bcount slowly|\bsomething long|\blong run|\btake your time", low):
        number = re.search(r"\b(\d{1,4})\b", low)
        return Wish(verb="long", count=int(number[1]) if number else 60)
    if re.search(r"\b(?:save|store|keep|write)\b.*\bas\b", low) and not re.search(r"\bthen run|and run", low):
        return Wish(verb="save", file=named)
    if re.search(r"\bwhy\b|\bwent wrong|\bgo wrong|\berrors?\b.*\bat\b|\bspike", low) and _logs(files):
        at = re.search(r"\b(\d{1,2}:\d\d)\b", low)
        return Wish(verb="log", file=named if named in _logs(files) else "", at=at[1] if at else "")
    if _RUN.search(low) and (_scripts(files) or named.endswith(".py")):
        words = text.split()[1:] if named else []
        args = () if words and words[0].lower() in {"and", "then", "please", "to", "it", "with", "for", "in"} else words
        return Wish(verb="run", file=named if named.endswith(".py") else "", args=tuple(args))
    if re.fullmatch(r"(?:what|which)?\s*files?.*|list( the)? files?", low):
        return Wish(verb="list")
    if before and (follow := _AS.fullmatch(low)) and (kind := _kind(follow[1])):
        return replace(before, verb="plot", kind=kind)
    if before and (by := re.fullmatch(rf"(?:now|and)?\s*{BY}\s+([\w %-]+?)[.!?]*", low)):
        return replace(before, by=by[1].strip())
    where = tuple(_condition(m) for m in _WHERE.finditer(text))
    text = _WHERE.sub(" ", text).strip()
    if match := _HISTOGRAM.search(text):
        return Wish(verb="histogram", file=named, value=_clean(match[1]), where=where)
    if match := _POINTS.search(text):
        return Wish(verb="points", file=named, value=_clean(match[1]), by=_clean(match[2]), where=where)
    if match := re.search(r"\b(top|best|bottom|worst|lowest)\s+(\d+)?\s*(.*)", text, re.I):
        group, _, value = _parted(match[3])
        count, small = int(match[2] or 5), match[1].lower() in {"bottom", "worst", "lowest"}
        return Wish(verb="top", file=named, by=group, value=value, count=count, smallest=small, where=where)
    if match := re.search(r"\b(?:plot|draw|chart|graph|visuali[sz]e|show)\b\s*(?:me\s+)?(.*)", text, re.I):
        return _plot(match[1], named, where, low)
    if (how := _how(low)) and (named or _tables(files)):
        return _measure(text, how, named, where)
    if files and (_DESCRIBE.search(low) or not text.strip(" .?!")):
        return Wish(verb="describe", file=named)
    return Wish(verb="explain")


def _plot(text: str, named: str, where: tuple[tuple[str, str, str], ...], low: str) -> Wish:
    kind = next(
        (k for k, p in KINDS.items() if re.search(rf"\bas (?:an? )?(?:{p})\b|\b(?:{p}) (?:chart|plot)\b", low)), ""
    )
    text = re.sub(
        r"\bas (?:an? )?[\w ]+$|^(?:an? )?(?:bar|line|pie|area) (?:chart|plot|graph) of\b", " ", text, flags=re.I
    )
    value, _, by = _parted(text)
    by, _, split = by.partition(" and ")
    how = _how(value.lower())
    value = re.sub("|".join(rf"\b(?:{p})\b" for p in HOW.values()), " ", value, flags=re.I) if how else value
    value, by, split = _clean(value), _clean(by), _clean(split)
    return Wish(verb="plot", file=named, value=value, by=by, split=split, how=how, kind=kind, where=where)


def _measure(text: str, how: str, named: str, where: tuple[tuple[str, str, str], ...]) -> Wish:
    after = re.split(rf"\b(?:{HOW[how]})\b", text, maxsplit=1, flags=re.I)
    value, _, by = _parted(after[1] if len(after) > 1 else text)
    value = re.sub(r"\b(?:are there|is there|do we have|rows?|in total)\b", " ", value, flags=re.I)
    return Wish(verb="measure", file=named, value=_clean(value), by=_clean(by), how=how, where=where)


def _parted(text: str) -> tuple[str, str, str]:
    """Return the text before the word "by" or a synonym, that word, and the text after it."""
    parts = re.split(rf"\s+({BY})\s+|^({BY})\s+", f"{text} ".rstrip(" .?!;"), maxsplit=1, flags=re.I)
    if len(parts) < 4:
        return _clean(text), "", ""
    return _clean(parts[0]), parts[1] or parts[2] or "", _clean(parts[3])


def _clean(text: str) -> str:
    text = re.split(r"\s+(?:from|in|of|with|using|for)\s*$|\s+(?:from|in) (?:the|this|that|my)\b", text, maxsplit=1)[
        0
    ].strip(" .,;:?!\"'`")
    previous = None
    while previous != text:
        previous, text = text, _NOISE.sub("", text).strip()
    return re.sub(r"\s+(?:from|in|of)$", "", text)


def _condition(match: re.Match[str]) -> tuple[str, str, str]:
    sign = {"=": "is", "==": "is", "!=": "is not"}.get(match["sign"].lower(), match["sign"].lower())
    return match["column"].strip(), sign, match["value"].strip(" \"'")


def _how(low: str) -> str:
    return next((how for how, pattern in HOW.items() if re.search(rf"\b(?:{pattern})\b", low)), "")


def _kind(text: str) -> str:
    return next((k for k, p in KINDS.items() if re.search(rf"\b(?:{p})\b", text)), "")


def _tables(files: Sequence[str]) -> list[str]:
    return [f for f in files if f.lower().endswith(TABLES) and not f.startswith("output/")]


def _logs(files: Sequence[str]) -> list[str]:
    return [f for f in files if is_log(f)]


def _scripts(files: Sequence[str]) -> list[str]:
    return [f for f in files if f.endswith(".py")]
