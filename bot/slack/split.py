"""Split long Markdown between its blocks; a piece that begins inside a block repeats how the block opens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")  # with the line ends that markdown-it counts


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text, and what stands before and after it so that it reads by itself."""

    body: str
    opening: str = ""
    closing: str = ""

    def __str__(self) -> str:
        return f"{self.opening}{self.body}{self.closing}"


@dataclass(slots=True)
class _Line:
    """A line, or several that stay together because they are `glued` to the one before, and what a cut adds there.

    `depth` is the nesting level of the block that starts here, 1000 if none does. A cut before the line ends the piece with
    `closing` and starts the next with `opening`; a cut inside the line, with `ending` and `resuming`.
    """

    text: str
    depth: int = 1_000
    opening: str = ""
    closing: str = ""
    resuming: str = ""
    ending: str = ""
    glued: bool = False


def split(text: str, size: int) -> list[Piece]:
    """Return pieces of at most `size` characters whose bodies, joined, are the text.

    A cut falls between blocks, else between the items of a list or quote, else between lines; a line is cut only where
    it fits no piece. The next piece repeats the opening line of a cut fence, the head of a table, the marker of an item.
    """
    if len(text) <= size:
        return [Piece(text)]
    lines = _lines(text, size)
    pieces: list[Piece] = []
    opening, left = "", len(text)
    while len(opening) + left > size:
        room = size - len(opening)
        if count := _fitting(lines, room):
            body = "".join(line.text for line in lines[:count])
            closing, following = lines[count].closing, lines[count].opening
            del lines[:count]
        else:
            line = lines[0]
            closing, following = line.ending and f"\n{line.ending}", line.resuming
            cut = _within(line.text, room - len(closing))
            body, line.text = line.text[:cut], line.text[cut:]
        pieces.append(Piece(body, opening, closing))
        opening, left = following, left - len(body)
    return [*pieces, Piece("".join(line.text for line in lines), opening)]


def _lines(text: str, size: int) -> list[_Line]:
    """Return the lines between which a cut may fall; what a cut adds is dropped if all of it is over half of `size`."""
    lines = [_Line(line) for line in _LINE.findall(text)]
    item = None
    for token in _MARKDOWN.parse(text):
        if token.map is None or token.type in {"inline", "thead_open", "tbody_open", "tr_open"}:
            continue
        first, *inner = lines[slice(*token.map)]
        first.depth = min(first.depth, token.level)
        markers = _markers(first.text) if token.level else ""
        match token.type:
            case "blockquote_open":
                for line in (first, *inner):
                    line.resuming += "> "
            case "list_item_open" if first is not item:
                item, after = first, _blank(markers)
                while inner and inner[-1].text.isspace():
                    inner.pop()
                opening = f"{markers}…\n{after.rstrip()}\n"
                _repeat(inner, size, opening, resuming=after)
                first.resuming = opening + after
            case "fence" if inner:
                after = _blank(first.text[: first.text.index(token.markup)])
                opening, closing = f"{after}{token.markup}{token.info}\n", f"{after}{token.markup}"
                if _repeat(inner, size, opening, closing, after if token.level else ""):
                    inner[0].glued = inner[-1].glued = True
            case "table_open" if len(inner) > 1:
                if _repeat(inner[1:], size, _blank(markers) + first.text[len(markers) :] + inner[0].text):
                    inner[0].glued = inner[1].glued = True
    together: list[_Line] = []
    for line in lines:
        if len(line.opening) + len(line.resuming) + len(line.closing) > size // 2:
            line.opening = line.resuming = line.closing = ""
        if line.glued:
            together[-1].text += line.text
        else:
            together.append(line)
        together[-1].resuming, together[-1].ending = line.opening + line.resuming, line.closing
    return together


def _repeat(lines: Sequence[_Line], size: int, opening: str, closing: str = "", resuming: str | None = None) -> bool:
    """Have a cut at each line repeat the opening, unless that is over a quarter of `size`; return whether it will."""
    if len(opening) > size // 4:
        return False
    for line in lines:
        line.opening, line.closing = line.opening + opening, closing or line.closing
        line.resuming = line.resuming if resuming is None else resuming
    return True


def _markers(line: str) -> str:
    """Return the quotes and list markers that a line begins with, and the spaces around them."""
    markers = re.match(r"(?:[ \t>]|(?:[-+*]|\d{1,9}[.)])(?:[ \t]|(?=\s)))*", line)
    assert markers
    return markers[0] if markers[0][-1:] in " \t>" else f"{markers[0]} "


def _blank(markers: str) -> str:
    """Return the prefix of the lines that continue one with these markers: all but `>` become spaces."""
    return re.sub(r"[^>\s]", " ", markers)


def _fitting(lines: Sequence[_Line], room: int) -> int:
    """Return how many lines the next piece takes: up to the least nested cut in its second half, else all that fit."""
    fitting: list[tuple[int, int]] = []
    used = 0
    for count, (line, after) in enumerate(pairwise(lines), 1):
        used += len(line.text)
        if used > room:
            break
        if used + len(after.closing) <= room:
            fitting.append((count, used))
    if full := [count for count, used in fitting if used >= room // 2]:
        return min(full, key=lambda count: (lines[count].depth, -count))
    return fitting[-1][0] if fitting else 0


def _within(text: str, room: int) -> int:
    """Return where to cut a line: after a space if possible, and not before ` or ~, which could open or close a fence."""
    for place in (r"\s(?=[^\s`~])", r"(?=[^\s`~])"):
        cuts = [cut for match in re.finditer(place, text[: room + 1]) if room // 2 < (cut := match.end()) <= room]
        if cuts:
            return cuts[-1]
    return room
