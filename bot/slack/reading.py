"""Read what a message says: its text, its blocks, its attachments and forwards, and its files; pure.

Shapes: https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.ports import Overheard
from bot.thread.request import Upload

Payload = Mapping[str, Any]
_LINK = re.compile(r"<(?P<url>(?:https?|mailto|tel|ftp):[^|>\s]+)(?:\|(?P<label>[^>]*))?>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#(?P<id>[CGD][A-Z0-9]+)(?:\|(?P<name>[^>]*))?>")
_SPECIAL = re.compile(r"<!(?P<what>[a-z]+)(?:\^[^|>]*)?(?:\|(?P<label>[^>]*))?>")
_TEXTS = ("header", "pretext", "title", "text", "fallback", "alt_text", "caption", "value")


def mentioned(text: str) -> list[str]:
    """Return the ids of the people whom the text mentions."""
    return _MENTION.findall(text)


def plain(raw: str, bot_user: str) -> str:
    """Return the text as its author typed it: without a leading mention of the bot, Slack's links and escapes undone.

    Channels and groups become names, people marks (`PERSON`), as Slack sends their ids alone.
    """
    text = re.sub(rf"^\s*<@{bot_user}(?:\|[^>]*)?>[ \t,:]*\n?", "", raw, count=1) if bot_user else raw
    text = _LINK.sub(lambda m: m["label"] if m["label"] and m["label"] in m["url"] else m["url"], text)
    text = _MENTION.sub("\ue000\\1\ue001", text)
    text = _CHANNEL.sub(lambda m: f"#{m['name'] or m['id']}", text)
    text = _SPECIAL.sub(lambda m: m["label"] or f"@{m['what']}", text)
    # Slack escapes these three and no others: anything else that looks like an entity was typed as it stands.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def words(message: Payload, bot_user: str = "") -> str:
    """Return all that a message says: its text, then what its blocks say beyond it, then its attachments and forwards."""
    said = plain(str(message.get("text") or ""), bot_user)
    parts = [said] if said.strip() else []
    blocks = [] if message.get("user") and said.strip() and not message.get("bot_id") else _list(message.get("blocks"))
    for text in (plain(text, "") for block in blocks for text in _block(block)):
        if _squeezed(text) not in _squeezed("\n".join(parts)):
            parts.append(text)
    parts += [text for attachment in _list(message.get("attachments")) if (text := _attachment(attachment))]
    return "\n".join(parts)


def uploads(message: Payload) -> tuple[Upload, ...]:
    """Return the files of a message and of what it forwards, each once."""
    files = _list(message.get("files"))
    files += [file for attachment in _list(message.get("attachments")) for file in _list(attachment.get("files"))]
    return tuple({file["id"]: upload_from(file) for file in files if file.get("id")}.values())


def upload_from(file: Payload) -> Upload:
    """Return a file as an event describes it; its id stands in for a name that only `files.info` gives."""
    return Upload(
        id=str(file["id"]), name=str(file.get("name") or file.get("title") or file["id"]), size=int(file.get("size") or 0),
        mimetype=str(file.get("mimetype") or "application/octet-stream"),
    )  # fmt: skip


def overheard(message: Payload) -> Overheard:
    """Return a message of the thread by anybody, other bots too."""
    user = str(message.get("user") or message.get("username") or message.get("bot_id") or "somebody")
    return Overheard(ts=str(message["ts"]), user=user, text=words(message), uploads=uploads(message))


def _attachment(attachment: Payload) -> str:
    """Return what an attachment says; a forwarded message with its author, the preview of a web page nothing."""
    forwarded = attachment.get("is_msg_unfurl") or attachment.get("is_share")
    if not forwarded and (attachment.get("original_url") or attachment.get("from_url")):
        return ""
    texts = [str(attachment[key]) for key in ("pretext", "title", "text") if attachment.get(key)]
    texts += [f"{field.get('title') or ''}: {field.get('value') or ''}".strip(": ") for field in _list(attachment.get("fields"))]
    inner = [block for m in _list(attachment.get("message_blocks")) for block in _list((m.get("message") or {}).get("blocks"))]
    for text in (text for block in [*_list(attachment.get("blocks")), *inner] for text in _block(block)):
        if _squeezed(text) not in _squeezed("\n".join(texts)):
            texts.append(text)
    text = plain("\n".join(texts) or str(attachment.get("fallback") or ""), "")
    if not forwarded:
        return text
    author = attachment.get("author_name") or attachment.get("author_subname") or "somebody"
    return f"(Forwarded, {author} wrote:)\n{text}" if text.strip() else ""


def _block(block: Payload) -> Iterator[str]:
    """Yield the texts of one block, in the order in which they are read."""
    match block.get("type"):
        case "rich_text":
            yield "\n".join(_rich(element) for element in _list(block.get("elements")))
        case "table" | "data_table":
            rows = [row if isinstance(row, list) else _list(row.get("cells")) for row in block.get("rows") or ()]
            yield "\n".join(" | ".join(" ".join(_texts(cell)) for cell in row) for row in rows)
        case "actions" | "divider" | "input":
            return
        case _:
            yield from _texts(block)


def _rich(element: Payload) -> str:
    """Return an element of rich text: a section, list, quote or code."""
    parts = _list(element.get("elements"))
    match element.get("type"):
        case "rich_text_list":
            indent = "  " * int(element.get("indent") or 0)
            marks = (f"{n}." if element.get("style") == "ordered" else "-" for n in range(1, len(parts) + 1))
            return "\n".join(f"{indent}{mark} {_rich(part)}" for mark, part in zip(marks, parts, strict=True))
        case "rich_text_quote":
            return "\n".join(f"> {line}" for line in "".join(map(_inline, parts)).splitlines())
        case "rich_text_preformatted":
            return f"```\n{''.join(map(_inline, parts))}\n```"
    return "".join(map(_inline, parts))


def _inline(part: Payload) -> str:
    """Return one piece of a line as Slack's text has it."""
    match part.get("type"):
        case "user":
            return f"<@{part.get('user_id')}>"
        case "channel":
            return f"<#{part.get('channel_id')}>"
        case "broadcast":
            return f"@{part.get('range')}"
        case "emoji":
            return f":{part.get('name')}:"
        case "link":
            return _escaped(str(part.get("text") or part.get("url") or ""))
    return _escaped(str(part.get("text") or part.get("fallback") or part.get("value") or ""))


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a block or cell of any other kind."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        if value.get("type") == "rich_text":
            yield from _block(value)
            return
        for key, item in value.items():
            if isinstance(item, str):
                if key in _TEXTS and item.strip():
                    yield _escaped(item) if value.get("type") in {"plain_text", "raw_text"} else item
            elif isinstance(item, int | float) and key == "value":
                yield f"{item}"
            elif key not in {"accessory", "confirm"}:
                yield from _texts(item)


def _escaped(text: str) -> str:
    """Return text that Slack sends as it is in the form in which it sends all other text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _list(value: Any) -> list[Any]:
    """Return the objects of a list, of anything else none."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _squeezed(text: str) -> str:
    """Return the letters and digits of a text, so that the same words in another form are known again."""
    return "".join(c for c in text if c.isalnum())
