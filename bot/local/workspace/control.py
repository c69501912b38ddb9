"""The control API: what a test does in place of people, and what it sees."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from bot.local.workspace.bodies import BadBody, read_json
from bot.local.workspace.context import SITE, Site
from bot.local.workspace.downloads import attachment
from bot.local.workspace.faults import Fault
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Message
from bot.local.workspace.people_api import Acts, channel_of, text_of
from bot.local.workspace.wire_text import wire

ACTS = Acts("/control", me=None, as_sent=lambda site, text: wire(text), own_only=False)


async def event(request: web.Request) -> web.Response:
    """POST any event, sent as it is; a message it speaks of that is not there is put there, so it can be answered."""
    site, body = request.app[SITE], await read_json(request)
    given = body.get("event")
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise BadBody("'event' is an object with a 'type'.")
    site.workspace.imagine(given)
    event_id = body.get("event_id")
    sent = site.events.send(given, event_id if isinstance(event_id, str) else None)
    return web.json_response({"ok": True, "event_id": sent})


async def fault(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await read_json(request)
    numbers = {key: body[key] for key in ("times", "http", "retry_after") if body.get(key) is not None}
    if not all(isinstance(number, int) and number >= 0 for number in numbers.values()):
        raise BadBody("'times', 'http' and 'retry_after' are whole numbers.")
    error = text_of(body, "error") if body.get("error") is not None else None
    if error is None and not numbers.keys() & {"http", "retry_after"}:
        raise BadBody("Say how it fails: 'error', 'http' or 'retry_after'.")
    if numbers.get("times", 1) > 0:
        site.faults.plant(Fault(text_of(body, "method"), error=error, after=bool(body.get("after")), **numbers))
    return web.json_response({"ok": True})


async def disconnect(request: web.Request) -> web.Response:
    """Ask every socket to come back, as Slack does now and then."""
    site, body = request.app[SITE], await read_json(request)
    sockets = list(site.socket_mode.sockets)
    for socket in sockets:
        await socket.disconnect(text_of(body, "reason", "refresh_requested"))
    return web.json_response({"ok": True, "disconnected": len(sockets)})


async def notice(request: web.Request) -> web.Response:
    """Say which model answers; the page shows it."""
    site, body = request.app[SITE], await read_json(request)
    site.model_notice = text_of(body, "text")
    site.say_state()
    return web.json_response({"ok": True})


async def messages(request: web.Request) -> web.Response:
    site, channel, thread = request.app[SITE], request.query.get("channel"), request.query.get("thread_ts")
    if channel is not None:
        channel_of(site, {"channel": channel})
    site.streams.open()
    places = [channel] if channel else list(site.workspace.channels)
    found = [m for place in places for m in site.workspace.messages(place) if not thread or m.root == thread]
    return web.json_response({"messages": [shown(site, m) for m in found]})


def shown(site: Site, message: Message) -> Json:
    """A message, as a test sees it."""
    files = [file for file in map(site.files.get, message.files) if file]
    body = site.workspace.to_slack(message) | {
        "channel": message.channel,
        "user": message.user,
        "thread_ts": message.thread_ts,
        "blocks": message.blocks,
        "files": [
            {
                "id": file.id,
                "name": file.name,
                "title": file.title,
                "size": file.size,
                "mimetype": file.mimetype,
                "url": f"{site.base_url}control/files/{file.id}",
            }
            for file in files
        ],
        "metadata": message.metadata,
        "edited": message.edited,
        "ephemeral": message.ephemeral_to is not None,
        "streaming": message.streaming,
    }
    if message.ephemeral_to:
        body["ephemeral_to"] = message.ephemeral_to
    return body


async def state(request: web.Request) -> web.Response:
    site = request.app[SITE]
    statuses: list[Json] = [
        {"channel": s.channel, "thread_ts": s.thread_ts, "status": s.text, "loading_messages": s.loading_messages}
        for s in site.statuses.current()
    ]
    streams = [{"channel": s.channel, "ts": s.ts, "started": s.started} for s in site.streams.open()]
    users: list[dict[str, Any]] = [user.to_slack() for user in site.workspace.users.values()]
    return web.json_response(
        {
            "users": users,
            "channels": [
                {**c.to_slack(), "name": c.name, "members": c.members} for c in site.workspace.channels.values()
            ],
            "calls": dict(site.calls),
            "streams": streams,
            "statuses": statuses,
            "sessions": [asdict(session) for session in site.statuses.sessions.values()],
            "views": list(site.views.values()),
            "connections": site.delivery.connections,
            "pending": site.delivery.pending,
        }
    )


async def tokens(request: web.Request) -> web.Response:
    site = request.app[SITE]
    body = {"bot_token": site.tokens.bot_token, "app_token": site.tokens.app_token, "api_url": f"{site.base_url}api/"}
    return web.json_response(body)


ROUTES = (
    *ACTS.routes(),
    web.post("/control/event", event),
    web.post("/control/fault", fault),
    web.post("/control/disconnect", disconnect),
    web.post("/control/notice", notice),
    web.get("/control/messages", messages),
    web.get("/control/state", state),
    web.get("/control/tokens", tokens),
    web.get("/control/files/{id}", attachment),
)
