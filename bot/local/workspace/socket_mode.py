"""Socket Mode: the app's WebSockets, up to ten at a time, each payload to one of them."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable

from aiohttp import WSMsgType, web

from bot.local.workspace.delivery import Delivery, Envelope
from bot.local.workspace.people import APP

log = logging.getLogger(__name__)

MOST = 10


class Socket:
    """One WebSocket of the app, as a receiver of payloads."""

    def __init__(self, connection: web.WebSocketResponse) -> None:
        self.connection = connection
        self.deaf = False

    async def deliver(self, envelope: Envelope) -> None:
        if not self.deaf:
            await self.connection.send_json(envelope.frame())

    async def heard(self, data: bytes) -> None:
        """Answer a ping, unless the socket went deaf: the TCP connection stands, and nothing passes through it any more.

        Seen in the wild: https://github.com/slackapi/python-slack-sdk/issues/1110 and …/1701.
        """
        if not self.deaf:
            await self.connection.pong(data)

    async def disconnect(self, reason: str) -> None:
        """Ask the app to reconnect, and close this connection."""
        await self.connection.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-local"}})
        await self.connection.close()


class SocketMode:
    """Issues connection URLs and serves the WebSockets that the app opens with them.

    With `debug_reconnects=true` in its URL, the app is asked to reconnect after six minutes. The next `refused` handshakes fail
    and use up their URL, which is good for one: https://docs.slack.dev/apis/events-api/using-socket-mode.
    """

    def __init__(self, delivery: Delivery, on_change: Callable[[], None]) -> None:
        self._delivery, self._on_change = delivery, on_change
        self._tickets: set[str] = set()
        self.sockets: list[Socket] = []
        self.refused = 0

    def ticket(self) -> str:
        """Return a path with a single-use ticket for one WebSocket."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"link/?ticket={ticket}&app_id={APP}"

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401, text="This connection URL is not, or no longer, valid.")
        self._tickets.remove(ticket)
        if self.refused:
            self.refused -= 1
            return web.Response(status=503, text="upstream connect error")
        connection = web.WebSocketResponse(autoping=False)
        await connection.prepare(request)
        socket = Socket(connection)
        await connection.send_json(
            {
                "type": "hello",
                "num_connections": len(self.sockets) + 1,
                "debug_info": {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060},
                "connection_info": {"app_id": APP},
            }
        )
        if len(self.sockets) >= MOST:
            await socket.disconnect("too_many_websockets")
            return connection
        await self._serve(socket, 360.0 if request.query.get("debug_reconnects") == "true" else None)
        return connection

    async def _serve(self, socket: Socket, recycle: float | None) -> None:
        self.sockets.append(socket)
        self._delivery.add(socket)
        self._on_change()
        try:
            async with asyncio.timeout(recycle):
                async for message in socket.connection:
                    if message.type is WSMsgType.PING:
                        await socket.heard(message.data)
                    elif message.type is WSMsgType.TEXT:
                        self._received(message.data)
        except TimeoutError:
            await socket.disconnect("refresh_requested")
        finally:
            self.sockets.remove(socket)
            self._delivery.remove(socket)
            self._on_change()

    def _received(self, text: str) -> None:
        try:
            answer = json.loads(text)
            envelope_id = answer["envelope_id"]
        except (ValueError, KeyError, TypeError):
            log.warning("a socket sent a text that is not an acknowledgement")
            return
        self._delivery.ack(envelope_id, answer.get("payload"))
