"""What `/healthz` and `/readyz` say of a bot, over real parts."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import disk
from bot.app import serving
from bot.settings import Settings
from bot.store.sqlite import SqliteStore
from tests.e2e.slack import Slack, workspace
from tests.wire import Fault, ScriptedModel

HOST = "127.0.0.2"  # not the default


@pytest.fixture
async def slack_and_settings(tmp_path: Path) -> AsyncIterator[tuple[Slack, Settings]]:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    refusing = Fault("status", status=401)
    async with ScriptedModel([refusing]) as model, workspace(tmp_path, model.url, "responses") as (slack, settings):
        yield slack, settings.model_copy(update={"bot_health_host": HOST, "bot_health_port": port})


async def says(settings: Settings, path: str, status: int) -> dict[str, Any]:
    """Wait until a path answers with this status, and return its JSON."""
    async with asyncio.timeout(30), aiohttp.ClientSession(f"http://{HOST}:{settings.bot_health_port}") as session:
        while True:
            with suppress(aiohttp.ClientConnectorError):
                async with session.get(path) as response:
                    said: dict[str, Any] = await response.json()
                    if response.status == status:
                        return said
            await asyncio.sleep(0.1)


async def test_a_bot_at_work_is_ready_and_says_what_it_knows_of_the_rest(slack_and_settings: tuple[Slack, Settings]) -> None:
    slack, settings = slack_and_settings
    async with serving(settings, pace=0.2):
        ready = await says(settings, "/readyz", 200)
        assert await says(settings, "/healthz", 200) == {"status": "ok"}
        await slack.shows(await slack.say("<@U0BOT> hi"), "OPENAI_API_KEY")  # a turn fails, not the bot
        after = await says(settings, "/readyz", 200)

    assert {key: ready[key] for key in ("ready", "why", "store", "disk", "socket")} == {
        "ready": True, "why": [], "store": "ok", "disk": "ok", "socket": "ok",
    }  # fmt: skip
    assert ready["model"] == {"state": "not asked yet", "age_s": None}
    assert ready["sandbox"]["state"].endswith("self-test passed")
    assert (ready["auth.test"]["state"], ready["auth.test"]["age_s"] < 30) == ("answered", True)
    assert after["model"]["state"].startswith("failed: ")
    assert after["model"]["age_s"] < 30


@pytest.mark.parametrize("part", ["socket", "disk", "store"])
async def test_a_bot_that_cannot_work_is_not_ready_but_lives(
    slack_and_settings: tuple[Slack, Settings], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack, settings = slack_and_settings
    stores, check = list[SqliteStore](), SqliteStore.check

    async def seen(store: SqliteStore) -> str:
        stores.append(store)
        return await check(store)

    monkeypatch.setattr(SqliteStore, "check", seen)
    async with serving(settings, pace=0.2):
        await says(settings, "/readyz", 200)
        if part == "socket":
            await slack.control("fault", {"method": "apps.connections.open", "error": "internal_error", "times": 99})
            await slack.control("disconnect", {})
        elif part == "disk":
            monkeypatch.setattr(disk, "MARK", 1 << 62)
        else:
            await stores[0].commit(lambda db: db.execute("pragma query_only = 1"))

        said = await says(settings, "/readyz", 503)
        assert await says(settings, "/healthz", 200) == {"status": "ok"}

    assert said["ready"] is False
    assert [why.partition(":")[0] for why in said["why"]] == [part]
    assert said[part] != "ok"


async def test_a_bot_that_waits_for_slack_lives_and_is_not_ready(slack_and_settings: tuple[Slack, Settings]) -> None:
    _, settings = slack_and_settings
    starting = asyncio.create_task(serving(settings.model_copy(update={"slack_api_url": "http://127.0.0.1:9/"})).__aenter__())
    assert await says(settings, "/healthz", 200) == {"status": "ok"}
    assert (await says(settings, "/readyz", 503))["why"] == ["start: the sandbox or Slack has not answered yet"]
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
