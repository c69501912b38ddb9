"""The Web API, as the real SDK meets it."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.workspace.server import MANIFEST, Options, running
from tests.local.conftest import Clock, Place


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


async def test_a_bot_token_opens_no_socket(place: Place) -> None:
    call = place.client.apps_connections_open(app_token=place.workspace.bot_token)

    assert await place.error(call) == "not_allowed_token_type"


@pytest.mark.parametrize("how", ["query", "form", "json"])
async def test_arguments_come_in_the_query_a_form_or_json(place: Place, how: str) -> None:
    arguments = {"channel": "C0GENERAL", "text": how}
    sent: dict[str, Any] = {"query": {"params": arguments}, "form": {"data": arguments}, "json": {"json": arguments}}[how]
    headers = {"Authorization": f"Bearer {place.workspace.bot_token}"}

    async with place.session.post(place.workspace.api_url + "chat.postMessage", headers=headers, **sent) as answer:
        assert (await answer.json())["ok"] is True

    assert [m["text"] for m in await place.messages()] == [how]


async def test_unknown_methods_and_arguments_are_rejected(place: Place) -> None:
    client = place.client

    assert await place.error(client.api_call("chat.shout")) == "unknown_method"
    assert await place.error(client.chat_postMessage(channel="C0GENERAL", text="x", loud=True)) == "invalid_arguments"
    assert await place.error(client.api_call("users.info")) == "invalid_arguments"


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(MANIFEST.read_text().replace("      - files:write\n", ""))
    async with running(tmp_path / "data", manifest) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)

        with pytest.raises(SlackApiError) as caught:
            await client.files_upload_v2(content="x", filename="x.txt")

    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "files:write")
    assert "files:read" in caught.value.response["provided"]


async def test_the_bot_speaks_only_where_it_is(place: Place) -> None:
    client = place.client

    assert await place.error(client.chat_postMessage(channel="C0LOBBY", text="x")) == "not_in_channel"
    assert await place.error(client.chat_postMessage(channel="C0PRIVATE", text="x")) == "channel_not_found"
    assert await place.error(client.conversations_history(channel="C0LOBBY")) == "not_in_channel"
    assert await place.error(client.api_call("chat.postMessage", json={"channel": "C0GENERAL"})) == "no_text"


async def test_a_message_changes_and_goes(place: Place) -> None:
    client = place.client
    posted = await client.chat_postMessage(
        channel="C0GENERAL", text="one", metadata={"event_type": "t", "event_payload": {"k": "v"}}
    )

    await client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="two")

    [message] = await place.messages()
    assert (message["text"], message["metadata"]["event_payload"]) == ("two", {"k": "v"})
    await client.chat_delete(channel="C0GENERAL", ts=posted["ts"])
    assert await place.messages() == []
    assert await place.error(client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="x")) == "message_not_found"


async def test_other_peoples_messages_are_theirs(place: Place) -> None:
    ts = await place.say("mine")

    assert await place.error(place.client.chat_update(channel="C0GENERAL", ts=ts, text="x")) == "cant_update_message"
    assert await place.error(place.client.chat_delete(channel="C0GENERAL", ts=ts)) == "cant_delete_message"


async def test_metadata_comes_back_when_asked_for(place: Place) -> None:
    metadata = {"event_type": "turn", "event_payload": {"turn": "7"}}
    root = await place.say("question")
    await place.client.chat_postMessage(channel="C0GENERAL", thread_ts=root, text="a", metadata=metadata)

    plain = await place.client.conversations_replies(channel="C0GENERAL", ts=root)
    whole = await place.client.conversations_replies(channel="C0GENERAL", ts=root, include_all_metadata=True)

    assert "metadata" not in plain["messages"][1]
    assert whole["messages"][1]["metadata"] == metadata


async def test_history_pages_newest_first_and_leaves_replies_out(place: Place) -> None:
    roots = [await place.say(f"{n}") for n in range(5)]
    await place.say("reply", thread_ts=roots[0])

    pages = await place.client.conversations_history(channel="C0GENERAL", limit=2)
    seen = [message["text"] async for page in pages for message in page["messages"]]

    assert seen == ["4", "3", "2", "1", "0"]


async def test_a_reply_to_a_thread_that_is_gone_lands_in_the_channel(place: Place) -> None:
    ts = await place.say("question")
    await place.post("control/delete", {"channel": "C0GENERAL", "ts": ts})

    await place.client.chat_postMessage(channel="C0GENERAL", thread_ts=ts, text="answer")

    assert [(m["text"], m["thread_ts"]) for m in await place.messages()] == [("answer", None)]


async def test_long_texts_are_refused(place: Place) -> None:
    client = place.client
    posted = await client.chat_postMessage(channel="C0GENERAL", text="x" * 40_000)

    assert await place.error(client.chat_postMessage(channel="C0GENERAL", text="x" * 40_001)) == "msg_too_long"
    assert await place.error(client.chat_postMessage(channel="C0GENERAL", markdown_text="x" * 12_001)) == "msg_too_long"
    assert await place.error(client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="x" * 4_001)) == "msg_too_long"


async def test_markdown_text_stands_alone(place: Place) -> None:
    call = place.client.chat_postMessage(channel="C0GENERAL", markdown_text="**a**", text="b")

    assert await place.error(call) == "markdown_text_conflict"


async def test_an_ephemeral_message_is_seen_by_one_person(place: Place) -> None:
    await place.client.chat_postEphemeral(channel="C0GENERAL", user="U0BOB", text="psst")

    [message] = await place.messages()
    assert (message["text"], message["ephemeral"], message["ephemeral_to"]) == ("psst", True, "U0BOB")
    assert (await place.get("page/messages?channel=C0GENERAL&user=U0ALICE"))["messages"] == []
    assert len((await place.get("page/messages?channel=C0GENERAL&user=U0BOB"))["messages"]) == 1
    call = place.client.chat_postEphemeral(channel="C0GENERAL", user="U0EXT", text="psst")
    assert await place.error(call) == "user_not_in_channel"


async def test_status_and_session_show_until_the_bot_speaks(place: Place) -> None:
    root = await place.say("<@U0BOT> work")
    where: dict[str, Any] = {"channel_id": "C0GENERAL", "thread_ts": root}

    await place.client.assistant_threads_setStatus(**where, status="is thinking…")
    [status] = (await place.get("control/state"))["statuses"]
    assert (status["thread_ts"], status["status"]) == (root, "is thinking…")

    await place.client.agents_sessions_setStatus(**where, status="processing", title="Work")
    await place.client.chat_postMessage(channel="C0GENERAL", thread_ts=root, text="done")
    state = await place.get("control/state")
    assert (state["statuses"], state["sessions"][0]["title"]) == ([], "Work")


async def test_a_rate_limit_is_429_and_the_sdk_waits_it_out(tmp_path: Path, clock: Clock) -> None:
    options = Options(clock=clock)
    async with running(tmp_path, options=options) as workspace, aiohttp.ClientSession() as session:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, session=session)
        for _ in range(5):
            await client.chat_postMessage(channel="C0GENERAL", text="x")

        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C0GENERAL", text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"

        await client.chat_postMessage(channel="C0RANDOM", text="another channel has its own bucket")
        clock.now += 1
        await client.chat_postMessage(channel="C0GENERAL", text="x")


async def test_faults_happen_as_often_as_asked(place: Place) -> None:
    client = place.client
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await place.post("control/fault", {"method": "chat.postMessage", "retry_after": 0, "times": 1})
    await place.post("control/fault", {"method": "chat.postMessage", "error": "internal_error", "times": 2})

    assert await place.error(client.chat_postMessage(channel="C0GENERAL", text="a")) == "internal_error"
    assert await place.error(client.chat_postMessage(channel="C0GENERAL", text="b")) == "internal_error"
    await client.chat_postMessage(channel="C0GENERAL", text="c")

    assert [m["text"] for m in await place.messages()] == ["c"]
    assert (await place.get("control/state"))["calls"]["chat.postMessage"] == 4


async def test_a_fault_can_lose_the_answer_of_a_call_that_was_performed(place: Place) -> None:
    await place.post("control/fault", {"method": "chat.postMessage", "http": 503, "times": 1, "after": True})

    assert await place.error(place.client.chat_postMessage(channel="C0GENERAL", text="a")) == "internal_error"

    assert [m["text"] for m in await place.messages()] == ["a"]


async def test_people_are_told_apart(place: Place) -> None:
    users = {user: (await place.client.users_info(user=user))["user"] for user in ("U0ALICE", "U0EXT", "U0GUEST")}

    assert (users["U0EXT"]["is_stranger"], users["U0GUEST"]["is_restricted"]) == (True, True)
    assert not users["U0ALICE"]["is_stranger"]
    assert await place.error(place.client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_a_reaction_is_added_once(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(MANIFEST.read_text().replace("      - commands\n", "      - commands\n      - reactions:write\n"))
    async with running(tmp_path / "data", manifest) as workspace, aiohttp.ClientSession() as session:
        place = Place(workspace, session)
        ts = await place.say("hi")

        await place.client.reactions_add(channel="C0GENERAL", timestamp=ts, name="eyes")

        call = place.client.reactions_add(channel="C0GENERAL", timestamp=ts, name="eyes")
        assert await place.error(call) == "already_reacted"
        assert (await place.messages())[0]["reactions"] == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]
