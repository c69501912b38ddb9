"""Shows in Slack what is being done: status lines and progress, in the background and from what answers leave of the calls."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ServiceError
from bot.slack.calls import Busy, answer
from bot.slack.render import Part
from bot.thread.request import ThreadId

log = logging.getLogger(__name__)
MOMENT = 2.0  # seconds that an answer waits for an update of its message which is on its way
EVERY, CALM = 1.1, 60.0  # seconds from a post to the next in a busy channel, and until it is busy no more
UPDATES = 50  # calls of chat.update a minute: tier 3 of https://docs.slack.dev/apis/web-api/rate-limits


class Updates:
    """The calls of chat.update over all threads: a token bucket of which each turn at work has one token for its answer."""

    def __init__(self, *, per_minute: int = UPDATES, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with the tokens of a minute."""
        self._tokens, self._most, self._clock = float(per_minute), per_minute, clock
        self._since = clock()

    def take(self) -> None:
        """Count a call that is made whether or not there is a token."""
        now = self._clock()
        self._tokens = min(self._most, self._tokens + (now - self._since) * self._most / 60) - 1
        self._since = now

    def spare(self, reserved: int) -> bool:
        """Count a call and return True, if a token is left beside the reserved ones; else return False."""
        self.take()
        if self._tokens >= reserved:
            return True
        self._tokens += 1
        return False


class Posts:
    """The posts of each channel: one in EVERY seconds, each in its turn, since Slack last said that there were too many."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}  # when the next post may be made, in each channel that had too many

    async def send(self, channel: str, post: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Post to a channel in turn; raises Busy, and lets the posts after it wait, when Slack refuses it as too many."""
        now = time.monotonic()
        if now - (due := self._due.get(channel, now)) > CALM:
            del self._due[channel]
        elif channel in self._due:
            self._due[channel] = max(due, now) + EVERY
            await asyncio.sleep(max(0.0, due - now))
        try:
            return await post()
        except Busy as error:
            self._due[channel] = max(self._due.get(channel, 0.0), time.monotonic() + error.seconds)
            raise


class Showing:
    """Status lines of threads and the progress in messages; only the latest of each is sent."""

    def __init__(self, client: AsyncWebClient, updates: Updates, *, pace: float) -> None:
        """Send for one thread or message at most once in `pace` seconds."""
        self._client = client
        self._updates = updates
        self._pace = pace
        self._latest: dict[str, Part] = {}
        self._updating: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._at_work: set[str] = set()  # messages that are still to become an answer
        self._statuses: dict[ThreadId, str] = {}
        self._setting: dict[ThreadId, asyncio.Task[None]] = {}

    def status(self, thread: ThreadId, text: str) -> None:
        """Show the status line of a thread."""
        self._statuses[thread] = text
        if thread not in self._setting:
            self._setting[thread] = asyncio.create_task(self._set_status(thread))

    async def _set_status(self, thread: ThreadId) -> None:
        """Set the thread's latest status until there is no newer one."""
        sent: str | None = None
        try:
            while (text := self._statuses[thread]) != sent:
                sent = text
                await attempt(
                    answer(self._client.assistant_threads_setStatus, channel_id=thread.channel, thread_ts=thread.ts, status=text)
                )
                if text:
                    await asyncio.sleep(self._pace)
        finally:
            del self._setting[thread], self._statuses[thread]

    def progress(self, thread: ThreadId, ts: str, part: Part) -> None:
        """Update a message with the latest progress, when the pace and the calls of others allow it."""
        self._at_work.add(ts)
        if ts in self._latest and self._latest[ts].text == part.text:
            return
        self._latest[ts] = part
        if ts not in self._updating:
            over = asyncio.Event()
            self._updating[ts] = asyncio.create_task(self._update(thread, ts, over)), over

    async def _update(self, thread: ThreadId, ts: str, over: asyncio.Event) -> None:
        """Send the latest part until there is no newer one, or until `over` is set."""
        sent: Part | None = None
        while (part := self._latest.get(ts, sent)) is not sent and part is not None and not over.is_set():
            if self._updates.spare(len(self._at_work)):
                sent = part
                await attempt(
                    answer(self._client.chat_update, channel=thread.channel, ts=ts, text=part.text, blocks=list(part.blocks))
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace):
                    await over.wait()
        self._updating.pop(ts, None)

    async def quiet(self, ts: str) -> bool:
        """Start no other update of a message; return whether the running one was given up, and may still arrive."""
        self._latest.pop(ts, None)
        self._at_work.discard(ts)
        if not (updating := self._updating.pop(ts, None)):
            return False
        task, over = updating
        over.set()
        await asyncio.wait([task], timeout=MOMENT)
        return task.cancel()

    async def close(self) -> None:
        """End what runs in the background."""
        for ts in list(self._updating):
            await self.quiet(ts)
        setting = list(self._setting.values())
        for task in setting:
            task.cancel()
        await asyncio.gather(*setting, return_exceptions=True)


async def attempt(call: Awaitable[object]) -> None:
    """Await a call that only adorns the work; its failure is logged."""
    try:
        await call
    except ServiceError as error:
        log.warning("not shown: %s", error)
