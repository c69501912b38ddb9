"""What a message is about: a table, a log, a script, a file to save, or nothing that the planner does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from bot.local.planner.words import known, lexicon, nothings, tokens
from bot.logs import is_log
from bot.tables import is_table

_EDITED = re.compile(r"\(They edited an earlier message[^\n]*\n")
_RUN = re.compile(r"(?:please\s+)?(?:run|execute|start|try|fix|mend|repair)\b")
_LOG = re.compile(r"\bwhy\b|\bw(?:ent|rong)\b|\bgo wrong|\berrors?\b|\bspikes?\b|\bbroke\b|\bcause\b|\bfail(?:ed|s|ing)?\b|\bcrash")
_LOG_WORDS = frozenset(known()["log"]["words"].split())
_THANKS = re.compile(
    r"\s*(?:thanks?|thank you|thx|great|nice|cool|ok(?:ay)?|perfect|danke|merci|hello|hi|hey)\b.{0,20}", re.I | re.S
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """`kind` is table, log, run, save, list, long, why, thanks or help."""

    kind: str
    file: str = ""
    words: str = ""
    args: tuple[str, ...] = ()
    at: str = ""  # HH:MM
    count: int = 60
    strange: tuple[str, ...] = ()  # words about a log that are not understood


def intent_of(words: str, files: Sequence[str], kinds: Mapping[str, str] = MappingProxyType({})) -> Intent:
    """Return what a message is about, given the thread's files, the last mentioned last, and which are tables and logs.

    Of a file that is not among `kinds`, its name says what it is.
    """
    words = _EDITED.sub("", words)
    text = " ".join(re.sub(r"```.*?```", " ", words, flags=re.S).split())
    named = next((f for f in sorted(files, key=len, reverse=True) if f.lower() in text.lower()), "")
    rest = re.sub(re.escape(named), " ", text, flags=re.I).strip() if named else text
    low = rest.lower()
    logs = [f for f in files if kinds.get(f) == "log" or (is_log(f) and kinds.get(f) != "table")]
    scripts = [f for f in files if f.endswith(".py")]
    tables = [f for f in files if (is_table(f) or kinds.get(f) == "table") and not f.startswith("output/")]
    tables = tables or [f for f in files if f.lower().endswith(".txt") and f not in logs]  # Excel calls its text so
    if re.search(r"\bcount slowly|\bsomething long|\blong run|\btake your time", low):
        number = re.search(r"\b(\d{1,4})\b", low)
        return Intent(kind="long", words=words, count=int(number[1]) if number else 60)
    if re.search(r"\b(?:save|store|keep|write)\b.*\bas\b", low) and "```" in words:
        return Intent(kind="save", file=named, words=words)
    if _RUN.match(low) and (named.endswith(".py") or (scripts and not named)):
        after = rest.split()[1:] if named else []
        prose = after and after[0].lower().strip(",.") in {"and", "then", "please", "to", "it", "with", "for", "in"}
        return Intent(kind="run", file=named or scripts[-1], words=words, args=() if prose else tuple(after))
    if re.fullmatch(r"(?:(?:what|which|list|show)\s+)*(?:the |me |my )*files?\b.{0,20}", low):
        return Intent(kind="list", words=words)
    log = (
        named
        if named in logs
        else logs[-1]
        if logs and not named and not (tables and files[-1] in tables and files[-1] not in logs)
        else ""
    )
    if log and (_LOG.search(low) or (named in logs and named not in tables)):
        at = re.search(r"\b(\d{1,2}:\d\d)\b", low)
        said = re.findall(r"[^\W\d_][\w'-]*", re.sub(r"\d{1,2}:\d\d", " ", low))
        strange = tuple(word for word in said if word not in _LOG_WORDS)
        return Intent(kind="log", file=log, words=words, at=at[1] if at else "", strange=strange)
    if re.fullmatch(r"(?:but |and )?why\b.{0,12}|what (?:went wrong|happened)\W*", low):
        return Intent(kind="why", words=words)
    if _THANKS.fullmatch(low):
        return Intent(kind="thanks", words=words)
    if re.fullmatch(r"(?:help|\W*|what can you do.{0,12}|what do you understand\W*|how does this work\W*)", low) and not named:
        return Intent(kind="table", file=tables[-1], words=words) if tables and not low else Intent(kind="help", words=words)
    if tables or named:
        return Intent(kind="table", file=named or tables[-1], words=rest)
    return Intent(kind="table" if asks(words) else "help", words=words)


def asks(words: str) -> bool:
    """Return whether words read like a request about a table: one of them says what to do."""
    phrases = lexicon()
    said = [word.lower() for word in tokens(words)]
    pairs = {*said, *(" ".join(pair) for pair in pairwise(said))} - nothings()
    return any(phrases[pair][0] in "OhTpizXxcSUR" for pair in pairs if pair in phrases)
