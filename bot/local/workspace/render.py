"""A Slack message as safe HTML for the page: its blocks, else its text, then its attachments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import nh3
from markdown_it import MarkdownIt

from bot.local.workspace.mrkdwn import Names, escaped, link, mention, mrkdwn

Block = Mapping[str, Any]

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_CLEANER = nh3.Cleaner(
    tags={
        "p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "div", "span",
        "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
    },
    attributes={"a": {"href"}, "ol": {"start"}, "details": {"open"}},
    allowed_classes={
        "div": {"said", "context", "fields", "plan", "attachment", "table",
                "alert", "info", "success", "warning", "error",
                "task", "pending", "in_progress", "complete"},
        "span": {"mention"},
        "td": {"right", "center"},
        "th": {"right", "center"},
    },
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
)  # fmt: skip


def render_message(message: Mapping[str, Any], names: Names) -> str:
    """Return a message as HTML in which nothing can act or load; `names` gives the name of a user's or channel's id.

    Buttons and menus are left out: the page draws them itself.
    """
    markup = "".join(_block(block, names) for block in _maps(message.get("blocks")))
    markup = markup or _markdown(message.get("markdown_text")) or mrkdwn(_string(message.get("text")), names)
    markup += "".join(_attachment(attachment, names) for attachment in _maps(message.get("attachments")))
    return _CLEANER.clean(markup)


def _maps(value: Any) -> Iterator[Block]:
    """Yield the objects of what should be a list of objects."""
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, Mapping))


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(value: Any, names: Names) -> str:
    """Render a text object, or a bare text in Slack's markup."""
    if isinstance(value, Mapping):
        text = _string(value.get("text"))
        return escaped(text) if value.get("type") == "plain_text" else mrkdwn(text, names)
    return mrkdwn(_string(value), names)


def _markdown(value: Any) -> str:
    """Render Markdown; each table is in a box of its own, so that a wide one scrolls."""
    markup = str(_MARKDOWN.render(_string(value)))
    return markup.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")


def _block(block: Block, names: Names) -> str:
    match block.get("type"):
        case "markdown":
            return _markdown(block.get("text"))
        case "section":
            return _section(block, names)
        case "header":
            return f"<h3>{_text(block.get('text'), names)}</h3>"
        case "context":
            markup = [_text(element, names) for element in _maps(block.get("elements")) if element.get("type") != "image"]
            return f'<div class="context">{"".join(markup)}</div>' if markup else ""
        case "divider":
            return "<hr>"
        case "image":
            return _image(block, names)
        case "rich_text":
            return "".join(_rich(element, names) for element in _maps(block.get("elements")))
        case "table":
            return _table(block, names)
        case "alert":
            return f'<div class="alert {_string(block.get("level"))}">{_text(block.get("text"), names)}</div>'
        case "task_card":
            return _task(block, names)
        case "plan":
            tasks = "".join(_task(task, names) for task in _maps(block.get("tasks")))
            return f'<div class="plan"><strong>{escaped(_string(block.get("title")))}</strong>{tasks}</div>'
        case "container":
            return _container(block, names)
        case "card":
            parts = (_text(block.get(name), names) for name in ("title", "subtitle", "body"))
            return f'<div class="attachment">{"".join(parts)}</div>'
        case "carousel":
            return "".join(_block(card, names) for card in _maps(block.get("elements")))
    return ""


def _section(block: Block, names: Names) -> str:
    text = _text(block.get("text"), names)
    fields = "".join(f"<div>{_text(field, names)}</div>" for field in _maps(block.get("fields")))
    return f"<div>{text}</div>" * bool(text) + f'<div class="fields">{fields}</div>' * bool(fields)


def _image(block: Block, names: Names) -> str:
    """Render a picture as its title and a link; it is never loaded."""
    title = _text(block.get("title"), names) or escaped(_string(block.get("alt_text")))
    url = _string(block.get("image_url"))
    return f'<div class="context">{title} {link(url, "Open the picture") if url else ""}</div>'


def _container(block: Block, names: Names) -> str:
    inner = "".join(_block(child, names) for child in _maps(block.get("child_blocks")))
    title = _text(block.get("title"), names)
    if not block.get("is_collapsible"):
        return f'<div class="attachment">{f"<strong>{title}</strong>" if title else ""}{inner}</div>'
    opened = "" if block.get("default_collapsed") else " open"
    return f"<details{opened}><summary>{title or 'More'}</summary>{inner}</details>"


def _task(block: Block, names: Names) -> str:
    status = _string(block.get("status")) or "pending"
    more = "".join(_block(part, names) for part in _maps([block.get("details"), block.get("output")]))
    return f'<div class="task {escaped(status)}">{escaped(_string(block.get("title")))}{more}</div>'


def _attachment(attachment: Block, names: Names) -> str:
    title, url = _string(attachment.get("title")), _string(attachment.get("title_link"))
    markup = [_text(attachment.get("pretext"), names)]
    markup += [f"<strong>{link(url, title) if url else escaped(title)}</strong>"] if title else []
    markup += [_text(attachment.get("text"), names)]
    for field in _maps(attachment.get("fields")):
        markup += [f"<strong>{escaped(_string(field.get('title')))}</strong>", _text(field.get("value"), names)]
    markup += [_block(block, names) for block in _maps(attachment.get("blocks"))]
    inner = "".join(markup) or escaped(_string(attachment.get("fallback")))
    return f'<div class="attachment">{inner}</div>' if inner else ""


def _table(block: Block, names: Names) -> str:
    settings = block.get("column_settings")
    aligns = [_string(setting.get("align")) for setting in _maps(settings)]
    rows = block.get("rows")
    markup = ""
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        tag = "th" if number == 0 else "td"
        cells = ""
        for column, cell in enumerate(_maps(row)):
            align = aligns[column] if column < len(aligns) else ""
            cells += f'<{tag} class="{escaped(align)}">{_cell(cell, names)}</{tag}>'
        markup += f"<tr>{cells}</tr>"
    return f'<div class="table"><table><tbody>{markup}</tbody></table></div>'


def _cell(cell: Block, names: Names) -> str:
    if cell.get("type") == "rich_text":
        return _block(cell, names)
    value = cell.get("text", cell.get("value"))
    return escaped(value if isinstance(value, str) else "" if value is None else str(value))


def _rich(element: Block, names: Names) -> str:
    pieces = list(_maps(element.get("elements")))
    match element.get("type"):
        case "rich_text_preformatted":
            code = "".join(escaped(_string(piece.get("text")) or _string(piece.get("url"))) for piece in pieces)
            # A line break as it is: <br> inside <pre> would be copied as one, too, but not found by a search.
            code = code.replace("<br>", "\n")
            return f"<pre>{code}</pre>"
        case "rich_text_list":
            tag = "ol" if element.get("style") == "ordered" else "ul"
            items = "".join(f"<li>{_rich_line(item, names)}</li>" for item in pieces)
            return f"<{tag}>{items}</{tag}>"
        case "rich_text_quote":
            return f"<blockquote>{_rich_line(element, names)}</blockquote>"
    return f'<div class="said">{_rich_line(element, names)}</div>'


def _rich_line(element: Block, names: Names) -> str:
    return "".join(_styled(piece, names) for piece in _maps(element.get("elements")))


def _styled(piece: Block, names: Names) -> str:
    markup = _rich_piece(piece, names)
    style = piece.get("style")
    for name, tag in (("code", "code"), ("bold", "strong"), ("italic", "em"), ("strike", "del")):
        if isinstance(style, Mapping) and style.get(name):
            markup = f"<{tag}>{markup}</{tag}>"
    return markup


def _rich_piece(piece: Block, names: Names) -> str:
    match piece.get("type"):
        case "text":
            return escaped(_string(piece.get("text")))
        case "link":
            url = _string(piece.get("url"))
            return link(url, _string(piece.get("text")) or url)
        case "user" | "channel" as kind:
            return mention(f"{'@' if kind == 'user' else '#'}{names(_string(piece.get(f'{kind}_id')))}")
        case "broadcast":
            return mention(f"@{_string(piece.get('range'))}")
        case "emoji":
            return escaped(f":{_string(piece.get('name'))}:")
        case "date":
            return escaped(_string(piece.get("fallback")))
    return ""
