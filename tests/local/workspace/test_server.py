"""Starting, stopping and starting again; signed HTTP; the process."""

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.local.workspace.delivery import Delivery
from bot.local.workspace.journal import Journal
from bot.local.workspace.server import CannotServe, Options, running
from tests.local.conftest import HERE, Json, connect, file, served, until


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    async with served(tmp_path) as place:
        root = await place.say("<@U0BOT> hi", files=[file("a.csv", b"1,2")])
        await place.say("more", thread_ts=root, user="U0BOB")
        await place.client.chat_startStream(
            channel=HERE, thread_ts=root, recipient_team_id="T0LOCAL", recipient_user_id="U0ALICE", markdown_text="so far"
        )
        await place.post("control/command", {"channel": "C0LOBBY", "user": "U0BOB", "command": "/invite", "text": ""})
        before = await place.messages()
        tokens = await place.get("control/tokens")

    async with served(tmp_path) as place:
        after = await place.messages()
        again = await place.get("control/tokens")
        bot = await connect(place)
        await until(lambda: len(bot.events) >= 3)
        [shared] = after[0]["files"]
        assert (await place.answer(shared["url"])).body == b"1,2"
        stream = {"channel": HERE, "ts": after[2]["ts"]}
        await place.client.chat_appendStream(**stream, markdown_text=", so good")
        await place.client.chat_postMessage(channel="C0LOBBY", text="invited for good")
        assert (await place.messages())[2]["text"] == "so far, so good"
        await bot.close()

    assert [(m["ts"], m["text"], m["user"]) for m in after] == [(m["ts"], m["text"], m["user"]) for m in before]
    assert (again["bot_token"], again["app_token"]) == (tokens["bot_token"], tokens["app_token"])


async def test_the_tokens_are_random_and_for_their_owner_alone(tmp_path: Path) -> None:
    async with running(tmp_path / "a") as one, running(tmp_path / "b") as two:
        assert one.bot_token != two.bot_token

    assert stat.S_IMODE((tmp_path / "a" / "tokens.json").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "a" / "tokens.json").read_text())["bot_token"] == one.bot_token


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"host": "0.0.0.0"}, "this machine only"),
        ({}, "Another workspace is using"),
        ({"manifest": Path("nowhere.yml")}, r"nowhere\.yml"),
    ],
)
async def test_what_cannot_be_served_is_said(tmp_path: Path, how: Json, why: str) -> None:
    async with running(tmp_path):
        with pytest.raises(CannotServe, match=why):
            async with running(tmp_path, **how):
                pass


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    async with running(tmp_path / "a") as one:
        with pytest.raises(CannotServe, match="cannot be used: Address already in use"):
            async with running(tmp_path / "b", port=int(one.base_url.rsplit(":", 1)[1].rstrip("/"))):
                pass


async def test_signed_http_reaches_a_bolt_app_that_checks_the_signature(tmp_path: Path) -> None:
    apps: list[AsyncApp] = []
    events: list[Json] = []
    tries: list[str | None] = []

    async def receive(request: web.Request) -> web.StreamResponse:
        tries.append(request.headers.get("X-Slack-Retry-Num"))
        if len(tries) == 1:
            return web.Response(status=500)
        return await to_aiohttp_response(await apps[0].async_dispatch(await to_bolt_request(request)))

    async def heard(event: Json) -> None:
        events.append(event)

    async def commanded(ack: AsyncAck, body: Json) -> None:
        await ack(f"running {body['text']}")

    async with listening(receive) as url:
        options = Options(request_url=url, retries=(60, 60, 60))  # a refused first try is followed by another at once
        async with served(tmp_path, options=options) as place:
            apps.append(AsyncApp(client=place.client, signing_secret=place.workspace.signing_secret))
            apps[0].event("message")(heard)
            apps[0].command("/runpy")(commanded)

            await place.say("first")
            await until(lambda: events)
            command = {"channel": HERE, "user": "U0BOB", "command": "/runpy", "text": "a.py"}
            await place.post("control/command", command)

            assert tries[:2] == [None, "1"]
            assert [event["text"] for event in events] == ["first"]
            note = (await place.messages())[-1]
            assert (note["text"], note["ephemeral_to"]) == ("running a.py", "U0BOB")


@asynccontextmanager
async def listening(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve one handler as the app's request URL."""
    application = web.Application()
    application.router.add_post("/slack/events", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    await runner.cleanup()


@pytest.mark.parametrize("steps", range(3))
async def test_what_sends_ends_even_if_it_is_woken_as_it_is_cancelled(steps: int, tmp_path: Path) -> None:
    delivery = Delivery(Journal(tmp_path / "journal.sqlite"), time.time, (), 1.0)
    delivery.event({"type": "event_callback"})  # which nobody takes yet
    sending = asyncio.create_task(delivery.run())
    await asyncio.sleep(0.01)

    delivery.event({"type": "event_callback"})
    for _ in range(steps):
        await asyncio.sleep(0)
    sending.cancel()

    assert (await asyncio.wait([sending], timeout=2))[0]
