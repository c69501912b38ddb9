"""Ask Slack for what was said while there was no live socket: it tries to deliver an event for six minutes, then never again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused, ServiceError
from bot.ports import Marks
from bot.slack.calls import TRIES, Busy, Method, NoAnswer, answer
from bot.thread.request import Request

log = logging.getLogger(__name__)
Message = dict[str, Any]
Take = Callable[[Message, bool], Request | None]
Accept = Callable[[Request], Awaitable[None]]
KINDS = "im,mpim,private_channel,public_channel"
EVERY = 60.0  # seconds between two notes of how far was heard
TRIED = 360.0  # seconds for which Slack tries to deliver: https://docs.slack.dev/apis/events-api/#error-handling
LATE = 3_600.0  # seconds after which a request is told that it was missed instead of being answered
ACTIVE = 86_400.0  # seconds since the last message of a thread that is still read
SCARCE = 10.0  # pauses; an app that must wait longer reads one page a minute, and so its direct messages alone


class CatchingUp:
    """Reads what was missed, direct messages first, a call at a time; what was heard after all is known by its key."""

    def __init__(self, client: AsyncWebClient, marks: Marks, take: Take, accept: Accept, *, pause: float) -> None:
        """Wait `pause` seconds before each call, as live work comes first; `take` is told whether a message's channel is shared."""
        self._client, self._marks, self._request, self._accept, self._pause = client, marks, take, accept, pause
        self._missed = asyncio.Event()
        self._newest = 0.0
        self._scarce = False

    def heard(self, ts: str) -> None:
        """Note the ts of an event that was taken in, in Slack's time."""
        with suppress(ValueError):
            self._newest = max(self._newest, float(ts))

    def missed(self) -> None:
        """Say that something may have been missed until now."""
        self._missed.set()

    async def run(self) -> None:
        """Read what was missed whenever something may have been, and note how far was heard, until cancelled."""
        failures = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._missed.wait()
            try:
                if self._missed.is_set():
                    self._missed.clear()
                    await self._catch_up()
                else:
                    await self._note("", self._newest)
                failures = 0
            except Exception as error:
                broken = None if isinstance(error, ServiceError) else error
                log.warning("what was missed could not be read, trying again: %s", error, exc_info=broken)
                self._missed.set()
                failures += 1
                await asyncio.sleep(min(self._pause * 2**failures, 600.0))

    async def _note(self, channel: str, ts: float) -> None:
        if ts:
            await self._marks.mark({channel: f"{ts:.6f}"})

    async def _catch_up(self) -> None:
        """Read each channel since its mark, then the threads that were active, the newest first."""
        marks = await self._marks.marks()
        if "" not in marks:  # the first start of all
            await self._note("", self._newest or time.time())
            return
        since = {channel: max(float(ts), float(marks[""])) - TRIED for channel, ts in marks.items()}
        active = {(t.channel, t.ts): at for t, at in (await self._marks.active(time.time() - ACTIVE)).items()}
        channels = await self._channels() or {channel: False for channel, _ in active}
        newest = 0.0
        for channel in sorted(channels, key=lambda c: (not c.startswith("D"), c)):
            oldest = since.get(channel, since[""])
            messages = await self._read(self._client.conversations_history, channel, oldest)
            await self._take(messages, channel, shared=channels[channel])
            last = max((float(m["ts"]) for m in messages), default=0.0)
            await self._note(channel, last)
            newest = max(newest, last)
            active |= {(channel, str(m["ts"])): float(m["latest_reply"]) for m in messages if m.get("latest_reply")}
        for channel, ts in sorted(active, key=lambda thread: -active[thread]):
            messages = await self._read(self._client.conversations_replies, channel, since[""], ts=ts)
            await self._take(messages, channel, shared=channels.get(channel, False))
            newest = max([newest, *(float(m["ts"]) for m in messages)])
        await self._note("", max(newest, self._newest))

    async def _channels(self) -> dict[str, bool]:
        """Return the channels and direct messages that the bot is in, and of each whether it is shared; none without the scopes."""
        try:
            return {
                str(c["id"]): bool(c.get("is_ext_shared"))
                async for c in self._pages(
                    self._client.users_conversations, "channels", types=KINDS, exclude_archived=True, limit=200
                )
            }
        except Refused as error:
            log.warning("only active threads are looked through for what was missed (%s): install the app again.", error.code)
            return {}

    async def _read(self, method: Method, channel: str, oldest: float, **arguments: Any) -> list[Message]:
        """Return the messages after `oldest`, oldest first; none where they cannot be read."""
        if self._scarce and not channel.startswith("D"):
            log.warning("%s is not looked through: Slack allows this app one look a minute", channel)
            return []
        pages = self._pages(method, "messages", channel=channel, oldest=f"{oldest:.6f}", limit=999, **arguments)
        try:
            return sorted([m async for m in pages], key=lambda m: float(m["ts"]))
        except Refused as error:
            log.info("%s cannot be read: %s", channel, error.code)
            return []

    async def _pages(self, method: Method, name: str, **arguments: Any) -> AsyncIterator[Message]:
        """Yield what all pages of a listing hold under `name`."""
        cursor: str | None = None
        unanswered = 0
        while True:
            await asyncio.sleep(self._pause)
            try:
                page = await answer(method, cursor=cursor, **arguments)
            except Busy as busy:
                self._scarce = self._scarce or busy.seconds > SCARCE * self._pause
                await asyncio.sleep(busy.seconds)
                continue
            except NoAnswer:
                unanswered += 1
                if unanswered == TRIES:
                    raise
                continue
            for item in page.get(name) or ():
                yield item
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    async def _take(self, messages: list[Message], channel: str, *, shared: bool) -> None:
        """Accept what would have been accepted live; what is late and addressed us is told so, all else is too late."""
        for message in messages:
            request = self._request(message | {"channel": channel}, shared)
            if request and time.time() - float(request.ts) <= LATE:
                await self._accept(request)
            elif request and request.direct and request.kind == "message":
                await self._accept(replace(request, missed=True, command=None, uploads=()))
