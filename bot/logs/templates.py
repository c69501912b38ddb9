"""Finds the templates of masked messages with a tree; the same messages in the same order give the same templates.

Families are found as in He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree" (ICWS 2017): messages of equal
length and equal first words share a leaf, and join its most similar family. Unlike in Drain, a word becomes <*> only when it
takes many values: "memory as bytes" and "memory as values" stay two templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .masking import METHODS, WILD

DEPTH = 2  # first words of a message that lead to its leaf
SIMILAR = 0.5  # share of equal words from which a message joins a family
FEW = 3  # values of a word that stay words
PATHS = 40  # values of a request's path that stay, since a path names what was asked for
MEMBERS = 64  # templates of one family, at most
BRANCHES = 100  # children of one node, at most
MAX_WORDS = 60  # words of a message that are looked at
_VARIABLE = re.compile(r"<\*>|\w[./]\w|/")  # in a word: it holds a variable, a path or a dotted name
_METHODS = frozenset(METHODS.split("|"))
_RUN = re.compile(r"<\*>(?:[ ,]?<\*>)+")
Words = tuple[str, ...]


@dataclass(slots=True)
class _Family:
    """Messages that differ in few words: the values of each word (None once it is a variable), and the numbers of templates."""

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
    """Finds the template of each masked message, and numbers templates in the order in which they first occur.

    Templates merge when a word becomes a variable; `final` maps the number of a merged template to the one that stays.
    """

    def __init__(self) -> None:
        self._words: list[Words] = []
        self._merged: list[int] = []
        self._root = _Node()

    def place(self, masked: str) -> int:
        """Return the number of the template that the message belongs to."""
        words = tuple(masked.split()[:MAX_WORDS]) or ("",)
        leaf = self._root.children.setdefault(str(len(words)), _Node())
        for word in words[:DEPTH]:
            branch = WILD if WILD in word else word
            if branch not in leaf.children and len(leaf.children) >= BRANCHES:
                branch = WILD
            leaf = leaf.children.setdefault(branch, _Node())
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
                    varies = len(values) > 1 and (len(values) > FEW or any(map(_VARIABLE.search, values)))
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
        """Return the number that a template has now."""
        while self._merged[number] != number:
            number = self._merged[number]
        return number

    def text(self, number: int) -> str:
        """Return a template as it is shown, with neighbouring <*> as one."""
        return _RUN.sub(WILD, " ".join(self._words[self.final(number)]))

    def _vary(self, family: _Family, at: int) -> None:
        """Make a word of the family a variable, and merge the templates that differ in it alone."""
        family.values[at] = None
        members: dict[Words, int] = {}
        for words, number in family.members.items():
            key = family.key(words)
            first = members.setdefault(key, number)
            self._merged[number] = first
            self._words[first] = key
        family.members = members
