"""How the values of a number column make one figure: money and counts are summed, rates and prices averaged, keys neither."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


def adds(name: str, unit: str, least: float = 0, most: float = 0, distinct: int = 0) -> str:
    """Return `sum`, `mean` or `none` (a key, a place, a year) for a column's name, unit and values; "" when neither tells."""
    words = words_of(name)
    if not words or "_".join(words) in _words("none") or words[-1] in _words("last none"):
        return "none"
    if words[-1] in {"index", "idx", "obs"} and distinct > 10 and most - least + 1 == distinct:
        return "none"  # numbers of rows
    if _words("always mean") & set(words) or unit in {"%", "‰"} or "%" in name or "/" in re.sub(r"\b[nN]/[aA]\b", "", name):
        return "mean"
    if words[0] in _words("first sum") and len(words) > 1:
        return "sum"
    for word in (words[-1], *words[:-1]):
        for section in ("sum", "mean", "none"):
            if word in _words(section):
                return section
    for section in ("sum", "mean"):
        if any(word.endswith(end) for word in words for end in _words(f"compound {section}")):
            return section  # Gesamtumsatz, Stückpreis
    return "sum" if unit else ""


def words_of(name: str) -> list[str]:
    """Return the words of a column's name in lower case: of `OrderTotal`, `order_total` and `Order total (EUR)`."""
    spaced = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W_]+", spaced)]


@cache
def _words(section: str) -> frozenset[str]:
    """Return the words of a section of measures.txt."""
    text = Path(__file__).with_name("measures.txt").read_text(encoding="utf-8")
    return frozenset(text.partition(f"[{section}]")[2].partition("[")[0].split())
