"""chat.*: posting, changing, deleting and streaming messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.blocks import check_blocks
from bot.local.workspace.content import POST_LIMIT, UPDATE_LIMIT, content, read_metadata, say_something
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import POST, TIER_2, TIER_3, TIER_4
from bot.local.workspace.messages import Message
from bot.local.workspace.methods.access import Access
from bot.local.workspace.methods.agents import SESSION_STATES
from bot.local.workspace.people import BOT_USER, OTHER_TEAM, TEAM, Channel
from bot.local.workspace.state import Workspace
from bot.local.workspace.statuses import Statuses
from bot.local.workspace.streams import Streams, read_chunks

_LOOK = "icon_emoji icon_url username"
_SAYING = f"text markdown_text blocks:json attachments:json thread_ts parse as_user:flag link_names:flag {_LOOK}"
_POSTING = "reply_broadcast:flag unfurl_links:flag unfurl_media:flag mrkdwn:flag metadata:json"
_CHANGING = "metadata:json file_ids:list reply_broadcast:flag"
_DISPLAYS = ("timeline", "plan", "dense")
_STARTING = f"thread_ts! recipient_team_id recipient_user_id task_display_mode {_LOOK}"
_STOPPING = "ts! blocks:json metadata:json session_status"
_GROWING = "channel! markdown_text chunks:json"
_WRITE = ("chat:write",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """chat.*: posting, changing, deleting and streaming messages."""

    workspace: Workspace
    access: Access
    streams: Streams
    statuses: Statuses

    def methods(self) -> dict[str, Method]:
        return {
            "chat.postMessage": Method(self.post_message, f"channel! {_SAYING} {_POSTING}", _WRITE, POST),
            "chat.update": Method(self.update, f"channel! ts! {_SAYING} {_CHANGING}", _WRITE, TIER_3),
            "chat.delete": Method(self.delete, "channel! ts! as_user:flag", _WRITE, TIER_3),
            "chat.postEphemeral": Method(self.post_ephemeral, f"channel! user! {_SAYING}", _WRITE, TIER_4),
            "chat.startStream": Method(self.start, f"{_GROWING} {_STARTING}", _WRITE, TIER_2),
            "chat.appendStream": Method(self.append, f"{_GROWING} ts!", _WRITE, TIER_4),
            "chat.stopStream": Method(self.stop, f"{_GROWING} {_STOPPING}", _WRITE, TIER_2),
        }

    async def post_message(self, arguments: Json) -> Json:
        channel = self.access.open_channel(arguments["channel"])
        message = self._post(channel, arguments, broadcast=bool(arguments.get("reply_broadcast")))
        return {"channel": channel.id, "ts": message.ts, "message": self.workspace.to_slack(message)}

    async def update(self, arguments: Json) -> Json:
        message = self.access.own_message(arguments["channel"], arguments["ts"], "cant_update_message")
        self.access.open_channel(message.channel, "is_inactive")  # https://docs.slack.dev/reference/methods/chat.update
        self.streams.open()
        if message.streaming:
            raise ApiError("streaming_state_conflict")
        fields = content(arguments, UPDATE_LIMIT)
        if "metadata" not in fields or len(fields) > 1:
            # A text without blocks replaces the blocks; blocks without a text keep it.
            if "text" in fields:
                fields.setdefault("blocks", [])
            kept = {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
            say_something(kept | fields)
        self.workspace.edit(message, mark=not fields.get("blocks"), **fields)
        shown = self.workspace.to_slack(message)
        return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}

    async def delete(self, arguments: Json) -> Json:
        message = self.access.own_message(arguments["channel"], arguments["ts"], "cant_delete_message")
        self.streams.open()
        if message.streaming:
            raise ApiError("cant_delete_message")
        self.workspace.delete(message)
        return {"channel": message.channel, "ts": message.ts}

    async def post_ephemeral(self, arguments: Json) -> Json:
        channel = self.access.open_channel(arguments["channel"])
        if arguments["user"] not in channel.members:
            raise ApiError("user_not_in_channel")
        thread = arguments.get("thread_ts")
        if arguments["user"] in self.workspace.away or (thread and not self.workspace.replies(channel.id, thread)):
            # Nor who is not active, nor anybody in a thread without replies, sees it:
            # https://docs.slack.dev/reference/methods/chat.postEphemeral
            return {"message_ts": self.workspace.next_ts()}
        return {"message_ts": self._post(channel, arguments, ephemeral_to=arguments["user"]).ts}

    def _post(self, channel: Channel, arguments: Json, **fields: Any) -> Message:
        fields |= content(arguments, POST_LIMIT)
        say_something(fields)
        root = self.access.thread_root(channel, arguments.get("thread_ts"))
        fields |= {"thread_ts": root, "username": arguments.get("username")}
        if not root:
            fields.pop("broadcast", None)
        return self.workspace.post(channel.id, BOT_USER, fields.pop("text", ""), **fields)

    async def start(self, arguments: Json) -> Json:
        channel = self.access.open_channel(arguments["channel"])
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
        message = self.workspace.post(channel.id, BOT_USER, "", thread_ts=root, streaming=True, username=arguments.get("username"))
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
