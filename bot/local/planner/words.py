"""Marks the words of a request: each is a word of the grammar, a column, a value of the table, a number, a time, or unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from bot.local.planner import data
from bot.tables import Profile

_TOKEN = re.compile(
    r"“[^”]*”|\"[^\"]*\"|`[^`]*`|\d{4}-\d\d-\d\d|\d{4}-\d\d(?!\d)|\d{4} ?[Qq][1-4]|[Qq][1-4] \d{4}|[-−]?\d+(?:,\d{3})*(?:\.\d+)?%?"
    r"|[<>=!]=|[<>=&]|[^\W\d_][\w'’.&/+-]*[\w+]|\w+|,"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A phrase of a request: its tag, its words as written, and what it stands for."""

    tag: str
    text: str
    means: Any = None


@cache
def lexicon() -> dict[str, tuple[str, Any]]:
    """Return the tag and the meaning of each known phrase."""
    words: dict[str, tuple[str, Any]] = {}
    for tag, phrases in data("words")["tags"].items():
        words |= dict.fromkeys(phrases, (tag, None))
    for tag, meanings in data("words")["meant"].items():
        for meaning, phrases in meanings.items():
            words |= dict.fromkeys(phrases, (tag, int(meaning) if meaning.isdecimal() else meaning))
    return words | dict.fromkeys(data("words")["nothing"]["phrases"], ("", None))


def tokens(text: str) -> list[str]:
    """Return the words of a request, without code, and with quoted words together."""
    bare = re.sub(r"```.*?```", " ", text, flags=re.S)
    return [token.rstrip(".") for token in _TOKEN.findall(bare)]


def phrases(text: str) -> list[str]:
    """Return every group of up to five words that may be a value of a table."""
    words, nothing = tokens(text), nothings()
    spans = (words[i : i + n] for n in range(1, 6) for i in range(len(words) - n + 1))
    said = (
        " ".join(unquoted(word) for word in span)
        for span in spans
        if not all(word.lower() in nothing and not _shouted(word) for word in span)  # HI and ME are states
    )
    return list(dict.fromkeys(said))[:200]


def nothings() -> frozenset[str]:
    """Return the words that say nothing by themselves."""
    return frozenset(word for word in data("words")["nothing"]["words"].split() if not word.endswith("?"))


def marks(text: str, profile: Profile) -> list[Mark]:
    """Return the phrases of a request in order: columns and values of the table before words of the grammar, longer ones first."""
    words, place, result = tokens(text), 0, list[Mark]()
    while place < len(words):
        for length in range(min(6, len(words) - place), 0, -1):
            span = words[place : place + length]
            if mark := _mark(span, profile, len(words) - place - length):
                break
        else:
            length, mark = 1, Mark("?", words[place])
        place += length
        if mark.tag:
            result.append(mark)
    return result


def _mark(span: Sequence[str], profile: Profile, after: int) -> Mark | None:
    text = " ".join(unquoted(word) for word in span)
    low, quoted = text.lower(), len(span) == 1 and span[0][:1] in '“"`'
    if len(span) > 1 and any(re.fullmatch(r"\W+", word) for word in span):
        return None  # a comma and a sign stand for themselves
    columns = [c for c in profile.columns if normal(re.sub(r" \(\d+\)$", "", c.name)) == normal(text)]
    if quoted and (exact := [c for c in profile.columns if c.name == text]):
        columns = exact
    hits = [f for f in profile.found if f.phrase.lower() == low]
    entry = None if quoted else lexicon().get(low)
    if hits and _shouted(text):
        return Mark("V", text, hits)
    if columns and (entry is None or entry[0] == "P" or low == columns[0].name.lower()):
        return Mark("C" if columns[0].kind == "number" else "G", text, columns)
    if entry and not (len(span) > 1 and hits) and not (_shouted(text) and len(text) == 2 and not hits and entry[0] in "f&=o!aBi"):
        return Mark(entry[0], text, entry[1])
    if hits:
        return Mark("V", text, hits)
    if quoted or len(span) > 1:
        return Mark("?", text) if quoted else None
    if low in nothings():
        return Mark("?", text) if _shouted(text) and low != "i" else Mark("", text)
    if normal(text) in {normal(word) for word in re.findall(r"[^\W\d_]+", profile.file.rsplit(".", 1)[0])}:
        return Mark("r", text)
    if time := _time(low):
        return time
    if re.fullmatch(r"[-−]?[\d,]+(?:\.\d+)?%?", low):
        number = float(low.replace(",", "").replace("−", "-").rstrip("%"))
        return Mark("N", text, int(number) if number.is_integer() else number)
    if top := re.fullmatch(r"top(\d+)", low):
        return Mark("T", text, int(top[1]))
    partly = [c for c in profile.columns if normal(text) in {normal(word) for word in _words(c.name)}]
    if partly and len(low) > 2:
        return Mark("C" if all(c.kind == "number" for c in partly) else "G", text, partly)
    return None


def _time(low: str) -> Mark | None:
    if day := re.fullmatch(r"(\d{4})-(\d\d)(?:-(\d\d))?", low):
        return Mark("D", low, tuple(int(part) for part in day.groups() if part))
    if quarter := re.fullmatch(r"(\d{4}) ?q([1-4])|q([1-4]) (\d{4})", low):
        year, number = quarter[1] or quarter[4], quarter[2] or quarter[3]
        return Mark("D", low, (int(year), f"q{number}"))
    return Mark("Y", low, int(low)) if re.fullmatch(r"1[5-9]\d\d|20\d\d", low) else None


def normal(text: str) -> str:
    """Return a name as it is compared: its words in lower case and in the singular, without marks between them."""
    return " ".join(_singular(word) for word in _words(text))


def _words(text: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", text)
    return [word.lower() for word in re.findall(r"[^\W_]+|%", spaced)]


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _shouted(text: str) -> bool:
    """Whether a phrase is written in capitals, as a code is and a word of the grammar is not."""
    return text.isupper() and len(text) > 1 and any(c.isalpha() for c in text)


def unquoted(word: str) -> str:
    """Return a word without the quotes around it."""
    return word[1:-1] if len(word) > 1 and word[0] in '“"`' else word


def other_language(text: str) -> str:
    """Return the sentence in the language of a request that is not English; "" for English."""
    english = {word for phrase in lexicon() for word in phrase.split()} | nothings()
    unknown = [word for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in english]
    scored = [(sum(word in listed.split() for word in unknown), said) for listed, said in data("words")["languages"].values()]
    score, said = max(scored)
    return str(said) if score >= 2 else ""
