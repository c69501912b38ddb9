"""The bot's side of Slack, connected to a workspace that serves, and what it takes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from bot.local.workspace.server import Options, Running, running
from bot.slack.client import SlackChat
from bot.slack.listeners import Slack, open_slack
from bot.thread.request import Request, ThreadId, Upload
from tests.e2e.slack import HERE, thread_of
from tests.e2e.slack import Slack as People

WITHOUT_US = "C0LOBBY"


class Unmarked:
    """The Marks of a first start, which keep nothing."""

    async def marks(self) -> dict[str, str]:
        return {}

    async def mark(self, marks: Mapping[str, str]) -> None:
        pass

    async def active(self, since: float) -> dict[ThreadId, float]:
        return {}


@dataclass(slots=True)
class Place:
    """A workspace, the people in it, and our connection, which listens and puts requests on record."""

    workspace: Running
    people: People
    slack: Slack
    record: asyncio.Queue[Request] = field(default_factory=asyncio.Queue)
    troubles: list[Exception] = field(default_factory=list)

    @property
    def chat(self) -> SlackChat:
        return self.slack.chat

    async def accept(self, request: Request) -> None:
        if self.troubles:
            raise self.troubles.pop()
        await self.record.put(request)

    async def request(self) -> Request:
        """The next request on record."""
        return await asyncio.wait_for(self.record.get(), 20)

    async def upload(self, name: str, data: bytes, *, channel: str = HERE) -> Upload:
        """A file that Alice posts."""
        ts = await self.people.say("", files={name: data}, channel=channel)
        [message] = await self.chat.history(thread_of(ts, channel), "9999999999.0")
        return message.uploads[0]

    async def shared(self, thread: str) -> None:
        """Wait until a file of the bot stands in a thread."""
        async with asyncio.timeout(20):
            while not any(message["files"] for message in await self.people.messages(thread)):  # noqa: ASYNC110  it is the workspace that we look at
                await asyncio.sleep(0.02)

    async def acknowledged(self) -> None:
        """Wait until every event has been acknowledged."""
        async with asyncio.timeout(20):
            while (await self.people.seen("state"))["pending"]:  # noqa: ASYNC110  it is the workspace that we look at
                await asyncio.sleep(0.02)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with (
        running(tmp_path, options=Options(rate_limits=False, retries=(0.5, 5, 5), share_delay=0)) as workspace,
        aiohttp.ClientSession(base_url=workspace.base_url) as session,
        open_slack(
            workspace.bot_token, workspace.app_token, base_url=workspace.api_url, max_upload=1_000, pace=0.02, ping=0.2
        ) as slack,
    ):
        place = Place(workspace, People(session), slack)
        await slack.listen(place.accept, Unmarked())
        yield place
