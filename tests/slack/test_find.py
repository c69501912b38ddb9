"""Which file a command means, and that it never means one of another channel."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.ports import SharedScript
from bot.thread.request import Command, Request
from tests.e2e.slack import ELSEWHERE, HERE, thread_of
from tests.slack.conftest import WITHOUT_US, Place

SCRIPT = {"a.py": b"print(1)", "a.csv": b"1"}


def command(target: str = "", *, channel: str = HERE, message_ts: str | None = None) -> Request:
    what = Command(target=target, message_ts=message_ts)
    return Request(key="cmd:1", thread=thread_of("cmd:1", channel), ts="1.0", user="U0ALICE", kind="command", command=what)


def link(ts: str, channel: str = HERE, thread: str = "") -> str:
    address = f"https://local.slack.com/archives/{channel}/p{ts.replace('.', '')}"
    return f"{address}?thread_ts={thread}&cid={channel}" if thread else address


async def find(place: Place, request: Request) -> tuple[str, str, list[str]]:
    found = await place.chat.find_upload(request)
    assert isinstance(found, SharedScript)
    return found.thread.ts, found.script.name, [upload.name for upload in found.uploads]


async def refusal(place: Place, request: Request) -> str:
    with pytest.raises(UserError) as refused:
        await place.chat.find_upload(request)
    return str(refused.value)


async def test_a_link_to_a_message_means_its_script_in_its_thread(place: Place) -> None:
    root = await place.people.say("look", files=SCRIPT)
    reply = await place.people.say("better", files={"b.py": b"print(2)"}, thread=root)

    assert await find(place, command(link(root))) == (root, "a.py", ["a.py", "a.csv"])
    assert await find(place, command(link(reply, thread=root))) == (root, "b.py", ["b.py"])


async def test_the_shortcut_means_the_script_of_its_message(place: Place) -> None:
    ts = await place.people.say("look", files=SCRIPT)

    assert await find(place, command(message_ts=ts)) == (ts, "a.py", ["a.py", "a.csv"])


async def test_a_link_into_another_channel_is_refused(place: Place) -> None:
    ts = await place.people.say("secret", files=SCRIPT, channel=ELSEWHERE)

    assert await refusal(place, command(link(ts, ELSEWHERE))) == (
        "That message is in another channel. Use `/runpy` where the file was shared."
    )


async def test_a_file_that_was_shared_in_another_channel_is_refused(place: Place) -> None:
    upload = await place.upload("a.py", b"print(1)", channel=ELSEWHERE)

    for target in (upload.id, f"https://local.slack.com/files/U0ALICE/{upload.id}/a.py"):
        assert await refusal(place, command(target)) == "That file was not shared in this channel."


async def test_a_message_of_several_scripts_gives_them_all_and_one_of_none_is_refused(place: Place) -> None:
    several = await place.people.say("two", files={"a.py": b"1", "b.py": b"2", "c.csv": b"3"})
    none = await place.people.say("data", files={"c.csv": b"3"})

    candidates = await place.chat.find_upload(command(link(several)))

    assert not isinstance(candidates, SharedScript)
    assert [upload.name for upload in candidates] == ["a.py", "b.py"]
    assert await refusal(place, command(link(none))) == "That message carries no Python file."


async def test_where_the_bot_is_no_member_it_asks_for_an_invitation(place: Place) -> None:
    for target in ("", "a.py", link("1700000000.000001", WITHOUT_US)):
        assert "/invite @workings" in await refusal(place, command(target, channel=WITHOUT_US))


async def test_a_script_is_found_beyond_the_first_hundred_files(place: Place) -> None:
    ts = await place.people.say("old", files={"deep.py": b"print(1)"})
    await place.people.say("many", files={f"{number}.csv": b"1" for number in range(100)})

    assert await find(place, command("deep.py")) == (ts, "deep.py", ["deep.py"])
    assert await find(place, command()) == (ts, "deep.py", ["deep.py"])
    assert await find(place, command("DEEP.*")) == (ts, "deep.py", ["deep.py"])
