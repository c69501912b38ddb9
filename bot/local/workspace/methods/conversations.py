"""conversations.* and reactions.*: channels, their messages and members, and reactions."""

from __future__ import annotations

from dataclasses import dataclass

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import TIER_2, TIER_4
from bot.local.workspace.messages import Message
from bot.local.workspace.methods.access import Access, page_of
from bot.local.workspace.people import BOT_USER, Channel
from bot.local.workspace.state import Workspace

_KINDS = {"channel": "public_channel", "group": "private_channel", "im": "im"}


def _between(messages: list[Message], arguments: Json) -> list[Message]:
    oldest = float(arguments.get("oldest") or 0)
    latest = float(arguments.get("latest") or "inf")
    edges = bool(arguments.get("inclusive"))
    return [m for m in messages if oldest < float(m.ts) < latest or (edges and float(m.ts) in {oldest, latest})]


_HISTORY = "channel! cursor limit:number inclusive:flag include_all_metadata:flag latest oldest"
_INFO = "channel! include_locale:flag include_num_members:flag"
_LIST = "cursor limit:number exclude_archived:flag types:list"
_OPEN = "channel return_im:flag users:list prevent_creation:flag"
_REACTION = "channel! name! timestamp!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """conversations.* and reactions.*: channels, their messages and members, and reactions."""

    workspace: Workspace
    access: Access

    def methods(self) -> dict[str, Method]:
        return {
            "conversations.history": Method(self.history, _HISTORY),
            "conversations.replies": Method(self.replies, f"ts! {_HISTORY}"),
            "conversations.info": Method(self.info, _INFO),
            "conversations.list": Method(self.list_channels, _LIST, (), TIER_2),
            "conversations.members": Method(self.members, "channel! cursor limit:number", (), TIER_4),
            "conversations.join": Method(self.join, "channel!", ("channels:join",)),
            "conversations.open": Method(self.open_direct, _OPEN, ("im:write",)),
            "reactions.add": Method(self.react, _REACTION, ("reactions:write",)),
            "reactions.remove": Method(self.unreact, _REACTION, ("reactions:write",), TIER_2),
        }

    def _readable(self, channel_id: str) -> Channel:
        channel = self.access.find_channel(channel_id)
        self.access.need_scope(f"{channel.prefix}:history")
        return self.access.joined_channel(channel.id)

    def _answer(self, messages: list[Message], arguments: Json, default: int) -> Json:
        metadata = bool(arguments.get("include_all_metadata"))
        shown, cursor = page_of([self.workspace.to_slack(m, metadata=metadata) for m in messages], arguments, default)
        answer: Json = {"messages": shown, "has_more": bool(cursor)}
        return answer | {"response_metadata": {"next_cursor": cursor}} if cursor else answer

    async def history(self, arguments: Json) -> Json:
        channel = self._readable(arguments["channel"])
        visible = (m for m in self.workspace.messages(channel.id) if not m.ephemeral_to)
        roots = [message for message in visible if not message.is_reply or message.broadcast]
        return self._answer(_between(roots, arguments)[::-1], arguments, 100)

    async def replies(self, arguments: Json) -> Json:
        channel = self._readable(arguments["channel"])
        message = self.access.find_message(channel.id, arguments["ts"], "thread_not_found")
        if message.is_reply:
            return self._answer([message], arguments, 1000)
        replies = self.workspace.replies(channel.id, message.ts)
        return self._answer([message, *_between(replies, arguments)], arguments, 1000)

    async def info(self, arguments: Json) -> Json:
        channel = self.access.find_channel(arguments["channel"])
        self.access.need_scope(f"{channel.prefix}:read")
        shown = channel.to_slack()
        if not arguments.get("include_num_members"):
            shown.pop("num_members", None)
        return {"channel": shown}

    async def list_channels(self, arguments: Json) -> Json:
        kinds = arguments.get("types") or ["public_channel"]
        scopes = {
            "public_channel": "channels:read",
            "private_channel": "groups:read",
            "im": "im:read",
            "mpim": "mpim:read",
        }
        for kind in kinds:
            if kind not in scopes:
                raise ApiError("invalid_types")
            self.access.need_scope(scopes[kind])
        seen = [
            channel.to_slack()
            for channel in self.workspace.channels.values()
            if _KINDS[channel.kind] in kinds and (channel.kind == "channel" or BOT_USER in channel.members)
        ]
        shown, cursor = page_of(seen, arguments)
        return {"channels": shown, "response_metadata": {"next_cursor": cursor}}

    async def members(self, arguments: Json) -> Json:
        channel = self.access.find_channel(arguments["channel"])
        self.access.need_scope(f"{channel.prefix}:read")
        shown, cursor = page_of([{"id": member} for member in channel.members], arguments)
        return {"members": [member["id"] for member in shown], "response_metadata": {"next_cursor": cursor}}

    async def join(self, arguments: Json) -> Json:
        channel = self.access.find_channel(arguments["channel"])
        if channel.kind != "channel":
            raise ApiError("method_not_supported_for_channel_type")
        if BOT_USER in channel.members:
            return {"channel": channel.to_slack(), "warning": "already_in_channel"}
        self.workspace.join(channel.id, BOT_USER)
        return {"channel": channel.to_slack()}

    async def open_direct(self, arguments: Json) -> Json:
        if arguments.get("channel"):
            channel = self.access.find_channel(arguments["channel"])
            return {"channel": channel.to_slack() if arguments.get("return_im") else {"id": channel.id}}
        users = arguments.get("users") or []
        if len(users) != 1:
            raise ApiError("users_list_not_supplied" if not users else "method_not_supported_for_channel_type")
        direct = next((c for c in self.workspace.channels.values() if c.user == users[0]), None)
        if direct is None:
            raise ApiError("user_not_found")
        return {"channel": direct.to_slack() if arguments.get("return_im") else {"id": direct.id}, "already_open": True}

    async def react(self, arguments: Json) -> Json:
        message = self.access.find_message(arguments["channel"], arguments["timestamp"])
        self.access.joined_channel(message.channel)
        users = message.reactions.setdefault(arguments["name"], [])
        if BOT_USER in users:
            raise ApiError("already_reacted")
        users.append(BOT_USER)
        self.workspace.refresh(message)
        return {}

    async def unreact(self, arguments: Json) -> Json:
        message = self.access.find_message(arguments["channel"], arguments["timestamp"])
        users = message.reactions.get(arguments["name"], [])
        if BOT_USER not in users:
            raise ApiError("no_reaction")
        users.remove(BOT_USER)
        message.reactions = {name: who for name, who in message.reactions.items() if who}
        self.workspace.refresh(message)
        return {}
