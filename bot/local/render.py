"""A Slack message as safe HTML for the page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Any

import nh3
from markdown_it import MarkdownIt

Names = Callable[[str], str]
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").enable("strikethrough")
_TAGS = {"p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "div", "span"}
_TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
_SPECIAL = re.compile(r"<([^<>\n]+)>")


def render_message(message: Mapping[str, Any], names: Names) -> str:
    """Return the message's blocks, else its text, as HTML in which nothing can act."""
    blocks = [_block(block, names) for block in message.get("blocks") or ()]
    shown = "".join(filter(None, blocks)) or _mrkdwn(str(message.get("text") or ""), names)
    return nh3.clean(
        shown,
        tags=_TAGS,
        attributes={"a": {"href", "target"}, "div": {"class"}, "span": {"class"}, "pre": {"class"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _block(block: Mapping[str, Any], names: Names) -> str:
    match block.get("type"):
        case "markdown":
            return str(_MARKDOWN.render(str(block.get("text") or "")))
        case "section":
            parts = [block.get("text"), *(block.get("fields") or ())]
            return "".join(f"<p>{_text(part, names)}</p>" for part in parts if part)
        case "header":
            return f"<h3>{_text(block.get('text') or {}, names)}</h3>"
        case "context":
            items = " · ".join(_text(e, names) for e in block.get("elements") or () if "text" in e)
            return f'<div class="context">{items}</div>'
        case "divider":
            return "<hr>"
        case "rich_text":
            return "".join(_rich(element, names) for element in block.get("elements") or ())
        case "alert":
            return f'<div class="alert">{_text(block.get("text") or {}, names)}</div>'
        case "task_card":
            return f"<p>{html.escape(str(block.get('title') or ''))}</p>"
        case "table":
            rows = "".join(f"<tr>{''.join(_cell(c) for c in row)}</tr>" for row in block.get("rows") or ())
            return f"<table><tbody>{rows}</tbody></table>"
    return ""


def _text(text: Mapping[str, Any] | str, names: Names) -> str:
    if isinstance(text, str):
        return _mrkdwn(text, names)
    raw = str(text.get("text") or "")
    return html.escape(raw).replace("\n", "<br>") if text.get("type") == "plain_text" else _mrkdwn(raw, names)


def _rich(element: Mapping[str, Any], names: Names) -> str:
    inner = "".join(_rich_piece(piece, names) for piece in element.get("elements") or ())
    match element.get("type"):
        case "rich_text_preformatted":
            return f"<pre>{inner}</pre>"
        case "rich_text_quote":
            return f"<blockquote>{inner}</blockquote>"
        case "rich_text_list":
            items = "".join(f"<li>{_rich(e, names)}</li>" for e in element.get("elements") or ())
            return f"<ul>{items}</ul>"
    return f"<p>{inner}</p>"


def _rich_piece(piece: Mapping[str, Any], names: Names) -> str:
    match piece.get("type"):
        case "text":
            return html.escape(str(piece.get("text") or "")).replace("\n", "<br>")
        case "link":
            return _link(str(piece.get("url") or ""), str(piece.get("text") or piece.get("url") or ""))
        case "user":
            return f'<span class="mention">@{html.escape(names(str(piece.get("user_id") or "")))}</span>'
    return ""


def _mrkdwn(text: str, names: Names) -> str:
    """Slack's own markup: fences, code, bold, italic, strike, quotes, links and mentions."""
    pieces = re.split(r"(```.*?```|`[^`\n]+`)", text, flags=re.S)
    return "".join(_code(p) if p.startswith("`") and len(p) > 2 else _line(p, names) for p in pieces)


def _code(piece: str) -> str:
    raw = _plain(piece)
    if piece.startswith("```"):
        return f"<pre>{html.escape(raw[3:-3].strip(chr(10)))}</pre>"
    return f"<code>{html.escape(raw[1:-1])}</code>"


def _plain(text: str) -> str:
    text = re.sub(r"<((?:https?|mailto):[^|>]+)(?:\|[^>]*)?>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _line(text: str, names: Names) -> str:
    out, last = [], 0
    for match in _SPECIAL.finditer(text):
        out += [_marks(text[last : match.start()]), _special(match[1], names)]
        last = match.end()
    return "".join([*out, _marks(text[last:])])


def _marks(text: str) -> str:
    shown = html.escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    for mark, tag in ((r"\*", "strong"), ("_", "em"), ("~", "del")):
        shown = re.sub(rf"(?<![\w*~]){mark}(?=\S)([^\n]+?)(?<=\S){mark}(?!\w)", rf"<{tag}>\1</{tag}>", shown)
    return shown.replace("\n", "<br>")


def _special(inner: str, names: Names) -> str:
    target, _, label = inner.partition("|")
    match target[:1]:
        case "@":
            return f'<span class="mention">@{html.escape(names(target[1:]))}</span>'
        case "#":
            return f'<span class="mention">#{html.escape(label or names(target[1:]))}</span>'
        case "!":
            return f'<span class="mention">@{html.escape(label or target[1:])}</span>'
    if re.match(r"(?:https?|mailto):", target):
        return _link(_plain(target), _plain(label or target))
    return html.escape(f"<{inner}>")


def _link(url: str, label: str) -> str:
    return f'<a href="{html.escape(url)}" target="_blank">{html.escape(label)}</a>'


def _cell(cell: Mapping[str, Any]) -> str:
    return f"<td>{html.escape(str(cell.get('text') or ''))}</td>"
