"""The control API, through which a test acts for people and inspects the workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from aiohttp import web

from bot.local.workspace.bodies import BadBody, on_json
from bot.local.workspace.delivery import Delivery
from bot.local.workspace.events import Events
from bot.local.workspace.faults import Fault, Faults
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Message
from bot.local.workspace.people_api import PeopleApi, channel_of, text_of
from bot.local.workspace.socket_mode import SocketMode
from bot.local.workspace.state import Workspace
from bot.local.workspace.statuses import Statuses
from bot.local.workspace.streams import Streams
from bot.local.workspace.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The routes under /control; `announce` shows on the page which model answers, and more."""

    workspace: Workspace
    people: PeopleApi
    announce: Callable[[Json], None]
    events: Events
    faults: Faults
    socket_mode: SocketMode
    delivery: Delivery
    streams: Streams
    statuses: Statuses
    tokens: Tokens

    def routes(self) -> list[web.RouteDef]:
        return [
            *self.people.routes(),
            web.post("/control/event", on_json(self.event)),
            web.post("/control/fault", on_json(self.fault)),
            web.post("/control/disconnect", on_json(self.disconnect)),
            web.post("/control/archive", on_json(self.archive)),
            web.post("/control/away", on_json(self.leave)),
            web.post("/control/deafen", on_json(self.deafen)),
            web.post("/control/notice", on_json(self.notice)),
            web.get("/control/messages", self.messages),
            web.get("/control/state", self.state),
            web.get("/control/tokens", self.give_tokens),
            web.get("/control/files/{id}", self.people.files.attachment),
        ]

    async def event(self, body: Json) -> Json:
        """Send any event to the app, and add the message that it is about, so that it can be answered."""
        given = body.get("event")
        if not isinstance(given, dict) or not isinstance(given.get("type"), str):
            raise BadBody("'event' is an object with a 'type'.")
        self.workspace.imagine(given)
        event_id = body.get("event_id")
        return {"event_id": self.events.send(given, event_id if isinstance(event_id, str) else None)}

    async def fault(self, body: Json) -> None:
        numbers = {key: body[key] for key in ("times", "http", "retry_after", "seconds") if body.get(key) is not None}
        if not all(isinstance(number, int) and number >= 0 for number in numbers.values()):
            raise BadBody("'times', 'http', 'retry_after' and 'seconds' are whole numbers.")
        error, text = (text_of(body, key) if body.get(key) is not None else None for key in ("error", "text"))
        if error is None and not numbers.keys() & {"http", "retry_after"}:
            raise BadBody("Say how it fails: 'error', 'http' or 'retry_after'.")
        if numbers.get("times", 1) > 0:
            self.faults.plant(Fault(text_of(body, "method"), error=error, text=text, after=bool(body.get("after")), **numbers))

    async def disconnect(self, body: Json) -> Json:
        """Ask the app to reconnect every socket, as Slack does now and then; the next `refuse` handshakes then fail."""
        sockets = list(self.socket_mode.sockets)
        self.socket_mode.refused = int(body.get("refuse") or 0)
        for socket in sockets:
            await socket.disconnect(text_of(body, "reason", "refresh_requested"))
        return {"disconnected": len(sockets)}

    async def archive(self, body: Json) -> None:
        """Archive a channel."""
        self.workspace.channels[channel_of(self.workspace, body)].is_archived = True

    async def leave(self, body: Json) -> None:
        """Close the clients of a person."""
        self.workspace.away.add(text_of(body, "user"))

    async def deafen(self, body: Json) -> None:
        """Let every socket stand open and deliver and answer nothing more."""
        for socket in self.socket_mode.sockets:
            socket.deaf = True

    async def notice(self, body: Json) -> None:
        """Show on the page which model answers, what is still being prepared, and examples to click."""
        self.announce(body)

    async def messages(self, request: web.Request) -> web.Response:
        channel, thread = request.query.get("channel"), request.query.get("thread_ts")
        if channel is not None:
            channel_of(self.workspace, {"channel": channel})
        self.streams.open()
        places = [channel] if channel else list(self.workspace.channels)
        found = [m for place in places for m in self.workspace.messages(place) if not thread or m.root == thread]
        return web.json_response({"messages": [self._shown(m) for m in found]})

    def _shown(self, message: Message) -> Json:
        """Return a message as a test sees it."""
        files = [file for file in map(self.workspace.files.get, message.files) if file]
        body = self.workspace.to_slack(message) | {
            "channel": message.channel,
            "user": message.user,
            "thread_ts": message.thread_ts,
            "blocks": message.blocks,
            "files": [
                {name: getattr(file, name) for name in ("id", "name", "title", "size", "mimetype")}
                | {"url": f"{self.workspace.base_url}control/files/{file.id}"}
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

    async def state(self, request: web.Request) -> web.Response:
        statuses = [
            {"channel": s.channel, "thread_ts": s.thread_ts, "status": s.text, "loading_messages": s.loading_messages}
            for s in self.statuses.current()
        ]
        streams = [{"channel": s.channel, "ts": s.ts, "started": s.started} for s in self.streams.open()]
        channels = [c.to_slack() | {"name": c.name, "members": c.members} for c in self.workspace.channels.values()]
        seen: Json = {
            "users": [user.to_slack() for user in self.workspace.users.values()], "channels": channels,
            "calls": dict(self.faults.calls), "streams": streams, "statuses": statuses,
            "sessions": [asdict(session) for session in self.statuses.sessions.values()],
            "views": list(self.workspace.journal.all("view").values()), "connections": self.delivery.connections,
            "pending": self.delivery.pending,
        }  # fmt: skip
        return web.json_response(seen)

    async def give_tokens(self, request: web.Request) -> web.Response:
        tokens = {"bot_token": self.tokens.bot_token, "app_token": self.tokens.app_token}
        return web.json_response(tokens | {"api_url": f"{self.workspace.base_url}api/"})
