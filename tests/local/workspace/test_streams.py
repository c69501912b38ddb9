"""Streaming messages: started, grown, stopped, dead after five minutes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.models.messages.chunk import MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk

from bot.local.workspace.server import Options
from tests.local.conftest import HERE, Clock, Json, Place, served

TO: Json = {"recipient_team_id": "T0LOCAL", "recipient_user_id": "U0ALICE"}


@pytest.fixture
async def place(tmp_path: Path, clock: Clock) -> AsyncIterator[Place]:
    async with served(tmp_path, options=Options(rate_limits=False, clock=clock)) as place:
        yield place


async def start(place: Place, **more: Any) -> tuple[str, Json]:
    root = await place.say("<@U0BOT> write")
    answer = await place.client.chat_startStream(channel=HERE, thread_ts=root, **TO, **more)
    return root, {"channel": HERE, "ts": answer["ts"]}


async def test_a_stream_grows_into_the_message_it_becomes(place: Place) -> None:
    root, stream = await start(place)
    await place.client.chat_appendStream(**stream, markdown_text="**hel")
    await place.client.chat_appendStream(**stream, markdown_text="lo**")
    assert (await place.messages(thread_ts=root))[1]["streaming"] is True

    await place.client.chat_stopStream(**stream, metadata={"event_type": "t", "event_payload": {}})

    message = (await place.messages(thread_ts=root))[1]
    assert (message["text"], message["streaming"]) == ("**hello**", False)
    assert message["blocks"] == [{"type": "markdown", "text": "**hello**"}]
    assert message["metadata"]["event_type"] == "t"


async def test_the_sdks_helper_streams(place: Place) -> None:
    root = await place.say("<@U0BOT> write")

    stream = await place.client.chat_stream(channel=HERE, thread_ts=root, buffer_size=1, **TO)
    await stream.append(markdown_text="one ")
    await stream.append(markdown_text="two")
    await stream.stop()

    assert (await place.messages(thread_ts=root))[1]["text"] == "one two"


async def test_tasks_are_replaced_by_id_and_gathered_in_a_plan(place: Place) -> None:
    root, stream = await start(place, task_display_mode="plan")
    task = TaskUpdateChunk(id="1", title="Run", status="in_progress", details="plot.py")
    await place.client.chat_appendStream(**stream, chunks=[PlanUpdateChunk(title="Plan"), task])
    done = TaskUpdateChunk(id="1", title="Ran", status="complete")

    await place.client.chat_stopStream(**stream, chunks=[done, MarkdownTextChunk(text="Done.")])

    plan, words = (await place.messages(thread_ts=root))[1]["blocks"]
    assert (plan["type"], plan["title"]) == ("plan", "Plan")
    assert [(t["title"], t["status"]) for t in plan["tasks"]] == [("Ran", "complete")]
    assert words == {"type": "markdown", "text": "Done."}


async def test_a_stream_dies_after_five_minutes_and_can_then_be_updated(place: Place, clock: Clock) -> None:
    root, stream = await start(place)
    clock.now += 299
    await place.client.chat_appendStream(**stream, markdown_text="still ")
    assert await place.error(place.client.chat_update(**stream, text="x")) == "streaming_state_conflict"

    clock.now += 2

    assert await place.error(place.client.chat_appendStream(**stream, markdown_text="here?")) == "message_not_in_streaming_state"
    await place.client.chat_update(**stream, text="the rest")
    assert (await place.messages(thread_ts=root))[1]["text"] == "the rest"


async def test_stop_ends_the_streams_of_the_thread(place: Place) -> None:
    root, stream = await start(place)

    answer = await place.post("control/stop", {"channel": HERE, "user": "U0ALICE", "thread_ts": root})

    assert answer["streaming_message_ts"] == [stream["ts"]]
    assert await place.error(place.client.chat_appendStream(**stream, markdown_text="x")) == "stopped_by_user"
    assert (await place.get("control/state"))["streams"] == []


async def test_in_a_channel_the_recipient_must_be_named(place: Place) -> None:
    root = await place.say("<@U0BOT> write")
    where: Json = {"channel": HERE, "thread_ts": root}

    assert await place.error(place.client.chat_startStream(**where)) == "missing_recipient_team_id"
    assert await place.error(place.client.chat_startStream(**where, recipient_team_id="T0LOCAL")) == "missing_recipient_user_id"
    direct = await place.say("write", channel="D0ALICE")
    await place.client.chat_startStream(channel="D0ALICE", thread_ts=direct)


async def test_bad_chunks_are_refused_and_change_nothing(place: Place) -> None:
    root, stream = await start(place)
    bad = ({"type": "task_update", "id": "1", "title": "x" * 257, "status": "pending"},
           {"type": "task_update", "id": "1", "title": "x", "status": "done"},
           {"type": "song", "text": "la"})  # fmt: skip

    for chunk in bad:
        call = place.client.chat_appendStream(**stream, chunks=[{"type": "markdown_text", "text": "x"}, chunk])
        assert await place.error(call) == "invalid_chunks"
    assert await place.error(place.client.chat_appendStream(**stream, markdown_text="x" * 12_001)) == "msg_too_long"

    assert (await place.messages(thread_ts=root))[1]["text"] == ""
