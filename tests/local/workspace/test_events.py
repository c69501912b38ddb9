"""What reaches a real Bolt app over the workspace's WebSocket."""

import asyncio

from tests.local.conftest import HERE, Bot, Place, connect, file, until


async def test_a_mention_where_the_bot_is_arrives_as_two_events_with_one_ts(place: Place, bot: Bot) -> None:
    ts = await place.say("<@U0BOT> plot this")

    assert {(event["type"], event["ts"]) for event in await bot.heard(2)} == {("message", ts), ("app_mention", ts)}
    assert len({body["event_id"] for body in bot.bodies}) == 2


async def test_a_direct_message_arrives_once(place: Place, bot: Bot) -> None:
    await place.say("<@U0BOT> hello", channel="D0ALICE")
    await place.say("bye", channel="D0ALICE")

    heard = await bot.heard(2)
    assert [(event["text"], event["channel_type"]) for event in heard] == [("<@U0BOT> hello", "im"), ("bye", "im")]


async def test_a_file_comes_with_its_message_and_without_a_team(place: Place, bot: Bot) -> None:
    await place.say("look", files=[file("sales.csv", b"a,b\n1,2\n")])

    [event] = await bot.heard()
    assert (event["subtype"], [f["name"] for f in event["files"]], "team" in event) == ("file_share", ["sales.csv"], False)


async def test_where_the_bot_is_not_nothing_is_heard(place: Place, bot: Bot) -> None:
    await place.say("<@U0BOT> hello?", channel="C0LOBBY")
    await place.say("<@U0BOT> hello?", channel="C0PRIVATE")
    await place.say("here")

    assert [event["text"] for event in await bot.heard()] == ["here"]


async def test_a_private_channel_is_heard_after_an_invitation(place: Place, bot: Bot) -> None:
    await place.post("control/command", {"channel": "C0PRIVATE", "user": "U0BOB", "command": "/invite", "text": "@workings"})

    await place.say("psst", channel="C0PRIVATE")

    await until(lambda: any(event["text"] == "psst" for event in bot.events))
    assert bot.events[-1]["channel_type"] == "group"


async def test_a_persons_edit_and_deletion_say_what_was_there(place: Place, bot: Bot) -> None:
    ts = await place.say("first")
    await place.post("control/edit", {"channel": HERE, "ts": ts, "text": "second"})
    await place.post("control/delete", {"channel": HERE, "ts": ts})

    _, changed, deleted = await bot.heard(3)
    was, now = changed["previous_message"]["text"], changed["message"]["text"]
    assert (changed["subtype"], was, now) == ("message_changed", "first", "second")
    gone = deleted["previous_message"]["text"]
    assert (deleted["subtype"], deleted["deleted_ts"], gone) == ("message_deleted", ts, "second")


async def test_a_deleted_root_with_replies_becomes_a_tombstone(place: Place, bot: Bot) -> None:
    ts = await place.say("question")
    await place.say("answer", thread_ts=ts, user="U0BOB")

    await place.post("control/delete", {"channel": HERE, "ts": ts})

    [changed] = [event for event in await bot.heard(3) if "subtype" in event]
    assert (changed["subtype"], changed["message"]["subtype"]) == ("message_changed", "tombstone")
    assert [m["text"] for m in await place.messages(thread_ts=ts)] == ["This message was deleted.", "answer"]


async def test_an_event_nobody_acknowledges_comes_again_and_is_counted(place: Place) -> None:
    got: list[tuple[str, int]] = []
    bot = await connect(place)

    async def refuse(client: object, request: object) -> None:
        got.append((request.envelope_id, request.retry_attempt))  # type: ignore[attr-defined]

    bot.handler.client.socket_mode_request_listeners = [refuse]
    await place.say("anybody?")

    await until(lambda: len(got) == 4)
    assert len({envelope for envelope, _ in got}) == 1
    assert [attempt for _, attempt in got] == [0, 1, 2, 3]
    await until(lambda: place.workspace.delivery.pending == 0)
    await bot.close()


async def test_what_happens_while_the_bot_is_away_is_delivered_when_it_comes(place: Place) -> None:
    await place.say("are you there?")

    bot = await connect(place)

    assert [event["text"] for event in await bot.heard()] == ["are you there?"]
    await bot.close()


async def test_each_event_goes_to_one_of_several_connections(place: Place, bot: Bot) -> None:
    second = await connect(place)

    for number in range(10):
        await place.say(f"{number}")

    await until(lambda: len(bot.events) + len(second.events) == 10)
    assert sorted(event["text"] for event in bot.events + second.events) == [str(n) for n in range(10)]
    assert len(bot.events) == len(second.events) == 5
    await second.close()


async def test_a_connection_that_is_asked_to_come_back_comes_back(place: Place, bot: Bot) -> None:
    [socket] = place.workspace.socket_mode.sockets

    await place.post("control/disconnect", {"reason": "refresh_requested"})

    sockets = place.workspace.socket_mode.sockets
    await until(lambda: sockets and sockets[0] is not socket)
    await place.say("still here?")
    await bot.heard()


async def test_an_invented_event_is_sent_as_it_is_and_can_be_answered(place: Place, bot: Bot) -> None:
    thread = "1700000000.000100"
    event = {"type": "app_mention", "channel": HERE, "user": "U0BOB", "text": "<@U0BOT> hi", "ts": thread}
    for _ in range(3):
        await place.post("control/event", {"event": event})

    assert await bot.heard(3) == [event] * 3
    await place.client.chat_postMessage(channel=HERE, thread_ts=thread, text="hello")
    said = await place.messages(thread_ts=thread)
    assert [(m["user"], m["text"]) for m in said] == [("U0BOB", "<@U0BOT> hi"), ("U0BOT", "hello")]


async def test_an_event_that_is_not_subscribed_is_not_sent(place: Place, bot: Bot) -> None:
    assert not place.workspace.events.offer("reaction_added", {"type": "reaction_added"})

    await asyncio.sleep(0.05)
    assert bot.events == []


async def test_files_from_another_company_come_as_stubs(place: Place, bot: Bot) -> None:
    await place.say("ours", channel="C0PARTNER", user="U0EXT", files=[file("x.csv", b"1")])

    [event] = await bot.heard()
    [stub] = event["files"]
    assert (stub["file_access"], "url_private" in stub) == ("check_file_info", False)
    assert event["user_team"] != bot.bodies[0]["team_id"]
    assert bot.bodies[0]["is_ext_shared_channel"] is True
    info = await place.client.files_info(file=stub["id"])
    assert info["file"]["name"] == "x.csv"
