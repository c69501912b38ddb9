"""Answers arrive whatever Slack makes of their blocks, and each part of them once."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import AsyncMock

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused
from bot.slack.render import SILENT, parts
from bot.thread.entries import Reply
from tests.e2e.slack import thread_of
from tests.slack.conftest import WITHOUT_US, Place

LONG = Reply(text="\n\n".join(f"{word} " * 2_000 for word in ("one", "two", "three")), footer="1 call")


async def test_an_answer_whose_blocks_are_rejected_arrives_as_text(place: Place) -> None:
    thread = thread_of(await place.people.say("hi"))
    ts = await place.chat.open(thread, "one", again=False)
    await place.people.control("fault", {"method": "chat.update", "error": "invalid_blocks"})

    await place.chat.deliver(thread, "one", ts, Reply(text="a < b"), [], again=False)

    [answer] = await place.people.messages(thread.ts)
    assert (answer["text"], answer["blocks"]) == ("a &lt; b", [])


async def test_an_answer_of_blanks_arrives_as_words(place: Place) -> None:
    thread = thread_of(await place.people.say("hi"))
    ts = await place.chat.open(thread, "one", again=False)

    await place.chat.deliver(thread, "one", ts, Reply(text=" \n\t"), [], again=False)

    [answer] = await place.people.messages(thread.ts)
    assert answer["text"] == SILENT


async def test_in_an_archived_channel_every_post_is_refused_for_good(place: Place) -> None:
    thread = thread_of(await place.people.say("hi"))
    ts = await place.chat.open(thread, "one", again=False)
    await place.people.control("archive", {"channel": "C0GENERAL"})

    for post in (
        place.chat.open(thread, "two", again=False),
        place.chat.deliver(thread, "one", ts, Reply(text="done"), [], again=False),
    ):
        with pytest.raises(Refused) as refusal:
            await post
        assert not refusal.value.mendable


async def test_of_a_long_answer_only_what_is_missing_is_posted_again(place: Place) -> None:
    thread = thread_of(await place.people.say("hi"))
    ts = await place.chat.open(thread, "one", again=False)
    await place.chat.deliver(thread, "one", ts, LONG, [], again=False)
    first, second, *_ = await place.people.messages(thread.ts)
    await place.people.control("delete", {"channel": "C0GENERAL", "ts": second["ts"]})

    await place.chat.deliver(thread, "one", ts, LONG, [], again=True)

    messages = await place.people.messages(thread.ts)
    assert sorted(m["text"] for m in messages) == sorted(part.text for part in parts(LONG))
    assert messages[0]["ts"] == first["ts"]


async def test_long_output_comes_as_a_file_and_comes_once(place: Place) -> None:
    thread = thread_of(await place.people.say("hi"))
    ts = await place.chat.open(thread, "one", again=False)
    reply = Reply(text="Done.", output="line\n" * 40)
    keep = AsyncMock()
    await place.people.control("fault", {"method": "files.completeUploadExternal", "http": 503, "text": "lost", "after": True})
    assert await place.chat.deliver(thread, "one", ts, reply, [], again=False, keep=keep) == ""
    await place.shared(thread.ts)

    assert await place.chat.deliver(thread, "one", ts, reply, [], again=True, sent=keep.call_args[0][0]) == ""

    uploads = [file for message in await place.people.messages(thread.ts) for file in message["files"]]
    assert [(file["name"], await place.people.bytes_of(file)) for file in uploads] == [("output.txt", b"line\n" * 40)]


async def test_a_command_is_answered_in_private_even_where_the_bot_is_no_member(place: Place) -> None:
    await place.people.control("command", {"channel": WITHOUT_US, "user": "U0ALICE", "command": "/runpy", "text": "a.py"})
    request = await place.request()

    await place.chat.whisper(request, "Invite me.")
    await place.chat.whisper(replace(request, response_url=f"{request.response_url}-gone"), "Nobody hears this.")

    told = [m for m in (await place.people.seen("messages"))["messages"] if m["ephemeral"]]
    assert [(m["channel"], m["ephemeral_to"], m["text"]) for m in told] == [(WITHOUT_US, "U0ALICE", "Invite me.")]


async def test_a_message_is_found_again_by_the_mark_of_an_earlier_release(place: Place) -> None:
    thread = thread_of(await place.people.say("hi"))
    mark = {"event_type": "codebot_turn", "event_payload": {"turn": "one", "part": 0}}
    client = AsyncWebClient(token=place.workspace.bot_token, base_url=place.workspace.api_url)
    ts = (await client.chat_postMessage(channel=thread.channel, thread_ts=thread.ts, text="…", metadata=mark))["ts"]

    assert await place.chat.open(thread, "one", again=True) == ts


async def test_an_answer_to_a_deleted_message_is_posted_anew(place: Place) -> None:
    thread = thread_of(await place.people.say("hi"))
    ts = await place.chat.open(thread, "one", again=False)
    await place.people.control("fault", {"method": "chat.update", "error": "thread_not_found"})

    await place.chat.deliver(thread, "one", ts, Reply(text="here"), [], again=False)

    assert [message["text"] for message in await place.people.messages(thread.ts)][-1] == "here"
