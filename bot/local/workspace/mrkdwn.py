"""Slack's own markup as HTML: the small language of `text` fields, not Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby

Names = Callable[[str], str]

_FENCE = re.compile(r"```\n?(.*?)\n?```", re.S)
_URL = r"https?://[^\s<>|`\"]*[^\s<>|`\"'*_~)\].,;:!?]"
_LONGEST_MARKED = 1000  # a bound, so that a text full of single marks takes no quadratic time
_TAGS = {"*": "strong", "_": "em", "~": "del"}


def mrkdwn(text: str, names: Names) -> str:
    """Return a text in Slack's markup as HTML; `names` gives the name of a user's or channel's id."""
    pieces = _FENCE.split(text)
    return "".join(_pre(piece) if index % 2 else _lines(piece, names) for index, piece in enumerate(pieces))


def escaped(text: str) -> str:
    """Return a text that has no markup as HTML."""
    return html.escape(text).replace("\n", "<br>")


def link(url: str, label: str) -> str:
    return f'<a href="{html.escape(url)}">{html.escape(label)}</a>'


def mention(name: str) -> str:
    return f'<span class="mention">{html.escape(name)}</span>'


def _decoded(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _pre(code: str) -> str:
    return f"<pre>{html.escape(_decoded(_without_links(code)))}</pre>"


def _without_links(code: str) -> str:
    """Undo the links that Slack makes of addresses, also in code."""
    return re.sub(r"<((?:https?|mailto):[^|<>]+)(?:\|([^<>]*))?>", lambda m: m[2] or m[1], code)


def _lines(text: str, names: Names) -> str:
    """Render lines outside fences: adjacent quotes or bullets become one block, other lines keep their breaks."""
    if not text.strip("\n"):
        return ""
    return "".join(_group(kind, list(lines), names) for kind, lines in groupby(text.strip("\n").split("\n"), _kind))


def _kind(line: str) -> str:
    if re.match(r"&gt;|>", line):
        return "quote"
    return "list" if re.match(r"\s*[-•] \S", line) else "text"


def _group(kind: str, lines: list[str], names: Names) -> str:
    if kind == "quote":
        inner = "<br>".join(_inline(re.sub(r"^(?:&gt;|>) ?", "", line), names) for line in lines)
        return f"<blockquote>{inner}</blockquote>"
    if kind == "list":
        items = (_inline(re.sub(r"^\s*[-•] ", "", line), names) for line in lines)
        return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
    return f'<div class="said">{"<br>".join(_inline(line, names) for line in lines)}</div>'


@cache
def _pattern(marks: str) -> re.Pattern[str]:
    """Return the pattern of what has markup in a line; `marks` are those that are not already open."""
    whole = r"`[^`]+`|<[^<>]+>"
    parts = [r"`(?P<code>[^`]+)`", r"<(?P<special>[^<>]+)>", f"(?P<url>{_URL})"]
    if marks:
        inner = rf"(?:{whole}|[^`<]){{1,{_LONGEST_MARKED}}}?"
        parts.append(rf"(?<!\w)(?P<mark>[{marks}])(?!\s|(?P=mark))(?P<inner>{inner})(?<!\s)(?<!(?P=mark))(?P=mark)(?!\w)")
    return re.compile("|".join(parts))


def _inline(text: str, names: Names, marks: str = "*_~") -> str:
    return "".join(_pieces(text, names, marks))


def _pieces(text: str, names: Names, marks: str) -> Iterator[str]:
    done = 0
    for markup in _pattern(marks).finditer(text):
        yield html.escape(_decoded(text[done : markup.start()]))
        done = markup.end()
        match markup.lastgroup:
            case "code":
                yield f"<code>{html.escape(_decoded(_without_links(markup['code'])))}</code>"
            case "special":
                yield _special(markup["special"], names)
            case "url":
                yield link(_decoded(markup["url"]), _decoded(markup["url"]))
            case _:
                tag = _TAGS[markup["mark"]]
                yield f"<{tag}>{_inline(markup['inner'], names, marks.replace(markup['mark'], ''))}</{tag}>"
    yield html.escape(_decoded(text[done:]))


def _special(inner: str, names: Names) -> str:
    """Render what stands in angle brackets: a user, a channel, a broadcast, a date or a link; else the text itself."""
    target, _, label = inner.partition("|")
    match target[:1]:
        case "@":
            return mention(f"@{_decoded(label) or names(target[1:])}")
        case "#":
            return mention(f"#{_decoded(label) or names(target[1:])}")
        case "!":
            called = _decoded(label) or target[1:]
            return html.escape(called) if target.startswith("!date") else mention(f"@{called.removeprefix('@')}")
    if re.match(r"(?:https?|mailto):", target):
        return link(_decoded(target), _decoded(label or target.removeprefix("mailto:")))
    return html.escape(_decoded(f"<{inner}>"))
