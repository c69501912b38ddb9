"""Slack's wire form of the text that a person types."""

from __future__ import annotations

import re
from collections.abc import Mapping

# <@U…>, <#C…>, <!here>, <https://…>, each perhaps with a |label.
_MARK = (
    r"<(?:@[UWB][A-Z0-9]+|#C[A-Z0-9]+|!(?:here|channel|everyone|subteam\^\w+|date\^\d+[^<>]*)"
    r"|https?://[^<>\s|]+|mailto:[^<>\s|]+)(?:\|[^<>]*)?>"
)
_WIRE = re.compile(rf"(?:[^<>&]|&(?:amp|lt|gt);|{_MARK})*\Z")
_KEPT = re.compile(rf"({_MARK})")
_URL = re.compile(r"https?://[^\s<>|`\"'\\)\]}]*[^\s<>|`\"'\\)\]}.,;:!?]")
_NAME = re.compile(r"(?<![\w@/.])@([\w.-]*\w)")


def typed(text: str, names: Mapping[str, str] | None = None) -> str:
    """Return `text`, as typed, in Slack's wire form: `&`, `<`, `>` escaped, links in angle brackets, @name as <@id>.

    Mentions that are already written `<@U…>` stay. `names` maps lower-case names to user ids.
    """
    return "".join(piece if index % 2 else _escaped(piece, names or {}) for index, piece in enumerate(_KEPT.split(text)))


def written(text: str, names: Mapping[str, str]) -> str:
    """Return Slack's wire form as a person types it: the inverse of `typed`; `names` maps user ids to names.

    What would be typed differently, as a link with a label, keeps its angle brackets.
    """
    bare = re.sub(r"<@(\w+)>", lambda match: f"@{names[match[1]]}" if match[1] in names else match[0], text)
    bare = re.sub(r"<(https?://[^<>|\s]+)>", r"\1", bare)
    ids = {name.lower(): user for user, name in names.items()}
    plain, kept = (t.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for t in (bare, text))
    return plain if typed(plain, ids) == text else kept


def wire(text: str) -> str:
    """Return `text` unchanged if Slack could have sent it; else it was typed, and is escaped as such.

    A bare `<`, `>` or `&` cannot occur on the wire, so text that has one is what a person typed.
    """
    return text if _WIRE.match(text) else typed(text)


def _escaped(piece: str, names: Mapping[str, str]) -> str:
    pieces, done = [], 0
    for url in _URL.finditer(piece):
        pieces += [_with_mentions(piece[done : url.start()], names), f"<{_entities(url.group())}>"]
        done = url.end()
    return "".join([*pieces, _with_mentions(piece[done:], names)])


def _with_mentions(piece: str, names: Mapping[str, str]) -> str:
    def mention(match: re.Match[str]) -> str:
        user = names.get(match.group(1).lower())
        return f"<@{user}>" if user else match.group()

    return _NAME.sub(mention, _entities(piece))


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
