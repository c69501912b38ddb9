"""What was said while nobody heard it is asked for; the workspace loses events as Slack does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from bot.local.workspace.server import Options, Running, running
from bot.slack.listeners import open_slack
from bot.store.sqlite import SqliteStore, open_store
from bot.thread.request import Request
from tests.e2e.slack import BOB, HERE
from tests.e2e.slack import Slack as People

MENTION = "<@U0BOT> what is this?"


@dataclass(slots=True)
class World:
    """A workspace and a store that live longer than the bot's connections to the one."""

    workspace: Running
    people: People
    store: SqliteStore
    back: list[float]  # seconds by which the workspace's clock is behind
    thread: str = ""
    taken: list[Request] = field(default_factory=list)

    async def accept(self, request: Request) -> None:
        if await self.store.accept(request):
            self.taken.append(request)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        tokens = self.workspace.bot_token, self.workspace.app_token
        async with open_slack(*tokens, base_url=self.workspace.api_url, max_upload=1_000, pace=0.01, ping=0.2) as slack:
            await slack.listen(self.accept, self.store)
            yield

    async def takes(self, *expected: str) -> list[Request]:
        """Wait until messages with these ts were taken, in any order; return those taken since the last look by their ts."""
        async with asyncio.timeout(20):
            while {r.ts for r in self.taken} < set(expected):  # noqa: ASYNC110  it is the workspace that we look at
                await asyncio.sleep(0.01)
        taken, self.taken = sorted(self.taken, key=lambda r: r.ts), []
        assert [r.ts for r in taken] == sorted(expected)
        return taken


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A bot that worked until two hours ago, when Alice asked it in a thread."""
    back = [7_200.0]
    async with AsyncExitStack() as stack:
        options = Options(rate_limits=False, lossy=True, clock=lambda: time.time() - back[0])
        workspace = await stack.enter_async_context(running(tmp_path / "w", options=options))
        session = await stack.enter_async_context(aiohttp.ClientSession(base_url=workspace.base_url))
        store = await stack.enter_async_context(open_store(tmp_path / "bot.sqlite"))
        await store.mark({"": f"{time.time() - 7_200:.6f}"})
        world = World(workspace, People(session), store, back)
        async with world.listening():
            world.thread = await world.people.say(MENTION)
            await world.takes(world.thread)
        yield world


async def test_what_was_said_while_nobody_listened_is_taken_once(world: World) -> None:
    say, world.back[0] = world.people.say, 0.0
    talk = await say("just talk")
    await say("and more of it", thread=talk)
    expected = [
        await say(MENTION), await say("hello", channel="D0ALICE"), await say("and this?", thread=world.thread),
        await say(MENTION, thread=talk, user=BOB, channel=HERE),
    ]  # fmt: skip

    for wanted in (expected, []):
        async with world.listening():
            live = await say(MENTION)
            taken = await world.takes(live, *wanted)
            assert not any(request.missed for request in taken)


async def test_who_was_missed_for_over_an_hour_is_told_and_who_only_talked_is_not(world: World) -> None:
    ts = await world.people.say(f"{MENTION}\n```\nprint(1)\n```", files={"a.csv": b"1"})
    await world.people.say("and this?", thread=world.thread)
    await world.people.say("stop", thread=world.thread)

    async with world.listening():
        [request] = await world.takes(ts)
        assert (request.missed, request.command, request.uploads) == (True, None, ())


async def test_what_a_deaf_socket_missed_is_taken(world: World) -> None:
    world.back[0] = 0.0
    async with world.listening():
        await world.takes(await world.people.say(MENTION))
        await world.people.control("deafen", {})

        await world.takes(await world.people.say(MENTION))


@pytest.mark.parametrize("fault", [{"http": 503, "text": "no healthy upstream", "times": 3}, {"error": "internal_error"}])
@pytest.mark.parametrize("method", ["users.conversations", "conversations.history", "conversations.replies"])
async def test_a_reading_that_fails_is_tried_again(world: World, method: str, fault: dict[str, object]) -> None:
    world.back[0] = 0.0
    expected = [await world.people.say(MENTION), await world.people.say("and this?", thread=world.thread)]
    await world.people.control("fault", {"method": method} | fault)

    async with world.listening():
        await world.takes(*expected)


async def test_an_app_that_reads_once_a_minute_reads_direct_messages_only(world: World) -> None:
    world.back[0] = 0.0
    await world.people.say(MENTION)
    direct = await world.people.say("hello", channel="D0ALICE")
    await world.people.control("fault", {"method": "conversations.history", "retry_after": 1, "http": 429})

    async with world.listening():
        await world.takes(direct)


async def test_without_the_scopes_of_the_list_the_channels_of_active_threads_are_read(world: World) -> None:
    world.back[0] = 0.0
    expected = [await world.people.say(MENTION), await world.people.say("and this?", thread=world.thread)]
    await world.people.say("hello", channel="D0ALICE")
    await world.people.control("fault", {"method": "users.conversations", "error": "missing_scope"})

    async with world.listening():
        await world.takes(*expected)


async def test_what_was_said_before_the_first_start_is_left_alone(world: World, tmp_path: Path) -> None:
    await world.people.say(MENTION)
    async with open_store(tmp_path / "new.sqlite") as world.store:
        async with world.listening():
            live = await world.people.say(MENTION)
            await world.takes(live)
        marks = await world.store.marks()
    assert abs(float(marks[""]) - time.time()) < 60
