"""The control API: what a test does in place of people, and what it sees."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import IO, Any

from aiohttp import web

from bot.local.bodies import BadBody, read_json, read_json_with_files
from bot.local.downloads import attachment, page_upload
from bot.local.faults import Fault
from bot.local.files import File
from bot.local.interactions import Refused
from bot.local.journal import Json
from bot.local.messages import Message
from bot.local.people import User
from bot.local.site import SITE, Site
from bot.local.wire_text import wire

TEXT_LIMIT = 40_000


def text_of(body: Json, name: str, default: str | None = None) -> str:
    """Return a text of the body; raises `BadBody` if it is missing without a default, or no text."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise BadBody(f"{name!r} is missing." if value is None else f"{name!r} is not a text.")
    return value


def user_of(site: Site, body: Json, default: str | None = None) -> User:
    user = text_of(body, "user", default)
    found = site.workspace.users.get(user) or site.workspace.bots.get(user)
    if found is None:
        raise web.HTTPNotFound(text=f"There is no user {user}.")
    return found


def channel_of(site: Site, body: Json) -> str:
    channel = text_of(body, "channel")
    if channel not in site.workspace.channels:
        raise web.HTTPNotFound(text=f"There is no channel {channel}.")
    return channel


def message_of(site: Site, body: Json) -> Message:
    message = site.workspace.message(channel_of(site, body), text_of(body, "ts"))
    if message is None:
        raise web.HTTPNotFound(text=f"There is no message {body['ts']} in {body['channel']}.")
    return message


def post(site: Site, body: Json, user: User, text: str, files: list[str]) -> Message:
    """Post a person's message with files that have been uploaded."""
    if not text and not files:
        raise BadBody("A message needs a text or a file.")
    if len(text) > TEXT_LIMIT:
        raise BadBody(f"A message has up to {TEXT_LIMIT} characters.")
    channel = channel_of(site, body)
    thread_ts: str | None = body.get("thread_ts") or None
    if thread_ts is not None:
        root = site.workspace.message(channel, thread_ts)
        if root is None:
            raise web.HTTPNotFound(text=f"There is no message {thread_ts} in {channel}.")
        thread_ts = root.root
    author = body["user"] if body.get("user") in site.workspace.bots else user.id
    for file_id in files:
        file = site.files.get(file_id)
        if file is None or not file.ready or file.completed:
            raise web.HTTPNotFound(text=f"There is no uploaded file {file_id} to send.")
        file.user, file.completed = user.id, True
        site.files.keep(file)
    return site.workspace.post(channel, author, text, thread_ts=thread_ts, files=files)


async def message(request: web.Request) -> web.Response:
    """POST a message as a person; its files come in the body or were uploaded before."""
    site = request.app[SITE]
    arrived: list[File] = []

    def place() -> tuple[str, AbstractContextManager[IO[bytes]]]:
        arrived.append(site.files.announce("unnamed", "U0ALICE", site.workspace.now()))
        return arrived[-1].id, site.files.writing(arrived[-1])

    body = await read_json_with_files(request, place)
    files = [str(file_id) for file_id in body.get("file_ids") or ()]
    for item in body.get("files") or ():
        file = site.files.get(text_of(item, "content_base64"))
        if file is None or file not in arrived:
            raise BadBody("Each of the files needs a name and its content_base64.")
        file.name = file.title = text_of(item, "name")
        files.append(file.id)
    posted = post(site, body, user_of(site, body), wire(text_of(body, "text", "")), files)
    return web.json_response({"ts": posted.ts})


async def command(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await read_json(request)
    user, channel = user_of(site, body), channel_of(site, body)
    await site.interactions.command(channel, user, text_of(body, "command"), text_of(body, "text", ""))
    return web.json_response({"ok": True})


async def shortcut(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await read_json(request)
    await site.interactions.shortcut(message_of(site, body), user_of(site, body), text_of(body, "callback_id"))
    return web.json_response({"ok": True})


async def action(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await read_json(request)
    value = None if body.get("value") is None else text_of(body, "value")
    await site.interactions.action(message_of(site, body), user_of(site, body), text_of(body, "action_id"), value)
    return web.json_response({"ok": True})


async def stop(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await read_json(request)
    user, channel = user_of(site, body), channel_of(site, body)
    stopped = site.interactions.stop(channel, user, text_of(body, "thread_ts"))
    return web.json_response({"ok": True, "streaming_message_ts": stopped})


async def edit(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await read_json(request)
    site.workspace.edit(message_of(site, body), text=wire(text_of(body, "text")))
    return web.json_response({"ok": True})


async def delete(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await read_json(request)
    site.workspace.delete(message_of(site, body))
    return web.json_response({"ok": True})


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


@web.middleware
async def in_words(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn what went wrong with a request of a test or a page into JSON with an `error`."""
    try:
        response: web.StreamResponse = await handler(request)
    except (BadBody, Refused) as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        if request.path.startswith(("/control/", "/page/")) and error.status >= 400:
            return web.json_response({"error": error.text}, status=error.status)
        raise
    return response


ROUTES = (
    web.post("/control/message", message),
    web.post("/control/command", command),
    web.post("/control/shortcut", shortcut),
    web.post("/control/action", action),
    web.post("/control/stop", stop),
    web.post("/control/edit", edit),
    web.post("/control/delete", delete),
    web.post("/control/event", event),
    web.post("/control/fault", fault),
    web.post("/control/disconnect", disconnect),
    web.post("/control/notice", notice),
    web.put("/control/upload", page_upload),
    web.get("/control/messages", messages),
    web.get("/control/state", state),
    web.get("/control/tokens", tokens),
    web.get("/control/files/{id}", attachment),
)
