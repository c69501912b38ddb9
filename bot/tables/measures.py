"""How the values of a number column make one figure: money and counts are summed, rates and prices averaged, keys neither."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path


def adds(name: str, unit: str, numbers: Sequence[int | float]) -> str:
    """Return `sum`, `mean` or `none` (a key, a place, a year) for a column's name, unit and values; "" when neither tells."""
    words = words_of(name)
    joined = "_".join(words)
    if not words or joined in _words("none") or words[-1] in {"id", "ids", "code", "key", "zip", "lat", "lon", "year"}:
        return "none"
    if (
        _words("always mean") & set(words)
        or unit in {"%", "‰"}
        or "%" in name
        or "/" in re.sub(r"\b[nN]/[aA]\b", "", name)
    ):
        return "mean"
    if words[0] in {"total", "sum", "number", "count", "num", "n", "gesamt", "anzahl"} and len(words) > 1:
        return "sum"
    for word in (words[-1], *words[:-1]):
        if word in _words("sum"):
            return "sum"
        if word in _words("mean"):
            return "mean"
        if word in _words("none"):
            return "none"
    if numbers and all(isinstance(n, int) and 1500 <= n <= 2100 for n in numbers) and "year" in name.lower():
        return "none"
    if unit:
        return "sum"
    return ""


def words_of(name: str) -> list[str]:
    """Return the words of a column's name in lower case: of `OrderTotal`, `order_total` and `Order total (EUR)`."""
    spaced = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W_]+", spaced)]


@cache
def _words(section: str) -> frozenset[str]:
    """Return the words of a section of measures.txt."""
    text = Path(__file__).with_name("measures.txt").read_text(encoding="utf-8")
    return frozenset(text.partition(f"[{section}]")[2].partition("[")[0].split())
