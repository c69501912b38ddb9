"""chat.startStream, appendStream and stopStream."""

from __future__ import annotations

from bot.local.workspace.arguments import JSON, TEXT, ApiError, Method
from bot.local.workspace.blocks import check_blocks
from bot.local.workspace.context import Site
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import TIER_2, TIER_4
from bot.local.workspace.methods.access import joined_channel, own_message, thread_root
from bot.local.workspace.methods.agents import SESSION_STATES
from bot.local.workspace.methods.chat import read_metadata
from bot.local.workspace.people import BOT_USER, OTHER_TEAM, TEAM
from bot.local.workspace.streams import read_chunks

_DISPLAYS = ("timeline", "plan", "dense")


async def start(site: Site, arguments: Json) -> Json:
    channel = joined_channel(site, arguments["channel"])
    chunks = read_chunks(arguments)
    root = thread_root(site, channel, arguments["thread_ts"])
    if root is None:
        raise ApiError("invalid_thread_ts")
    if not channel.is_im:
        if arguments.get("recipient_team_id") not in {TEAM, OTHER_TEAM}:
            raise ApiError("missing_recipient_team_id")
        if not arguments.get("recipient_user_id"):
            raise ApiError("missing_recipient_user_id")
        if arguments["recipient_user_id"] not in site.workspace.users:
            raise ApiError("user_not_found")
    display = arguments.get("task_display_mode", "timeline")
    if display not in _DISPLAYS:
        raise ApiError("invalid_arguments", f"must be one of {', '.join(_DISPLAYS)}: task_display_mode")
    message = site.workspace.post(
        channel.id, BOT_USER, "", thread_ts=root, streaming=True, username=arguments.get("username")
    )
    site.streams.start(message, display, chunks)
    site.statuses.session(channel.id, root, "processing")
    return {"channel": channel.id, "ts": message.ts}


async def append(site: Site, arguments: Json) -> Json:
    message = own_message(site, arguments["channel"], arguments["ts"], "message_not_owned_by_app")
    chunks = read_chunks(arguments)
    if not chunks:
        raise ApiError("no_text")
    site.streams.append(message, chunks)
    return {"channel": message.channel, "ts": message.ts}


async def stop(site: Site, arguments: Json) -> Json:
    message = own_message(site, arguments["channel"], arguments["ts"], "message_not_owned_by_app")
    chunks = read_chunks(arguments)
    blocks = check_blocks(arguments.get("blocks") or [])
    metadata = read_metadata(arguments["metadata"]) if arguments.get("metadata") else None
    status = arguments.get("session_status", "active")
    if status not in SESSION_STATES:
        raise ApiError("invalid_arguments", f"must be one of {', '.join(SESSION_STATES)}: session_status")
    site.streams.stop(message, chunks, blocks, metadata)
    site.statuses.session(message.channel, message.root, status)
    shown = site.workspace.to_slack(message)
    return {"channel": message.channel, "ts": message.ts, "message": shown}


_GROWING = {"channel": TEXT, "markdown_text": TEXT, "chunks": JSON}
_STARTING = {
    "thread_ts": TEXT,
    "recipient_team_id": TEXT,
    "recipient_user_id": TEXT,
    "task_display_mode": TEXT,
    "icon_emoji": TEXT,
    "icon_url": TEXT,
    "username": TEXT,
}
_STOPPING = {"ts": TEXT, "blocks": JSON, "metadata": JSON, "session_status": TEXT}
_WRITE = ("chat:write",)

METHODS = {
    "chat.startStream": Method(start, _GROWING | _STARTING, ("channel", "thread_ts"), _WRITE, TIER_2),
    "chat.appendStream": Method(append, _GROWING | {"ts": TEXT}, ("channel", "ts"), _WRITE, TIER_4),
    "chat.stopStream": Method(stop, _GROWING | _STOPPING, ("channel", "ts"), _WRITE, TIER_2),
}
