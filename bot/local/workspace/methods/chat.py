"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.content import POST_LIMIT, UPDATE_LIMIT, content, say_something
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import POST, TIER_3, TIER_4
from bot.local.workspace.methods.access import Access
from bot.local.workspace.people import BOT_USER
from bot.local.workspace.state import Workspace
from bot.local.workspace.streams import Streams

_LOOK = "icon_emoji icon_url username"
_SAYING = f"text markdown_text blocks:json attachments:json thread_ts parse as_user:flag link_names:flag {_LOOK}"
_POSTING = "reply_broadcast:flag unfurl_links:flag unfurl_media:flag mrkdwn:flag metadata:json"
_CHANGING = "metadata:json file_ids:list reply_broadcast:flag"
_WRITE = ("chat:write",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """chat.*: posting, changing and deleting messages."""

    workspace: Workspace
    access: Access
    streams: Streams

    def methods(self) -> dict[str, Method]:
        return {
            "chat.postMessage": Method(self.post_message, f"channel! {_SAYING} {_POSTING}", _WRITE, POST),
            "chat.update": Method(self.update, f"channel! ts! {_SAYING} {_CHANGING}", _WRITE, TIER_3),
            "chat.delete": Method(self.delete, "channel! ts! as_user:flag", _WRITE, TIER_3),
            "chat.postEphemeral": Method(self.post_ephemeral, f"channel! user! {_SAYING}", _WRITE, TIER_4),
            "chat.getPermalink": Method(self.permalink, "channel! message_ts!", (), TIER_3),
        }

    async def post_message(self, arguments: Json) -> Json:
        channel = self.access.joined_channel(arguments["channel"])
        fields = content(arguments, POST_LIMIT)
        say_something(fields)
        root = self.access.thread_root(channel, arguments.get("thread_ts"))
        fields |= {"thread_ts": root, "username": arguments.get("username")}
        if root and arguments.get("reply_broadcast"):
            fields["broadcast"] = True
        message = self.workspace.post(channel.id, BOT_USER, fields.pop("text", ""), **fields)
        return {"channel": channel.id, "ts": message.ts, "message": self.workspace.to_slack(message)}

    async def update(self, arguments: Json) -> Json:
        message = self.access.own_message(arguments["channel"], arguments["ts"], "cant_update_message")
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
        channel = self.access.joined_channel(arguments["channel"])
        if arguments["user"] not in channel.members:
            raise ApiError("user_not_in_channel")
        fields = content(arguments, POST_LIMIT)
        say_something(fields)
        root = self.access.thread_root(channel, arguments.get("thread_ts"))
        fields |= {"thread_ts": root, "ephemeral_to": arguments["user"], "username": arguments.get("username")}
        message = self.workspace.post(channel.id, BOT_USER, fields.pop("text", ""), **fields)
        return {"message_ts": message.ts}

    async def permalink(self, arguments: Json) -> Json:
        message = self.access.find_message(arguments["channel"], arguments["message_ts"])
        link = f"{self.workspace.base_url}archives/{message.channel}/p{message.ts.replace('.', '')}"
        if message.thread_ts:
            link += f"?thread_ts={quote(message.thread_ts)}&cid={message.channel}"
        return {"channel": message.channel, "permalink": link}
