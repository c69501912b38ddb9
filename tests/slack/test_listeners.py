"""What Slack sends is on record before it is acknowledged, and the end of the app is heard."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.errors import SetupError
from bot.local.workspace.manifest import read_manifest
from bot.local.workspace.server import MANIFEST, running
from bot.slack.listeners import open_slack
from bot.thread.request import Command, Request
from tests.e2e.slack import HERE, thread_of
from tests.e2e.slack import Slack as People
from tests.slack.conftest import Place, Unmarked


@pytest.mark.parametrize("channel", [HERE, "C0GROUP"], ids=["channel", "group direct message"])
async def test_a_mention_is_put_on_record_as_it_was_meant(place: Place, channel: str) -> None:
    ts = await place.people.say("<@U0BOT> plot it", channel=channel)

    request = await place.request()

    assert (request.key, request.thread) == (f"msg:{channel}:{ts}", replace(thread_of(ts), channel=channel))
    assert request.user == "U0ALICE"
    assert (request.text, request.direct, request.external) == ("plot it", True, False)


async def test_somebody_of_the_other_organization_of_a_shared_channel_is_external(place: Place) -> None:
    event = {"type": "app_mention", "channel": "C0PARTNER", "user": "U0EXT", "ts": "9.0", "text": "<@U0BOT> hi"}
    await place.people.control("event", {"event": event | {"user_team": "T0PARTNER", "source_team": "T0LOCAL"}})

    assert (await place.request()).external is True


async def test_a_command_a_shortcut_and_a_stop_are_put_on_record(place: Place) -> None:
    ts = await place.people.say("mine", files={"a.py": b"print(1)"})
    await place.people.control("command", {"channel": HERE, "user": "U0ALICE", "command": "/runpy", "text": "a.py 'x y'"})
    command = await place.request()
    await place.people.control("shortcut", {"channel": HERE, "user": "U0ALICE", "callback_id": "run_file", "ts": ts})
    shortcut = await place.request()
    thread = thread_of(ts)
    message = await place.chat.open(thread, "one", again=False)
    await place.people.control("action", {"channel": HERE, "user": "U0BOB", "ts": message, "action_id": "stop"})
    stop = await place.request()

    assert command.command == Command(target="a.py", args=("x y",))
    assert shortcut.command == Command(message_ts=ts)
    assert (stop.kind, stop.thread, stop.user) == ("stop", thread, "U0BOB")


async def test_every_subscribed_event_is_acknowledged(place: Place) -> None:
    for kind in sorted(read_manifest(MANIFEST).events):
        event = {"type": kind.split(".")[0], "channel": HERE, "user": "U0ALICE", "text": "talk", "ts": "1.0"}
        await place.people.control("event", {"event": event | {"thread_ts": "1.0", "tab": "about", "event_ts": "1.0"}})

    await place.acknowledged()


async def test_what_could_not_be_put_on_record_is_not_acknowledged_and_comes_again(place: Place) -> None:
    place.troubles.append(OSError("the disk is full"))
    event = {"type": "app_mention", "channel": HERE, "user": "U0ALICE", "ts": "9.0", "text": "<@U0BOT> hi"}
    await place.people.control("event", {"event": event})

    assert (await place.request()).key == f"msg:{HERE}:9.0"
    assert place.troubles == []


@pytest.mark.parametrize(
    "event", [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"], "oauth": []}}]
)
async def test_an_app_that_is_removed_says_so_and_is_over(place: Place, event: dict[str, object]) -> None:
    await place.people.control("event", {"event": event})

    with pytest.raises(SetupError, match=r"^The app was removed from the workspace .* Install it again and start me\.$"):
        await asyncio.wait_for(place.slack.until_removed(), 20)


async def test_a_person_whose_own_token_is_revoked_does_not_end_the_app(place: Place) -> None:
    event = {"type": "tokens_revoked", "tokens": {"bot": [], "oauth": ["U0ALICE"]}}
    await place.people.control("event", {"event": event})
    await place.acknowledged()

    assert place.slack.removal.is_set() is False


async def ignore(request: Request) -> None:
    """Take nothing in."""


async def test_a_token_that_slack_refuses_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as workspace:
        with pytest.raises(SetupError, match="SLACK_BOT_TOKEN"):
            async with open_slack("xoxb-wrong", workspace.app_token, base_url=workspace.api_url, max_upload=1):
                pass
        async with open_slack(workspace.bot_token, "xapp-wrong", base_url=workspace.api_url, max_upload=1) as slack:
            with pytest.raises(SetupError, match="SLACK_APP_TOKEN"):
                await asyncio.wait_for(slack.listen(ignore, Unmarked()), 20)


@pytest.mark.parametrize("how", [{"error": "internal_error"}, {"text": "upstream connect error", "http": 503}])
async def test_a_bad_second_of_slack_at_the_start_is_waited_out(tmp_path: Path, how: dict[str, Any]) -> None:
    async with running(tmp_path) as workspace, aiohttp.ClientSession(workspace.base_url) as session:
        people = People(session)
        async with open_slack(workspace.bot_token, workspace.app_token, base_url=workspace.api_url, max_upload=1) as slack:
            await people.control("fault", {"method": "apps.connections.open", **how})

            await asyncio.wait_for(slack.listen(ignore, Unmarked()), 30)

        await people.control("fault", {"method": "auth.test", **how})
        async with (
            asyncio.timeout(30),
            open_slack(workspace.bot_token, workspace.app_token, base_url=workspace.api_url, max_upload=1) as slack,
        ):
            assert slack.bot_user == "U0BOT"
