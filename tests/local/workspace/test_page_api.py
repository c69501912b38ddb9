"""What the page asks the workspace, and who may ask at all."""

import asyncio
import json
from typing import Any

import pytest

from tests.local.conftest import HERE, Json, Place


async def test_the_state_is_what_alice_sees(place: Place) -> None:
    state = await place.get("page/state")

    assert (state["me"], state["team"]["id"], state["bot_online"]) == ("U0ALICE", "T0LOCAL", False)
    assert [(c["id"], c["is_member"]) for c in state["channels"]] == [
        (HERE, True), ("C0RANDOM", True), ("C0IDEAS", False), ("D0ALICE", True),
    ]  # fmt: skip
    assert [u["name"] for u in state["users"] if not u["is_bot"]] == ["alice", "bob"]
    assert [c["command"] for c in state["commands"]] == ["/runpy", "/invite"]
    assert [s["callback_id"] for s in state["shortcuts"]] == ["run_file"]
    assert len(state["suggested_prompts"]) == 4


async def test_a_message_typed_in_the_page_is_mention_and_text(place: Place) -> None:
    await place.post("page/message", {"channel": HERE, "text": "@workings is 1 < 2 & https://x.org/?a=1&b=2?"})

    [message] = await place.messages()
    assert message["text"] == "<@U0BOT> is 1 &lt; 2 &amp; <https://x.org/?a=1&amp;b=2>?"


async def test_a_thread_is_shown_beside_its_root(place: Place) -> None:
    root = (await place.post("page/message", {"channel": HERE, "text": "root"}))["ts"]
    reply = {"channel": HERE, "text": "reply", "thread_ts": root, "user": "U0BOB"}
    await place.post("page/message", reply)

    [shown] = (await place.get("page/messages?channel=C0GENERAL"))["messages"]
    thread = (await place.get(f"page/messages?channel=C0GENERAL&thread_ts={root}"))["messages"]

    assert (shown["ts"], shown["reply_count"], shown["latest_reply"]) == (root, 1, thread[1]["ts"])
    assert [(m["user"], m["text"]) for m in thread] == [("U0ALICE", "root"), ("U0BOB", "reply")]


async def test_only_ones_own_messages_change(place: Place) -> None:
    ts = await place.say("alice's")

    body = {"channel": HERE, "ts": ts, "text": "bob's", "user": "U0BOB"}
    for path in ("page/edit", "page/delete"):
        assert (await place.answer(path, "POST", json=body)).said == (403, {"error": "Only your own messages can be changed."})
    await place.post("page/edit", {"channel": HERE, "ts": ts, "text": "changed"})

    [message] = (await place.get("page/messages?channel=C0GENERAL"))["messages"]
    assert (message["text"], message["edited"]) == ("changed", True)


async def test_what_is_shown_is_escaped(place: Place) -> None:
    await place.client.chat_postMessage(channel=HERE, text="<script>alert(1)</script>")

    [message] = (await place.get("page/messages?channel=C0GENERAL"))["messages"]
    assert "<script" not in message["html"]


async def test_changes_are_pushed_to_those_who_may_see_them(place: Place) -> None:
    told: list[Json] = []

    async def listen() -> None:
        async with place.session.get(place.workspace.base_url + "page/events") as stream:
            async for line in stream.content:
                if line.startswith(b":"):
                    listening.set()
                elif line.startswith(b"data: "):
                    told.append(json.loads(line[6:]))
                    if told[-1]["type"] == "deleted":
                        return

    listening = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(listen())
        await listening.wait()
        root = await place.say("hi")
        await place.client.chat_postEphemeral(channel=HERE, user="U0BOB", text="for bob")
        where: dict[str, Any] = {"channel_id": HERE, "thread_ts": root}
        await place.client.assistant_threads_setStatus(**where, status="is thinking…")
        await place.post("page/edit", {"channel": HERE, "ts": root, "text": "ho"})
        await place.post("page/delete", {"channel": HERE, "ts": root})

    assert [t["type"] for t in told] == ["message", "status", "changed", "deleted"]
    assert told[1] | {"text": "is thinking…", "thread_ts": root} == told[1]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:80"}, {"Origin": "http://evil.example"}, {"Origin": "http://localhost:1"}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "page/state", "control/tokens", "control/message", "api/auth.test", "link/?ticket=1"])
async def test_other_sites_are_refused_everywhere(place: Place, headers: dict[str, str], path: str) -> None:
    method = "POST" if path == "control/message" else "GET"

    assert (await place.answer(path, method, headers=headers)).status == 403


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_what_a_form_could_send_is_refused(place: Place, content_type: str) -> None:
    for path in ("page/message", "control/message", "page/upload?name=x"):
        assert (await place.answer(path, "POST", data=b"{}", headers={"Content-Type": content_type})).status == 415
    assert await place.messages() == []


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"{", 400, "The body is not JSON."),
        (b"[]", 400, "The body is not a JSON object."),
        (b"", 400, "The body is empty."),
        (b'{"user":"U0BOB","text":"x"}', 400, "'channel' is missing."),
        (b'{"user":"U0BOB","channel":"C0GENERAL","text":1}', 400, "'text' is not a text."),
        (b'{"user":"U0BOB","channel":"C0GENERAL","text":" "}', 400, "A message needs a text or a file."),
        (b'{"user":"U0NOBODY","channel":"C0GENERAL","text":"x"}', 404, "There is no user U0NOBODY."),
        (b'{"user":"U0BOB","channel":"C0NOWHERE","text":"x"}', 404, "There is no channel C0NOWHERE."),
        (b'{"user":"U0BOB","channel":"D0ALICE","text":"x"}', 400, "D0ALICE are the direct messages of somebody else."),
    ],
)
async def test_a_bad_request_is_answered_in_words(place: Place, body: bytes, status: int, error: str) -> None:
    came = await place.answer("control/message", "POST", data=body, headers={"Content-Type": "application/json"})

    assert came.said == (status, {"error": error})


async def test_the_tokens_are_given_to_loopback(place: Place) -> None:
    tokens = await place.get("control/tokens")

    assert tokens == {
        "bot_token": place.workspace.bot_token, "app_token": place.workspace.app_token, "api_url": place.workspace.api_url,
    }  # fmt: skip
