"""conversations.*, users.conversations and reactions.*: channels, their messages, and reactions to them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import ONE_A_MINUTE, TIER_3
from bot.local.workspace.messages import Message
from bot.local.workspace.methods.access import Access, page_of
from bot.local.workspace.people import BOT_USER, Channel
from bot.local.workspace.state import Workspace


def _between(messages: list[Message], arguments: Json) -> list[Message]:
    oldest = float(arguments.get("oldest") or 0)
    latest = float(arguments.get("latest") or "inf")
    edges = bool(arguments.get("inclusive"))
    return [m for m in messages if oldest < float(m.ts) < latest or (edges and float(m.ts) in {oldest, latest})]


# https://docs.slack.dev/reference/methods/users.conversations: the type of each kind of channel; each needs a scope of its own.
_TYPES = {"public_channel": "channels", "private_channel": "groups", "mpim": "mpim", "im": "im"}
_HISTORY = "channel! cursor limit:number inclusive:flag include_all_metadata:flag latest oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """The methods; an app that is `distributed` outside the Marketplace reads once a minute, and 15 messages at most."""

    workspace: Workspace
    access: Access
    distributed: bool = False

    def methods(self) -> dict[str, Method]:
        rate = ONE_A_MINUTE if self.distributed else TIER_3
        return {
            "conversations.history": Method(self.history, _HISTORY, rate=rate),
            "conversations.replies": Method(self.replies, f"ts! {_HISTORY}", rate=rate),
            "users.conversations": Method(self.joined, "cursor exclude_archived:flag limit:number types user"),
            "reactions.add": Method(self.react, "channel! name! timestamp!", ("reactions:write",)),
        }

    def _readable(self, channel_id: str) -> Channel:
        channel = self.access.find_channel(channel_id)
        self.access.need_scope(f"{channel.prefix}:history")
        return self.access.joined_channel(channel.id)

    def _answer(self, messages: list[Message], arguments: Json, default: int) -> Json:
        metadata = bool(arguments.get("include_all_metadata"))
        if self.distributed:
            arguments = arguments | {"limit": min(arguments.get("limit") or default, 15)}
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

    async def joined(self, arguments: Json) -> Json:
        """Return the channels of the wanted types that a user, the bot unless one is named, is in."""
        types = (arguments.get("types") or "public_channel").replace(" ", "").split(",")
        if not set(types) <= _TYPES.keys():
            raise ApiError("invalid_types")
        for wanted in types:
            self.access.need_scope(f"{_TYPES[wanted]}:read")
        user, prefixes = arguments.get("user") or BOT_USER, {_TYPES[wanted] for wanted in types}
        joined = [c for c in self.workspace.channels.values() if c.prefix in prefixes and user in c.members]
        listed = [c.to_slack() for c in joined if not (c.is_archived and arguments.get("exclude_archived"))]
        limited = [{key: value for key, value in c.items() if key not in {"is_member", "num_members"}} for c in listed]
        shown, cursor = page_of(limited, arguments, 100)
        return {"channels": shown, "response_metadata": {"next_cursor": cursor}}

    async def react(self, arguments: Json) -> Json:
        message = self.access.find_message(arguments["channel"], arguments["timestamp"])
        self.access.joined_channel(message.channel)
        users = message.reactions.setdefault(arguments["name"], [])
        if BOT_USER in users:
            raise ApiError("already_reacted")
        users.append(BOT_USER)
        self.workspace.refresh(message)
        return {}
