"""Fingerprints of lines: the text of a line without its digits, computed for whole blocks at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .masking import METHODS

HEX = re.compile(rb"\b[0-9A-Fa-f]{8,}(?:-[0-9A-Fa-f]{4,})*\b")
_DIGITS = b"0123456789"
_LETTERS = bytes.maketrans(_DIGITS, b"ghijklmnop")
_FAILURES = {b"429", b"499", b"500", b"502", b"503", b"504"}


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Computes fingerprints; `statuses` are HTTP statuses with what to write for them, `hexed` drops long identifiers as well.

    A status would vanish with the other digits, so those of failures, and those in the sample, are written in letters first.
    """

    statuses: tuple[tuple[bytes, bytes], ...]
    hexed: bool

    @classmethod
    def learn(cls, sample: Sequence[str]) -> Fingerprints:
        """Learn from lines which statuses to keep, and whether many lines have an identifier of their own."""
        identified = sum(1 for line in sample if HEX.search(line.encode()))
        return cls(tuple(_statuses("\n".join(sample))), identified > len(sample) // 5)

    def of(self, data: bytes) -> bytes:
        """Return the fingerprints of lines, as many as there are lines."""
        if self.hexed:
            data = HEX.sub(b"#", data)
        for status, letters in self.statuses:
            data = data.replace(status, letters)
        return data.translate(None, _DIGITS)


def _statuses(sample: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield each status to keep, with the characters around it, and the same in letters."""
    patterns = [r"(?P<before>(?:status|code|Code)\"?[=:] ?\"?)(?P<n>[1-5]\d\d)(?P<after>\D)"]
    if re.search(rf"\b(?:{METHODS}) \S+(?: HTTP/[\d.]+\"?)? [1-5]\d\d\b", sample):
        patterns.append(r"(?P<before>\s)(?P<n>[1-5]\d\d)(?P<after>\s)")
    matches = [match for pattern in patterns for match in re.finditer(pattern, sample)]
    around = Counter((match["before"].encode(), match["after"].encode()) for match in matches)
    kept = _FAILURES | {match["n"].encode() for match in matches if match["n"][0] == "4"}
    for (before, after), _ in around.most_common(4):
        for status in sorted(kept)[:16]:
            yield before + status + after, before + status.translate(_LETTERS) + after
