"""The content of the app's messages, checked as Slack checks it."""

from __future__ import annotations

from typing import Any

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.blocks import check_blocks
from bot.local.workspace.journal import Json
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


def say_something(fields: Json) -> None:
    if not str(fields.get("text", "")).strip() and not fields.get("blocks") and not fields.get("attachments"):
        raise ApiError("no_text")
