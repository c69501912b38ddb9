"""Files: up in three steps, down with a token, and every trap in between."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.local.workspace.server import Options
from tests.local.conftest import HERE, Json, Place, file, served, until

BINARY = {"Content-Type": "application/octet-stream"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


async def shared(place: Place, channel: str = HERE) -> Json:
    """Post a CSV as Alice and return what files.info says of it."""
    await place.say("here", channel=channel, files=[file("sales.csv", b"a,b\n1,2\n")])
    [shown] = (await place.messages(channel))[-1]["files"]
    found = place.workspace.workspace.files.get(shown["id"])
    assert found is not None
    return found.to_slack(place.workspace.base_url)


async def test_files_upload_v2_lands_in_the_thread_as_one_message(place: Place) -> None:
    root = await place.say("<@U0BOT> make files")

    answer = await place.client.files_upload_v2(
        channel=HERE, thread_ts=root, initial_comment="two files",
        file_uploads=[{"content": b"abc", "filename": "a.txt"}, {"content": PNG, "filename": "plot.png"}],
    )  # fmt: skip

    assert set(answer["files"][0]) == {"id", "title"}
    await until(lambda: len(place.workspace.workspace.replies(HERE, root)) == 1)
    [message] = (await place.messages(thread_ts=root))[1:]
    assert (message["text"], [f["name"] for f in message["files"]]) == ("two files", ["a.txt", "plot.png"])
    info = await place.client.files_info(file=answer["files"][0]["id"])
    assert info["file"]["shares"]["public"][HERE][0]["thread_ts"] == root


async def test_the_bytes_come_with_the_token_alone(place: Place) -> None:
    url = (await shared(place))["url_private_download"]

    came, *refused = [await place.answer(url, headers=h) for h in (place.token, {}, {"Authorization": "Bearer xoxb-wrong"})]

    assert (came.headers["Content-Type"], came.body) == ("text/csv", b"a,b\n1,2\n")
    assert [(r.status, r.headers["Content-Type"].split(";")[0]) for r in refused] == [(200, "text/html")] * 2


async def test_a_file_of_a_channel_the_bot_is_not_in_is_out_of_reach(place: Place) -> None:
    private = await shared(place, "C0PRIVATE")

    assert await place.error(place.client.files_info(file=private["id"])) == "file_not_found"
    came = await place.answer(private["url_private"], headers=place.token)
    assert came.headers["Content-Type"].startswith("text/html")


async def test_an_upload_that_was_not_finished_cannot_be_shared_and_one_of_another_length_is_refused(place: Place) -> None:
    ticket = await place.client.files_getUploadURLExternal(filename="x.txt", length=3)

    call = place.client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}], channel_id=HERE)
    assert await place.error(call) == "file_not_found"
    assert (await place.answer(ticket["upload_url"], "POST", data=b"four")).status == 400


async def test_an_upload_may_be_a_form(place: Place) -> None:
    ticket = await place.client.files_getUploadURLExternal(filename="x.txt", length=3)

    came = await place.answer(ticket["upload_url"], "POST", data={"filename": io.BytesIO(b"abc")})

    assert (came.status, came.body) == (200, b"OK - 3")
    await place.client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}], channel_id=HERE)
    await until(lambda: place.workspace.workspace.messages(HERE))


async def test_files_are_listed_newest_first_by_channel_and_user(place: Place) -> None:
    await place.say("", files=[file("one.py", b"1")])
    await place.say("", user="U0BOB", files=[file("two.py", b"2")])
    await place.say("", channel="C0RANDOM", files=[file("three.py", b"3")])

    listed = await place.client.files_list(channel=HERE, user="U0BOB")

    assert [(f["name"], f["filetype"]) for f in listed["files"]] == [("two.py", "python")]


async def test_a_large_file_in_json_arrives_byte_for_byte(place: Place) -> None:
    content = bytes(range(256)) * 40_000  # 10 MB, many steps of the decoder

    await place.say("big", files=[file("big.bin", content), file("empty.txt", b"")])

    big, empty = (await place.messages())[0]["files"]
    assert (await place.answer(big["url"])).body == content
    assert (big["size"], empty["size"]) == (len(content), 0)


@pytest.mark.parametrize("content", ["####", "abc"])
async def test_what_is_not_base64_is_said(place: Place, content: str) -> None:
    body = {"channel": HERE, "user": "U0BOB", "text": "x", "files": [{"name": "x", "content_base64": content}]}

    assert (await place.answer("control/message", "POST", json=body)).said == (400, {"error": "A content_base64 is not base64."})


async def test_bytes_can_be_put_before_the_message(place: Place) -> None:
    _, put = (await place.answer("control/upload?name=raw.bin", "PUT", data=b"bytes", headers=BINARY)).said

    await place.say("raw", file_ids=[put["id"]])

    assert [(f["name"], f["size"]) for f in (await place.messages())[0]["files"]] == [("raw.bin", 5)]


async def test_the_page_saves_files_and_shows_only_real_pictures(place: Place) -> None:
    await place.say("", files=[file("plot.png", PNG), file("fake.png", b"<script>alert(1)</script>")])
    [message] = (await place.get("page/messages?channel=C0GENERAL"))["messages"]
    plot, fake = message["files"]

    saved = (await place.answer(fake["url"])).headers

    assert (await place.answer(plot["image_url"])).headers["Content-Type"] == "image/png"
    assert saved["Content-Disposition"].startswith("attachment")
    assert (saved["X-Content-Type-Options"], saved["Content-Type"]) == ("nosniff", "application/octet-stream")
    assert "image_url" not in fake
    assert (await place.answer(f"page/images/{fake['id']}")).status == 415


async def test_a_page_upload_beyond_the_limit_is_refused_in_words_whether_or_not_it_says_its_length(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(1 << 19)

    async with served(tmp_path, options=Options(upload_limit=1 << 20)) as place:
        long, unsaid, short = [
            await place.answer("page/upload?name=big.bin", "POST", data=data, headers=BINARY)
            for data in (io.BytesIO(bytes((1 << 20) + 1)), endless(), io.BytesIO(bytes(1 << 20)))
        ]

    assert (long.status, unsaid.status, short.status) == (413, 413, 200)
    assert "larger than 1 MB" in long.said[1]["error"]
    assert [path.stat().st_size for path in (tmp_path / "files").iterdir()] == [1 << 20]


async def test_a_download_can_fail_on_demand(place: Place) -> None:
    url = (await shared(place))["url_private"]
    await place.post("control/fault", {"method": "download", "http": 503, "times": 1})

    assert [(await place.answer(url, headers=place.token)).status for _ in range(2)] == [503, 200]


async def test_a_restart_between_upload_and_share_loses_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, options=Options(share_delay=60)) as place:
        answer = await place.client.files_upload_v2(channel=HERE, content="x", filename="x.txt")
        info = await place.client.files_info(file=answer["files"][0]["id"])
        assert info["file"]["shares"] == {}  # shared a moment later, as in Slack

    async with served(tmp_path) as place:
        await until(lambda: place.workspace.workspace.messages(HERE))
