"""The line to Slack: one socket that is alive, watched, and replaced when it is not.

Slack's client pings and reconnects by itself, but it can get stuck: it tries a URL that is used up for ever, and a handshake
that hangs is waited for for minutes. So whoever brings no live socket is replaced as a whole.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from math import inf
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused, ServiceError, SetupError
from bot.slack.calls import answer

log = logging.getLogger(__name__)
PING = 5.0  # seconds between two pings of the client
GAP = 2.0  # pings without a live socket after which more may be missing than what Slack sends again
SILENT = 2.4  # pings without an answer after which a socket counts as deaf, and after which its client is replaced


class Line:
    """Keeps one live socket; `missed` is called when Slack says hello on a new one after a gap, before anything comes."""

    def __init__(self, bolt: AsyncApp, app_token: str, base_url: str, missed: Callable[[], None], *, ping: float = PING) -> None:
        """Ping every `ping` seconds; a deaf socket is noticed and replaced within five times that."""
        self._bolt, self._app_token, self._base_url, self._missed = bolt, app_token, base_url, missed
        self._ping = ping
        self._hello = asyncio.Event()
        self._greeted = 0.0
        self._alive = -inf  # the last moment at which the socket was live
        self._handler = self._new_handler()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def live(self) -> bool:
        """Whether there is a socket that says hello or answers pings."""
        client = self._handler.client
        if client.current_session is None or client.current_session.closed:
            return False
        return time.time() - max(self._greeted, client.last_ping_pong_time or 0.0) < SILENT * self._ping

    async def open(self) -> None:
        """Connect, and keep connected from then on; raises SetupError when Slack refuses the token."""
        try:
            # Requested here first, because the client would retry a refused token for ever.
            opened = await answer(self._handler.client.web_client.apps_connections_open, app_token=self._app_token)
            self._handler.client.wss_uri = opened.get("url")
        except ServiceError as error:
            if isinstance(error, Refused) and error.mendable:
                raise SetupError(f"Slack refuses SLACK_APP_TOKEN: {error.code}.") from error
            log.warning("Slack does not answer yet, trying again: %s", error)
        connecting = self._start(self._handler.connect_async())  # type: ignore[no-untyped-call]
        self._start(self._watch(connecting))
        await self._hello.wait()

    async def close(self) -> None:
        """Close the socket and end what runs in the background."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._handler.close_async()  # type: ignore[no-untyped-call]

    async def _watch(self, connecting: asyncio.Task[None]) -> None:
        """Replace the client whenever it has brought no live socket for too long, the more patiently the oftener."""
        patience, tries, since = SILENT * self._ping, 0, _now()
        while True:
            await asyncio.sleep(self._ping / 5)
            if self.live:
                tries, since = 0, _now()
                self._alive = since
            elif _now() - since > patience * min(tries + 1, 4):
                log.warning("there is no live socket to Slack: connecting anew")
                connecting.cancel()
                self._start(self._handler.close_async())  # type: ignore[no-untyped-call]
                self._handler = self._new_handler()
                connecting = self._start(self._handler.connect_async())  # type: ignore[no-untyped-call]
                tries, since = tries + 1, _now()

    def _new_handler(self) -> AsyncSocketModeHandler:
        web_client = AsyncWebClient(token=self._app_token, base_url=self._base_url)
        handler = AsyncSocketModeHandler(self._bolt, self._app_token, web_client=web_client, ping_interval=self._ping)
        handler.client.on_message_listeners.append(partial(self._hear, handler))
        return handler

    async def _hear(self, handler: AsyncSocketModeHandler, message: aiohttp.WSMessage) -> None:
        """Note a hello; the client calls this for every text before the next one is received."""
        if handler is self._handler and '"hello"' in message.data and json.loads(message.data).get("type") == "hello":
            self._greeted = time.time()
            self._hello.set()
            if _now() - self._alive > GAP * self._ping:
                self._missed()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _now() -> float:
    """Return seconds since the machine started, those counted in which it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
