"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.local.workspace.arguments import FLAG, JSON, LIST, TEXT, ApiError, Method
from bot.local.workspace.blocks import check_blocks
from bot.local.workspace.context import Site
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import POST, TIER_3, TIER_4
from bot.local.workspace.methods.access import find_message, joined_channel, own_message, thread_root
from bot.local.workspace.people import BOT_USER
from bot.local.workspace.streams import MARKDOWN_LIMIT

POST_LIMIT = 40_000
UPDATE_LIMIT = 4_000
METADATA_LIMIT = 8_000


def content(arguments: Json, limit: int) -> Json:
    """Return the given fields of a message (text, blocks, attachments, metadata), checked as Slack checks them."""
    fields: Json = {}
    if "markdown_text" in arguments:
        if arguments.get("text") or arguments.get("blocks"):
            raise ApiError("markdown_text_conflict")
        text = arguments["markdown_text"]
        if len(text) > MARKDOWN_LIMIT:
            raise ApiError("msg_too_long")
        fields |= {"text": text, "blocks": [{"type": "markdown", "text": text}] if text else []}
    if "text" in arguments:
        if len(arguments["text"]) > limit:
            raise ApiError("msg_too_long")
        fields["text"] = arguments["text"]
    if "blocks" in arguments:
        fields["blocks"] = check_blocks(arguments["blocks"])
    if "attachments" in arguments:
        if not isinstance(arguments["attachments"], list):
            raise ApiError("invalid_attachments")
        if len(arguments["attachments"]) > 100:
            raise ApiError("too_many_attachments")
        fields["attachments"] = arguments["attachments"]
    if "metadata" in arguments:
        fields["metadata"] = read_metadata(arguments["metadata"])
    return fields


def read_metadata(metadata: Any) -> Json | None:
    """Return message metadata, or None for the empty object that removes it."""
    if metadata == {}:
        return None
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload", "entities"}:
        raise ApiError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_schema")
    if len(str(metadata)) > METADATA_LIMIT:
        raise ApiError("metadata_too_large")
    return metadata


def _say_something(fields: Json) -> None:
    if not str(fields.get("text", "")).strip() and not fields.get("blocks") and not fields.get("attachments"):
        raise ApiError("no_text")


async def post_message(site: Site, arguments: Json) -> Json:
    channel = joined_channel(site, arguments["channel"])
    fields = content(arguments, POST_LIMIT)
    _say_something(fields)
    root = thread_root(site, channel, arguments.get("thread_ts"))
    fields |= {"thread_ts": root, "username": arguments.get("username")}
    if root and arguments.get("reply_broadcast"):
        fields["broadcast"] = True
    message = site.workspace.post(channel.id, BOT_USER, fields.pop("text", ""), **fields)
    return {"channel": channel.id, "ts": message.ts, "message": site.workspace.to_slack(message)}


async def update(site: Site, arguments: Json) -> Json:
    message = own_message(site, arguments["channel"], arguments["ts"], "cant_update_message")
    site.streams.open()
    if message.streaming:
        raise ApiError("streaming_state_conflict")
    fields = content(arguments, UPDATE_LIMIT)
    if "metadata" not in fields or len(fields) > 1:
        # A text without blocks replaces the blocks; blocks without a text keep it.
        if "text" in fields:
            fields.setdefault("blocks", [])
        kept = {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
        _say_something(kept | fields)
    site.workspace.edit(message, mark=not fields.get("blocks"), **fields)
    shown = site.workspace.to_slack(message)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


async def delete(site: Site, arguments: Json) -> Json:
    message = own_message(site, arguments["channel"], arguments["ts"], "cant_delete_message")
    site.streams.open()
    if message.streaming:
        raise ApiError("cant_delete_message")
    site.workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


async def post_ephemeral(site: Site, arguments: Json) -> Json:
    channel = joined_channel(site, arguments["channel"])
    if arguments["user"] not in channel.members:
        raise ApiError("user_not_in_channel")
    fields = content(arguments, POST_LIMIT)
    _say_something(fields)
    root = thread_root(site, channel, arguments.get("thread_ts"))
    fields |= {"thread_ts": root, "ephemeral_to": arguments["user"], "username": arguments.get("username")}
    message = site.workspace.post(channel.id, BOT_USER, fields.pop("text", ""), **fields)
    return {"message_ts": message.ts}


async def permalink(site: Site, arguments: Json) -> Json:
    message = find_message(site, arguments["channel"], arguments["message_ts"])
    link = f"{site.base_url}archives/{message.channel}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={quote(message.thread_ts)}&cid={message.channel}"
    return {"channel": message.channel, "permalink": link}


_SAYING = {
    "channel": TEXT,
    "text": TEXT,
    "as_user": FLAG,
    "attachments": JSON,
    "blocks": JSON,
    "icon_emoji": TEXT,
    "icon_url": TEXT,
    "link_names": FLAG,
    "username": TEXT,
    "parse": TEXT,
    "markdown_text": TEXT,
    "thread_ts": TEXT,
}
_POSTING = {"reply_broadcast": FLAG, "unfurl_links": FLAG, "unfurl_media": FLAG, "mrkdwn": FLAG, "metadata": JSON}
_CHANGING = {"ts": TEXT, "metadata": JSON, "file_ids": LIST, "reply_broadcast": FLAG}
_WRITE = ("chat:write",)

METHODS = {
    "chat.postMessage": Method(post_message, _SAYING | _POSTING, ("channel",), _WRITE, POST),
    "chat.update": Method(update, _SAYING | _CHANGING, ("channel", "ts"), _WRITE, TIER_3),
    "chat.delete": Method(delete, {"channel": TEXT, "ts": TEXT, "as_user": FLAG}, ("channel", "ts"), _WRITE, TIER_3),
    "chat.postEphemeral": Method(post_ephemeral, _SAYING | {"user": TEXT}, ("channel", "user"), _WRITE, TIER_4),
    "chat.getPermalink": Method(
        permalink, {"channel": TEXT, "message_ts": TEXT}, ("channel", "message_ts"), (), TIER_3
    ),
}
