"""Files: up in three steps, down with a token, and every trap in between."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.workspace.server import Options, running
from tests.local.conftest import Json, Place, file, until

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


async def shared(place: Place, channel: str = "C0GENERAL") -> Json:
    """Post a CSV as Alice and return what files.info says of it."""
    await place.say("here", channel=channel, files=[file("sales.csv", b"a,b\n1,2\n")])
    [shown] = (await place.messages(channel))[-1]["files"]
    found = place.workspace.workspace.files.get(shown["id"])
    assert found is not None
    return found.to_slack(place.workspace.base_url)


async def test_files_upload_v2_lands_in_the_thread_as_one_message(place: Place) -> None:
    root = await place.say("<@U0BOT> make files")

    answer = await place.client.files_upload_v2(
        channel="C0GENERAL", thread_ts=root, initial_comment="two files",
        file_uploads=[{"content": b"abc", "filename": "a.txt"}, {"content": PNG, "filename": "plot.png"}],
    )  # fmt: skip

    assert set(answer["files"][0]) == {"id", "title"}
    await until(lambda: len(place.workspace.workspace.replies("C0GENERAL", root)) == 1)
    [message] = (await place.messages(thread_ts=root))[1:]
    assert (message["text"], [f["name"] for f in message["files"]]) == ("two files", ["a.txt", "plot.png"])
    info = await place.client.files_info(file=answer["files"][0]["id"])
    assert info["file"]["shares"]["public"]["C0GENERAL"][0]["thread_ts"] == root


async def test_the_bytes_come_with_the_token_alone(place: Place) -> None:
    url = (await shared(place))["url_private_download"]

    async with place.session.get(url, headers={"Authorization": f"Bearer {place.workspace.bot_token}"}) as answer:
        assert (answer.content_type, await answer.read()) == ("text/csv", b"a,b\n1,2\n")

    for headers in ({}, {"Authorization": "Bearer xoxb-wrong"}):
        async with place.session.get(url, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")


async def test_a_file_of_a_channel_the_bot_is_not_in_is_out_of_reach(place: Place) -> None:
    private = await shared(place, "C0PRIVATE")

    assert await place.error(place.client.files_info(file=private["id"])) == "file_not_found"
    headers = {"Authorization": f"Bearer {place.workspace.bot_token}"}
    async with place.session.get(private["url_private"], headers=headers) as answer:
        assert answer.content_type == "text/html"


async def test_empty_and_oversized_uploads_are_refused(place: Place) -> None:
    client = place.client

    assert await place.error(client.files_getUploadURLExternal(filename="x", length=0)) == "missing_argument"
    call = client.files_getUploadURLExternal(filename="x", length=(1 << 30) + 1)
    assert await place.error(call) == "file_upload_size_restricted"
    call = client.files_getUploadURLExternal(filename="x", length=(1 << 20) + 1, snippet_type="text")
    assert await place.error(call) == "snippet_too_large"


async def test_an_upload_of_another_length_than_announced_is_refused(place: Place) -> None:
    ticket = await place.client.files_getUploadURLExternal(filename="x.txt", length=3)

    async with place.session.post(ticket["upload_url"], data=b"four") as answer:
        assert answer.status == 400


async def test_an_upload_may_be_a_form(place: Place) -> None:
    ticket = await place.client.files_getUploadURLExternal(filename="x.txt", length=3)

    async with place.session.post(ticket["upload_url"], data={"filename": io.BytesIO(b"abc")}) as answer:
        assert (answer.status, await answer.text()) == (200, "OK - 3")
    await place.client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}], channel_id="C0GENERAL")
    await until(lambda: place.workspace.workspace.messages("C0GENERAL"))


async def test_an_upload_that_was_not_finished_cannot_be_shared(place: Place) -> None:
    ticket = await place.client.files_getUploadURLExternal(filename="x.txt", length=3)

    call = place.client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}], channel_id="C0GENERAL")

    assert await place.error(call) == "file_not_found"


async def test_files_are_listed_newest_first_by_channel_and_user(place: Place) -> None:
    await place.say("", files=[file("one.py", b"1")])
    await place.say("", user="U0BOB", files=[file("two.py", b"2")])
    await place.say("", channel="C0RANDOM", files=[file("three.py", b"3")])

    listed = await place.client.files_list(channel="C0GENERAL", user="U0BOB")

    assert [(f["name"], f["filetype"]) for f in listed["files"]] == [("two.py", "python")]


async def test_a_large_file_in_json_arrives_byte_for_byte(place: Place) -> None:
    content = bytes(range(256)) * 40_000  # 10 MB, many steps of the decoder

    await place.say("big", files=[file("big.bin", content), file("empty.txt", b"")])

    big, empty = (await place.messages())[0]["files"]
    async with place.session.get(big["url"]) as answer:
        assert await answer.read() == content
    assert (big["size"], empty["size"]) == (len(content), 0)


@pytest.mark.parametrize("content", ["####", "abc"])
async def test_what_is_not_base64_is_said(place: Place, content: str) -> None:
    body = {"channel": "C0GENERAL", "user": "U0BOB", "text": "x", "files": [{"name": "x", "content_base64": content}]}

    async with place.session.post(place.workspace.base_url + "control/message", json=body) as answer:
        assert (answer.status, await answer.json()) == (400, {"error": "A content_base64 is not base64."})


async def test_bytes_can_be_put_before_the_message(place: Place) -> None:
    url = place.workspace.base_url + "control/upload?name=raw.bin"
    async with place.session.put(url, data=b"bytes", headers={"Content-Type": "application/octet-stream"}) as answer:
        file_id = (await answer.json())["id"]

    await place.say("raw", file_ids=[file_id])

    assert [(f["name"], f["size"]) for f in (await place.messages())[0]["files"]] == [("raw.bin", 5)]


async def test_the_page_saves_files_and_shows_only_real_pictures(place: Place) -> None:
    await place.say("", files=[file("plot.png", PNG), file("fake.png", b"<script>alert(1)</script>")])
    [message] = (await place.get("page/messages?channel=C0GENERAL"))["messages"]
    plot, fake = message["files"]

    async with place.session.get(place.workspace.base_url + plot["image_url"].lstrip("/")) as answer:
        assert answer.headers["Content-Type"] == "image/png"
    async with place.session.get(place.workspace.base_url + fake["url"].lstrip("/")) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "image_url" not in fake
    async with place.session.get(f"{place.workspace.base_url}page/images/{fake['id']}") as answer:
        assert answer.status == 415


async def test_a_page_upload_beyond_the_limit_is_refused_in_words(tmp_path: Path) -> None:
    options = Options(upload_limit=1 << 20)
    async with running(tmp_path, options=options) as workspace, aiohttp.ClientSession() as session:
        url, headers = workspace.base_url + "page/upload?name=big.bin", {"Content-Type": "application/octet-stream"}

        async with session.post(url, data=io.BytesIO(bytes((1 << 20) + 1)), headers=headers) as answer:
            assert (answer.status, "larger than 1 MB" in (await answer.json())["error"]) == (413, True)
        async with session.post(url, data=io.BytesIO(bytes(1 << 20)), headers=headers) as answer:
            assert answer.status == 200


async def test_an_upload_that_does_not_say_how_long_it_is_ends_at_the_limit(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(1 << 19)

    async with running(tmp_path, options=Options(upload_limit=1 << 20)) as workspace, aiohttp.ClientSession() as session:
        url, headers = workspace.base_url + "page/upload?name=big.bin", {"Content-Type": "application/octet-stream"}

        async with session.post(url, data=endless(), headers=headers) as answer:
            assert answer.status == 413

    assert list((tmp_path / "files").iterdir()) == []


async def test_a_download_can_fail_on_demand(place: Place) -> None:
    url = (await shared(place))["url_private"]
    await place.post("control/fault", {"method": "download", "http": 503, "times": 1})
    headers = {"Authorization": f"Bearer {place.workspace.bot_token}"}

    statuses = []
    for _ in range(2):
        async with place.session.get(url, headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [503, 200]


async def test_a_restart_between_upload_and_share_loses_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, options=Options(share_delay=60)) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        answer = await client.files_upload_v2(channel="C0GENERAL", content="x", filename="x.txt")
        info = await client.files_info(file=answer["files"][0]["id"])
        assert info["file"]["shares"] == {}  # shared a moment later, as in Slack

    async with running(tmp_path) as workspace:
        await until(lambda: workspace.workspace.messages("C0GENERAL"))
