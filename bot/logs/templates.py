"""Templates of messages: a tree over masked messages, deterministic.

Families are found as in He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree" (ICWS 2017): messages of equal
length and equal first words lie in one leaf, and join the family there that they resemble most. Unlike there, a word
that varies becomes <*> only when it takes many values: "memory as bytes" and "memory as values" stay two templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .masking import METHODS, WILD

DEPTH = 2  # first words that a branch is made of
SIMILAR = 0.5  # share of equal words from which a message joins a family
FEW = 3
PATHS = 40  # and the path of a request, which names what was asked for
MEMBERS = 64  # templates of one family
BRANCHES = 100
MAX_WORDS = 60
_NAMED = re.compile(r"<\*>|\w[./]\w|/")  # a word that holds a variable already, or a path or a dotted name
_METHODS = frozenset(METHODS.split("|"))
_RUN = re.compile(r"<\*>(?:[ ,]?<\*>)+")
Words = tuple[str, ...]


@dataclass(slots=True)
class _Family:
    """Messages that differ in few words: the values that each word takes, None for one that became a variable."""

    values: list[dict[str, None] | None]
    members: dict[Words, int] = field(default_factory=dict)

    def likeness(self, words: Words) -> float:
        same = sum(v is not None and w in v for v, w in zip(self.values, words, strict=True))
        return same / len(words)

    def key(self, words: Words) -> Words:
        return tuple(WILD if v is None else w for v, w in zip(self.values, words, strict=True))


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    families: list[_Family] = field(default_factory=list)


class Tree:
    """Finds the template of each masked message; numbers are given in the order of first messages.

    A number may later stand for a more general template, together with others: `final` says for which.
    """

    def __init__(self) -> None:
        self._words: list[Words] = []
        self._merged: list[int] = []
        self._root = _Node()

    def place(self, masked: str) -> int:
        """Return the number of the template that the message belongs to."""
        words = tuple(masked.split()[:MAX_WORDS]) or ("",)
        leaf = self._leaf(words)
        family = max(leaf.families, key=lambda f: f.likeness(words), default=None)
        if family is None or family.likeness(words) < SIMILAR:
            family = _Family([{w: None} for w in words])
            leaf.families.append(family)
        for at, word in enumerate(words):
            values = family.values[at]
            if values is not None:
                values[word] = None
                if at and words[at - 1] in _METHODS and WILD not in values:
                    varies = len(values) > PATHS
                else:
                    varies = len(values) > 1 and (len(values) > FEW or any(map(_NAMED.search, values)))
                if varies:
                    self._vary(family, at)
        key = family.key(words)
        if key not in family.members:
            self._words.append(key)
            self._merged.append(len(self._merged))
            family.members[key] = len(self._merged) - 1
            while len(family.members) > MEMBERS:
                self._vary(family, max(range(len(words)), key=lambda at: len(family.values[at] or ())))
            key = family.key(words)
        return family.members[key]

    def final(self, number: int) -> int:
        """Return the number under which a template is known now."""
        while self._merged[number] != number:
            number = self._merged[number]
        return number

    def text(self, number: int) -> str:
        """The template as it is shown."""
        return _RUN.sub(WILD, " ".join(self._words[self.final(number)]))

    def _vary(self, family: _Family, at: int) -> None:
        """Make a word of the family a variable; templates that differed in it alone become one."""
        family.values[at] = None
        members: dict[Words, int] = {}
        for words, number in family.members.items():
            key = family.key(words)
            first = members.setdefault(key, number)
            self._merged[number] = first
            self._words[first] = key
        family.members = members

    def _leaf(self, words: Words) -> _Node:
        node = self._root.children.setdefault(str(len(words)), _Node())
        for word in words[:DEPTH]:
            key = WILD if WILD in word else word
            if key not in node.children and len(node.children) >= BRANCHES:
                key = WILD
            node = node.children.setdefault(key, _Node())
        return node
