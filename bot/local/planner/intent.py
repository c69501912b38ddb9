"""What a message is about: a table, a log, a script, a file to save, or nothing that the planner does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from bot.local.planner import data
from bot.local.planner.words import lexicon, nothings, tokens
from bot.logs import is_log
from bot.tables import is_table

_HEADS = re.compile(r"\((?:They edited an earlier message|Forwarded, )[^\n]*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """`kind` is table, log, run, long, save, why, thanks or help."""

    kind: str
    file: str = ""
    words: str = ""
    args: tuple[str, ...] = ()


def intent_of(words: str, files: Sequence[str], kinds: Mapping[str, str] = MappingProxyType({})) -> Intent:
    """Return what a message is about, given the thread's files, the last mentioned last, and which are tables and logs.

    Of a file that is not among `kinds`, its name says what it is.
    """
    words = _HEADS.sub("", words)
    text = " ".join(re.sub(r"```.*?```", " ", words, flags=re.S).split())
    named = next((f for f in sorted(files, key=len, reverse=True) if f.lower() in text.lower()), "")
    rest = re.sub(re.escape(named), " ", text, flags=re.I).strip() if named else text
    said = {kind for kind, pattern in data("words")["intents"].items() if re.match(pattern, rest.lower())}
    logs = [f for f in files if kinds.get(f) == "log" or (is_log(f) and kinds.get(f) != "table")]
    scripts = [named] if named.endswith(".py") else [f for f in files if f.endswith(".py") and not named]
    tables = [f for f in files if (is_table(f) or kinds.get(f) == "table") and not f.startswith("output/")]
    tables = tables or [f for f in files if f.lower().endswith(".txt") and f not in logs]  # Excel calls its text so
    if "long" in said:
        return Intent(kind="long", file="count_slowly.py", words=words, args=tuple(re.findall(r"\b\d{1,4}\b", rest)[:1]))
    if "save" in said and "```" in words:
        return Intent(kind="save", file=named, words=words)
    if "run" in said and scripts:
        after = rest.split()[1:] if named else []
        prose = after and after[0].lower().strip(",.") in {"and", "then", "please", "to", "it", "with", "for", "in"}
        return Intent(kind="run", file=scripts[-1], words=words, args=() if prose else tuple(after))
    log = named if named in logs else ""
    if logs and not named and (files[-1] not in tables or files[-1] in logs):
        log = logs[-1]
    if log and ("log" in said or (named and named not in tables)):
        return Intent(kind="log", file=log, words=rest.lower())
    for kind in ("why", "thanks", "help"):
        if kind in said and not (kind == "help" and (named or (tables and not rest))):
            return Intent(kind=kind, words=words)
    if tables or named:
        return Intent(kind="table", file=named or tables[-1], words=rest)
    return Intent(kind="table" if asks(words) else "help", words=words)


def asks(words: str) -> bool:
    """Return whether words read like a request about a table: one of them says what to do."""
    said = [word.lower() for word in tokens(words)]
    phrases = {*said, *(" ".join(pair) for pair in pairwise(said))} - nothings()
    return any(lexicon()[phrase][0] in "OhTpizXxcSUR" for phrase in phrases if phrase in lexicon())
