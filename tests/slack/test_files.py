"""Files from Slack come whole or not at all, and the token goes to nobody but Slack."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ServiceError, TooLarge, UserError
from bot.slack.files import SlackFiles, safe_name
from bot.thread.request import Upload
from tests.slack.conftest import Place

A_FILE = Upload(id="F1", name="a.csv", size=3)


async def read(files: SlackFiles | Any, upload: Upload) -> bytes:
    return b"".join([chunk async for chunk in files.download(upload)])


async def answered(file: dict[str, Any], *before: bytes) -> bytes:
    """What is downloaded where `files.info` answers with this file, whose bytes are `abc`; `{home}` is the server's URL.

    What comes `before` is answered first, as machines between Slack and us do.
    """
    wrong = list(before)
    application = web.Application()

    async def info(request: web.Request) -> web.Response:
        home = str(request.url.origin())
        body = {key: value.format(home=home) if isinstance(value, str) else value for key, value in file.items()}
        return web.json_response({"ok": True, "file": body})

    async def content(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer xoxb-1"
        return web.Response(body=wrong.pop(0) if wrong else b"abc")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/bytes")

    application.add_routes([web.route("*", "/api/files.info", info), web.get("/bytes", content), web.get("/moved", moved)])
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session:
            base = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
            client = AsyncWebClient(token="xoxb-1", base_url=base, session=session)
            return await read(SlackFiles(client, session, token="xoxb-1", max_bytes=100), A_FILE)
    finally:
        await runner.cleanup()


async def test_a_download_that_ends_early_is_no_file(place: Place) -> None:
    upload = await place.upload("a.csv", b"0123456789")
    file = place.workspace.workspace.files.get(upload.id)
    assert file is not None
    await asyncio.to_thread(place.workspace.workspace.files.path(file).write_bytes, b"01234")

    with pytest.raises(ServiceError, match=r"^Slack sent 5 of its 10 bytes; try again\.$"):
        await read(place.chat, upload)


async def test_a_file_over_the_limit_is_refused_before_it_is_fetched(place: Place) -> None:
    upload = await place.upload("big.csv", b"x" * 1_001)

    with pytest.raises(TooLarge, match=r"^it has 1,001 bytes; I take files up to 1,000\. Attach a part"):
        await read(place.chat, upload)
    assert (await place.people.seen("state"))["calls"].get("download", 0) == 0


async def test_a_file_is_fetched_from_slack_with_the_token() -> None:
    assert await answered({"id": "F1", "size": 3, "url_private_download": "{home}/bytes"}) == b"abc"


@pytest.mark.parametrize("wrong", [b"", b"null", b"ab"])
async def test_what_has_not_the_size_of_the_file_is_not_taken_for_it(wrong: bytes) -> None:
    assert await answered({"id": "F1", "size": 3, "url_private_download": "{home}/bytes"}, wrong, wrong) == b"abc"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ({"mode": "tombstone"}, "does not have it any more"),
        ({"mode": "hidden_by_limit"}, "does not have it any more"),
        ({"is_external": True}, "lives outside Slack"),
        ({"mode": "external"}, "lives outside Slack"),
        ({"mode": "quip"}, "a canvas"),
        ({"file_access": "access_denied"}, "does not let me see it"),
        ({"url_private_download": ""}, "no address for it"),
        ({"url_private_download": "https://files.example.org/bytes"}, "no address of its own"),
        ({"url_private_download": "https://files.slack.com/bytes"}, "no address of its own"),
        ({"url_private_download": "{home}/moved"}, "answered 302"),
    ],
)
async def test_a_file_that_slack_does_not_have_itself_is_refused_with_the_reason(file: dict[str, Any], reason: str) -> None:
    with pytest.raises((UserError, ServiceError), match=reason):
        await answered({"id": "F1", "size": 3, "url_private_download": "{home}/bytes", **file})


async def test_a_file_that_is_larger_than_announced_is_cut_off_at_the_limit() -> None:
    with pytest.raises(ServiceError, match=r"^Slack sent 3 of its 2 bytes"):
        await answered({"id": "F1", "size": 2, "url_private_download": "{home}/bytes"})


async def test_a_sign_in_page_is_not_taken_for_the_file(place: Place) -> None:
    upload = await place.upload("a.csv", b"0123456789")
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(token=place.workspace.bot_token, base_url=place.workspace.api_url, session=session)
        stranger = SlackFiles(client, session, token="xoxb-revoked", max_bytes=1_000)

        with pytest.raises(UserError, match="sign-in page"):
            await read(stranger, upload)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("out/a.csv", "out-a.csv"), ("a\u202egnp.py", "agnp.py"), ("<!channel>.py", "_!channel_.py"), ("\n", "file")],
)
def test_a_name_shows_as_it_is_and_calls_nobody(name: str, shown: str) -> None:
    assert safe_name(name) == shown
