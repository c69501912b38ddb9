"""conversations.* and reactions.*: what was said where, and by whom."""

from __future__ import annotations

from bot.local.workspace.arguments import FLAG, LIST, NUMBER, TEXT, ApiError, Method
from bot.local.workspace.context import Site
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import TIER_2, TIER_3, TIER_4
from bot.local.workspace.messages import Message
from bot.local.workspace.methods.access import find_channel, find_message, joined_channel, need_scope, page_of
from bot.local.workspace.people import BOT_USER

_KINDS = {"channel": "public_channel", "group": "private_channel", "im": "im"}


def _between(messages: list[Message], arguments: Json) -> list[Message]:
    oldest = float(arguments.get("oldest") or 0)
    latest = float(arguments.get("latest") or "inf")
    edges = bool(arguments.get("inclusive"))
    return [m for m in messages if oldest < float(m.ts) < latest or (edges and float(m.ts) in {oldest, latest})]


def _answer(site: Site, messages: list[Message], arguments: Json, default: int) -> Json:
    metadata = bool(arguments.get("include_all_metadata"))
    shown, cursor = page_of([site.workspace.to_slack(m, metadata=metadata) for m in messages], arguments, default)
    answer: Json = {"messages": shown, "has_more": bool(cursor)}
    return answer | {"response_metadata": {"next_cursor": cursor}} if cursor else answer


async def history(site: Site, arguments: Json) -> Json:
    channel = find_channel(site, arguments["channel"])
    need_scope(site, f"{channel.prefix}:history")
    joined_channel(site, channel.id)
    roots = [m for m in site.workspace.messages(channel.id) if not m.ephemeral_to and (not m.is_reply or m.broadcast)]
    return _answer(site, _between(roots, arguments)[::-1], arguments, 100)


async def replies(site: Site, arguments: Json) -> Json:
    channel = find_channel(site, arguments["channel"])
    need_scope(site, f"{channel.prefix}:history")
    joined_channel(site, channel.id)
    message = find_message(site, channel.id, arguments["ts"], "thread_not_found")
    if message.is_reply:
        return _answer(site, [message], arguments, 1000)
    said = [reply for reply in site.workspace.replies(channel.id, message.ts) if not reply.ephemeral_to]
    return _answer(site, [message, *_between(said, arguments)], arguments, 1000)


async def info(site: Site, arguments: Json) -> Json:
    channel = find_channel(site, arguments["channel"])
    need_scope(site, f"{channel.prefix}:read")
    shown = channel.to_slack()
    if not arguments.get("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


async def list_channels(site: Site, arguments: Json) -> Json:
    kinds = arguments.get("types") or ["public_channel"]
    scopes = {"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read"}
    for kind in kinds:
        if kind not in scopes:
            raise ApiError("invalid_types")
        need_scope(site, scopes[kind])
    seen = [
        channel.to_slack()
        for channel in site.workspace.channels.values()
        if _KINDS[channel.kind] in kinds and (channel.kind == "channel" or BOT_USER in channel.members)
    ]
    shown, cursor = page_of(seen, arguments)
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


async def members(site: Site, arguments: Json) -> Json:
    channel = find_channel(site, arguments["channel"])
    need_scope(site, f"{channel.prefix}:read")
    shown, cursor = page_of([{"id": member} for member in channel.members], arguments)
    return {"members": [member["id"] for member in shown], "response_metadata": {"next_cursor": cursor}}


async def join(site: Site, arguments: Json) -> Json:
    channel = find_channel(site, arguments["channel"])
    if channel.kind != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    if BOT_USER in channel.members:
        return {"channel": channel.to_slack(), "warning": "already_in_channel"}
    site.workspace.join(channel.id, BOT_USER)
    return {"channel": channel.to_slack()}


async def open_direct(site: Site, arguments: Json) -> Json:
    if arguments.get("channel"):
        channel = find_channel(site, arguments["channel"])
        return {"channel": channel.to_slack() if arguments.get("return_im") else {"id": channel.id}}
    users = arguments.get("users") or []
    if len(users) != 1:
        raise ApiError("users_list_not_supplied" if not users else "method_not_supported_for_channel_type")
    direct = next((c for c in site.workspace.channels.values() if c.user == users[0]), None)
    if direct is None:
        raise ApiError("user_not_found")
    return {"channel": direct.to_slack() if arguments.get("return_im") else {"id": direct.id}, "already_open": True}


async def react(site: Site, arguments: Json) -> Json:
    message = find_message(site, arguments["channel"], arguments["timestamp"])
    joined_channel(site, message.channel)
    users = message.reactions.setdefault(arguments["name"], [])
    if BOT_USER in users:
        raise ApiError("already_reacted")
    users.append(BOT_USER)
    site.workspace.refresh(message)
    return {}


async def unreact(site: Site, arguments: Json) -> Json:
    message = find_message(site, arguments["channel"], arguments["timestamp"])
    users = message.reactions.get(arguments["name"], [])
    if BOT_USER not in users:
        raise ApiError("no_reaction")
    users.remove(BOT_USER)
    message.reactions = {name: who for name, who in message.reactions.items() if who}
    site.workspace.refresh(message)
    return {}


_CHANNEL = {"channel": TEXT}
_PAGED = {"cursor": TEXT, "limit": NUMBER}
_HISTORY = _CHANNEL | _PAGED | {"inclusive": FLAG, "include_all_metadata": FLAG, "latest": TEXT, "oldest": TEXT}
_INFO = _CHANNEL | {"include_locale": FLAG, "include_num_members": FLAG}
_LIST = _PAGED | {"exclude_archived": FLAG, "types": LIST}
_OPEN = _CHANNEL | {"return_im": FLAG, "users": LIST, "prevent_creation": FLAG}
_REACTION = _CHANNEL | {"name": TEXT, "timestamp": TEXT}
_REACT = ("channel", "name", "timestamp")

METHODS = {
    "conversations.history": Method(history, _HISTORY, ("channel",), (), TIER_3),
    "conversations.replies": Method(replies, _HISTORY | {"ts": TEXT}, ("channel", "ts"), (), TIER_3),
    "conversations.info": Method(info, _INFO, ("channel",), (), TIER_3),
    "conversations.list": Method(list_channels, _LIST, (), (), TIER_2),
    "conversations.members": Method(members, _CHANNEL | _PAGED, ("channel",), (), TIER_4),
    "conversations.join": Method(join, _CHANNEL, ("channel",), ("channels:join",), TIER_3),
    "conversations.open": Method(open_direct, _OPEN, (), ("im:write",), TIER_3),
    "reactions.add": Method(react, _REACTION, _REACT, ("reactions:write",), TIER_3),
    "reactions.remove": Method(unreact, _REACTION, _REACT, ("reactions:write",), TIER_2),
}
