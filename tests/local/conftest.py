"""A workspace that really serves, a bot that really is Bolt, and a person who drives the control API."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.workspace.server import MANIFEST, Options, Running, running

Json = dict[str, Any]
HERE = "C0GENERAL"


@dataclass
class Clock:
    """A time of day that tests move."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    """What an HTTP request came to."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> tuple[int, Any]:
        """The status, and the body as JSON."""
        return self.status, json.loads(self.body)


@dataclass
class Place:
    """A running workspace, as a test uses it."""

    workspace: Running
    session: aiohttp.ClientSession

    @property
    def token(self) -> Json:
        """The header of a request by the bot."""
        return {"Authorization": f"Bearer {self.workspace.bot_token}"}

    @property
    def client(self) -> AsyncWebClient:
        return AsyncWebClient(token=self.workspace.bot_token, base_url=self.workspace.api_url, session=self.session)

    async def post(self, path: str, body: Json, **headers: str) -> Json:
        """POST JSON and return the answer; fails unless it is 200."""
        url = self.workspace.base_url + path
        # A stream, as aiohttp warns of long bodies in one piece.
        sent = io.BytesIO(json.dumps(body).encode())
        async with self.session.post(url, data=sent, headers={"Content-Type": "application/json"} | headers) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def get(self, path: str) -> Any:
        async with self.session.get(self.workspace.base_url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def answer(self, path: str, method: str = "GET", **how: Any) -> Answer:
        """Ask for a path, or a whole URL, and return what came, whatever its status."""
        async with self.session.request(method, urljoin(self.workspace.base_url, path), **how) as came:
            return Answer(came.status, came.headers, await came.read())

    async def say(self, text: str, channel: str = "C0GENERAL", user: str = "U0ALICE", **more: Any) -> str:
        """Post as a person; return the ts."""
        answer = await self.post("control/message", {"channel": channel, "user": user, "text": text, **more})
        return str(answer["ts"])

    async def messages(self, channel: str = "C0GENERAL", thread_ts: str | None = None) -> list[Json]:
        query = f"control/messages?channel={channel}" + (f"&thread_ts={thread_ts}" if thread_ts else "")
        found: list[Json] = (await self.get(query))["messages"]
        return found

    async def error(self, call: Any) -> str:
        """Return the error that Slack answers a call with."""
        with pytest.raises(SlackApiError) as caught:
            await call
        return str(caught.value.response["error"])


def file(name: str, content: bytes) -> Json:
    return {"name": name, "content_base64": base64.b64encode(content).decode()}


async def until(true: Callable[[], Any], seconds: float = 5) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what we wait for is any condition, which has no event
            await asyncio.sleep(0.01)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def served(folder: Path, manifest: Path = MANIFEST, options: Options | None = None) -> AsyncIterator[Place]:
    """A workspace that serves."""
    async with running(folder, manifest, options=options or Options()) as workspace, aiohttp.ClientSession() as session:
        yield Place(workspace, session)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    options = Options(rate_limits=False, share_delay=0.02, retries=(0.2, 0.2, 0.2), patience=0.5)
    async with served(tmp_path / "data", options=options) as place:
        yield place


@dataclass
class Bot:
    """A Bolt app that notes what reaches it."""

    app: AsyncApp
    handler: AsyncSocketModeHandler
    events: list[Json] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)

    async def heard(self, count: int = 1) -> list[Json]:
        """The events, once there are so many at least, in Slack's order: Bolt runs listeners side by side."""
        await until(lambda: len(self.events) >= count)
        return sorted(self.events, key=lambda event: str(event.get("event_ts", "")))

    async def close(self) -> None:
        await self.handler.close_async()  # type: ignore[no-untyped-call]


async def connect(place: Place) -> Bot:
    """Connect a Bolt app that acknowledges everything and notes it."""
    app = AsyncApp(client=place.client)
    socket_client = AsyncWebClient(token=place.workspace.app_token, base_url=place.workspace.api_url)
    handler = AsyncSocketModeHandler(app, place.workspace.app_token, web_client=socket_client)
    bot = Bot(app, handler)

    async def note_event(event: Json, body: Json) -> None:
        bot.events.append(event)
        bot.bodies.append(body)

    async def note_body(ack: Any, body: Json) -> None:
        await ack()
        bot.bodies.append(body)

    for name in ("message", "app_mention", "app_home_opened", "agent_session_stopped", "team_join"):
        app.event(name)(note_event)
    app.command("/runpy")(note_body)
    app.shortcut("run_file")(note_body)
    app.action("pick")(note_body)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await until(lambda: place.workspace.delivery.connections)
    return bot


@pytest.fixture
async def bot(place: Place) -> AsyncIterator[Bot]:
    bot = await connect(place)
    yield bot
    await bot.close()
