"""chat.startStream, appendStream and stopStream."""

from __future__ import annotations

from dataclasses import dataclass

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.blocks import check_blocks
from bot.local.workspace.content import read_metadata
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import TIER_2, TIER_4
from bot.local.workspace.methods.access import Access
from bot.local.workspace.methods.agents import SESSION_STATES
from bot.local.workspace.people import BOT_USER, OTHER_TEAM, TEAM
from bot.local.workspace.state import Workspace
from bot.local.workspace.statuses import Statuses
from bot.local.workspace.streams import Streams, read_chunks

_DISPLAYS = ("timeline", "plan", "dense")
_STARTING = "thread_ts! recipient_team_id recipient_user_id task_display_mode icon_emoji icon_url username"
_STOPPING = "ts! blocks:json metadata:json session_status"
_GROWING = "channel! markdown_text chunks:json"
_WRITE = ("chat:write",)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMethods:
    """chat.startStream, appendStream and stopStream."""

    workspace: Workspace
    access: Access
    streams: Streams
    statuses: Statuses

    def methods(self) -> dict[str, Method]:
        return {
            "chat.startStream": Method(self.start, f"{_GROWING} {_STARTING}", _WRITE, TIER_2),
            "chat.appendStream": Method(self.append, f"{_GROWING} ts!", _WRITE, TIER_4),
            "chat.stopStream": Method(self.stop, f"{_GROWING} {_STOPPING}", _WRITE, TIER_2),
        }

    async def start(self, arguments: Json) -> Json:
        channel = self.access.joined_channel(arguments["channel"])
        chunks = read_chunks(arguments)
        root = self.access.thread_root(channel, arguments["thread_ts"])
        if root is None:
            raise ApiError("invalid_thread_ts")
        if not channel.is_im:
            if arguments.get("recipient_team_id") not in {TEAM, OTHER_TEAM}:
                raise ApiError("missing_recipient_team_id")
            if not arguments.get("recipient_user_id"):
                raise ApiError("missing_recipient_user_id")
            if arguments["recipient_user_id"] not in self.workspace.users:
                raise ApiError("user_not_found")
        display = arguments.get("task_display_mode", "timeline")
        if display not in _DISPLAYS:
            raise ApiError("invalid_arguments", f"must be one of {', '.join(_DISPLAYS)}: task_display_mode")
        message = self.workspace.post(
            channel.id, BOT_USER, "", thread_ts=root, streaming=True, username=arguments.get("username")
        )
        self.streams.start(message, display, chunks)
        self.statuses.session(channel.id, root, "processing")
        return {"channel": channel.id, "ts": message.ts}

    async def append(self, arguments: Json) -> Json:
        message = self.access.own_message(arguments["channel"], arguments["ts"], "message_not_owned_by_app")
        chunks = read_chunks(arguments)
        if not chunks:
            raise ApiError("no_text")
        self.streams.append(message, chunks)
        return {"channel": message.channel, "ts": message.ts}

    async def stop(self, arguments: Json) -> Json:
        message = self.access.own_message(arguments["channel"], arguments["ts"], "message_not_owned_by_app")
        chunks = read_chunks(arguments)
        blocks = check_blocks(arguments.get("blocks") or [])
        metadata = read_metadata(arguments["metadata"]) if arguments.get("metadata") else None
        status = arguments.get("session_status", "active")
        if status not in SESSION_STATES:
            raise ApiError("invalid_arguments", f"must be one of {', '.join(SESSION_STATES)}: session_status")
        self.streams.stop(message, chunks, blocks, metadata)
        self.statuses.session(message.channel, message.root, status)
        shown = self.workspace.to_slack(message)
        return {"channel": message.channel, "ts": message.ts, "message": shown}
