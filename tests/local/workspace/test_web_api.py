"""The Web API, as the real SDK meets it."""

from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.workspace.limits import POST, RateLimits
from bot.local.workspace.server import MANIFEST, Options
from tests.local.conftest import HERE, Clock, Json, Place, served

REFUSED: list[tuple[str, Json, str]] = [
    ("chat.shout", {}, "unknown_method"), ("users.info", {}, "invalid_arguments"),
    ("chat.postMessage", {"channel": HERE, "text": "x", "loud": True}, "invalid_arguments"),
    ("chat.postMessage", {"channel": HERE}, "no_text"),
    ("chat.postMessage", {"channel": HERE, "markdown_text": "**a**", "text": "b"}, "markdown_text_conflict"),
    ("chat.postMessage", {"channel": HERE, "text": "x" * 40_001}, "msg_too_long"),
    ("chat.postMessage", {"channel": HERE, "markdown_text": "x" * 12_001}, "msg_too_long"),
    ("chat.postMessage", {"channel": "C0LOBBY", "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": "C0PRIVATE", "text": "x"}, "channel_not_found"),
    ("conversations.history", {"channel": "C0LOBBY"}, "not_in_channel"),
    ("chat.postEphemeral", {"channel": HERE, "user": "U0EXT", "text": "psst"}, "user_not_in_channel"),
    ("chat.update", {"channel": HERE, "ts": "1.0", "text": "x"}, "message_not_found"),
    ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
    ("apps.connections.open", {}, "not_allowed_token_type"),  # which a bot's token opens no socket with
    ("files.getUploadURLExternal", {"filename": "x", "length": 0}, "missing_argument"),
    ("files.getUploadURLExternal", {"filename": "x", "length": (1 << 30) + 1}, "file_upload_size_restricted"),
    ("files.getUploadURLExternal", {"filename": "x", "length": (1 << 20) + 1, "snippet_type": "text"}, "snippet_too_large"),
]  # fmt: skip


async def test_what_slack_refuses_is_refused_with_its_error(place: Place) -> None:
    errors = [(method, asked, await place.error(place.client.api_call(method, json=asked))) for method, asked, _ in REFUSED]

    assert errors == REFUSED


async def test_the_bot_learns_who_it_is(place: Place) -> None:
    answer = await place.client.auth_test()

    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0BOT", "B0BOT", "T0LOCAL")
    assert "chat:write" in answer.headers["X-OAuth-Scopes"]


@pytest.mark.parametrize(
    ("token", "error"), [(None, "not_authed"), ("xoxb-wrong", "invalid_auth"), ("app", "not_allowed_token_type")]
)
async def test_a_wrong_token_is_refused(place: Place, token: str | None, error: str) -> None:
    token = place.workspace.app_token if token == "app" else token
    client = AsyncWebClient(token=token, base_url=place.workspace.api_url)

    assert await place.error(client.auth_test()) == error


@pytest.mark.parametrize("how", ["params", "data", "json"])
async def test_arguments_come_in_the_query_a_form_or_json(place: Place, how: str) -> None:
    sent: Json = {how: {"channel": HERE, "text": how}}

    _, said = (await place.answer("api/chat.postMessage", "POST", headers=place.token, **sent)).said

    assert said["ok"] is True
    assert [m["text"] for m in await place.messages()] == [how]


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(MANIFEST.read_text().replace("      - files:write\n", ""))
    async with served(tmp_path / "data", manifest) as place:
        with pytest.raises(SlackApiError) as caught:
            await place.client.files_upload_v2(content="x", filename="x.txt")

    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "files:write")
    assert "files:read" in caught.value.response["provided"]


async def test_a_message_changes_and_goes(place: Place) -> None:
    metadata = {"event_type": "t", "event_payload": {"k": "v"}}
    posted = await place.client.chat_postMessage(channel=HERE, text="one", metadata=metadata)

    await place.client.chat_update(channel=HERE, ts=posted["ts"], text="two")

    [message] = await place.messages()
    assert (message["text"], message["metadata"]["event_payload"]) == ("two", {"k": "v"})
    call = place.client.chat_update(channel=HERE, ts=posted["ts"], text="x" * 4_001)
    assert await place.error(call) == "msg_too_long"
    await place.client.chat_delete(channel=HERE, ts=posted["ts"])
    assert await place.messages() == []


async def test_other_peoples_messages_are_theirs(place: Place) -> None:
    ts = await place.say("mine")

    assert await place.error(place.client.chat_update(channel=HERE, ts=ts, text="x")) == "cant_update_message"
    assert await place.error(place.client.chat_delete(channel=HERE, ts=ts)) == "cant_delete_message"


async def test_metadata_comes_back_when_asked_for(place: Place) -> None:
    metadata = {"event_type": "turn", "event_payload": {"turn": "7"}}
    root = await place.say("question")
    await place.client.chat_postMessage(channel=HERE, thread_ts=root, text="a", metadata=metadata)

    plain = await place.client.conversations_replies(channel=HERE, ts=root)
    whole = await place.client.conversations_replies(channel=HERE, ts=root, include_all_metadata=True)

    assert "metadata" not in plain["messages"][1]
    assert whole["messages"][1]["metadata"] == metadata


async def test_history_pages_newest_first_and_leaves_replies_out(place: Place) -> None:
    roots = [await place.say(f"{n}") for n in range(5)]
    await place.say("reply", thread_ts=roots[0])

    pages = await place.client.conversations_history(channel=HERE, limit=2)
    seen = [message["text"] async for page in pages for message in page["messages"]]

    assert seen == ["4", "3", "2", "1", "0"]


async def test_a_reply_to_a_thread_that_is_gone_lands_in_the_channel(place: Place) -> None:
    ts = await place.say("question")
    await place.post("control/delete", {"channel": HERE, "ts": ts})

    await place.client.chat_postMessage(channel=HERE, thread_ts=ts, text="answer")

    assert [(m["text"], m["thread_ts"]) for m in await place.messages()] == [("answer", None)]


async def test_an_ephemeral_message_is_seen_by_one_person(place: Place) -> None:
    await place.client.chat_postEphemeral(channel=HERE, user="U0BOB", text="psst")

    [message] = await place.messages()
    assert (message["text"], message["ephemeral"], message["ephemeral_to"]) == ("psst", True, "U0BOB")
    assert (await place.get("page/messages?channel=C0GENERAL&user=U0ALICE"))["messages"] == []
    assert len((await place.get("page/messages?channel=C0GENERAL&user=U0BOB"))["messages"]) == 1


async def test_status_and_session_show_until_the_bot_speaks(place: Place) -> None:
    root = await place.say("<@U0BOT> work")
    where: dict[str, Any] = {"channel_id": HERE, "thread_ts": root}

    await place.client.assistant_threads_setStatus(**where, status="is thinking…")
    [status] = (await place.get("control/state"))["statuses"]
    assert (status["thread_ts"], status["status"]) == (root, "is thinking…")

    await place.client.agents_sessions_setStatus(**where, status="processing", title="Work")
    await place.client.chat_postMessage(channel=HERE, thread_ts=root, text="done")
    state = await place.get("control/state")
    assert (state["statuses"], state["sessions"][0]["title"]) == ([], "Work")


async def test_a_rate_limit_is_429_and_the_sdk_waits_it_out(tmp_path: Path, clock: Clock) -> None:
    async with served(tmp_path, options=Options(clock=clock)) as place:
        client = place.client
        for _ in range(5):
            await client.chat_postMessage(channel=HERE, text="x" * 40_000)

        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=HERE, text="x")
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "1")

        await client.chat_postMessage(channel="C0RANDOM", text="another channel has its own bucket")
        clock.now += 1
        await client.chat_postMessage(channel=HERE, text="x")


def test_posts_to_many_channels_meet_the_limit_of_the_workspace() -> None:
    limits = RateLimits(enabled=True)

    assert [limits.wait("chat.postMessage", POST, {"channel": f"C{n}"}, 0.0) for n in range(301)] == [0] * 300 + [1]


async def test_faults_happen_as_often_as_asked(place: Place) -> None:
    client = place.client
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await place.post("control/fault", {"method": "chat.postMessage", "retry_after": 0, "times": 1})
    await place.post("control/fault", {"method": "chat.postMessage", "error": "internal_error", "times": 2})

    assert await place.error(client.chat_postMessage(channel=HERE, text="a")) == "internal_error"
    assert await place.error(client.chat_postMessage(channel=HERE, text="b")) == "internal_error"
    await client.chat_postMessage(channel=HERE, text="c")

    assert [m["text"] for m in await place.messages()] == ["c"]
    assert (await place.get("control/state"))["calls"]["chat.postMessage"] == 4


async def test_a_fault_can_lose_the_answer_of_a_call_that_was_performed(place: Place) -> None:
    await place.post("control/fault", {"method": "chat.postMessage", "http": 503, "times": 1, "after": True})

    assert await place.error(place.client.chat_postMessage(channel=HERE, text="a")) == "internal_error"

    assert [m["text"] for m in await place.messages()] == ["a"]


async def test_people_are_told_apart(place: Place) -> None:
    users = {user: (await place.client.users_info(user=user))["user"] for user in ("U0ALICE", "U0EXT", "U0GUEST")}

    assert (users["U0EXT"]["is_stranger"], users["U0GUEST"]["is_restricted"]) == (True, True)
    assert not users["U0ALICE"]["is_stranger"]


async def test_a_reaction_is_added_once(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(MANIFEST.read_text().replace("      - commands\n", "      - commands\n      - reactions:write\n"))
    async with served(tmp_path / "data", manifest) as place:
        ts = await place.say("hi")
        await place.client.reactions_add(channel=HERE, timestamp=ts, name="eyes")

        assert await place.error(place.client.reactions_add(channel=HERE, timestamp=ts, name="eyes")) == "already_reacted"
        assert (await place.messages())[0]["reactions"] == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]
