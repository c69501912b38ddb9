"""Commands, shortcuts, buttons and the Stop button, as a real Bolt app receives them."""

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.local.conftest import HERE, Bot, Json, Place, file, until

PICK = [{"type": "button", "action_id": "pick", "text": {"type": "plain_text", "text": n}, "value": n} for n in ("a.py", "b.py")]
BUTTONS: list[Json] = [{"type": "actions", "block_id": "which", "elements": PICK}]


async def runpy(place: Place, channel: str = HERE) -> Json:
    body = {"channel": channel, "user": "U0ALICE", "command": "/runpy", "text": "main.py 1 'two words'"}
    return await place.post("control/command", body)


async def test_a_command_arrives_as_slack_sends_it(place: Place, bot: Bot) -> None:
    await runpy(place)

    [body] = bot.bodies
    assert (body["command"], body["text"], body["user_id"]) == ("/runpy", "main.py 1 'two words'", "U0ALICE")
    assert (body["channel_name"], body["is_enterprise_install"]) == ("general", "false")
    assert "thread_ts" not in body


async def test_a_response_url_answers_even_where_the_bot_is_not(place: Place, bot: Bot) -> None:
    await runpy(place, "C0LOBBY")
    respond = AsyncWebhookClient(bot.bodies[0]["response_url"])

    await respond.send(text="Invite me with /invite @workings")
    await respond.send(text="for all", response_type="in_channel")

    said = await place.messages("C0LOBBY")
    assert [(m["text"], m["ephemeral"]) for m in said] == [("Invite me with /invite @workings", True), ("for all", False)]
    assert await place.error(place.client.chat_postMessage(channel="C0LOBBY", text="x")) == "not_in_channel"


async def test_a_response_url_is_good_for_five_answers(place: Place, bot: Bot) -> None:
    await runpy(place)
    respond = AsyncWebhookClient(bot.bodies[0]["response_url"])

    statuses = [(await respond.send(text="x")).status_code for _ in range(6)]

    assert statuses == [200] * 5 + [404]


async def test_without_an_app_the_person_is_told(place: Place) -> None:
    await runpy(place)

    [note] = await place.messages()
    assert (note["text"], note["ephemeral_to"]) == ("/runpy failed because the app did not respond.", "U0ALICE")


async def test_an_unknown_command_is_refused(place: Place) -> None:
    body = {"channel": HERE, "user": "U0ALICE", "command": "/dance", "text": ""}

    assert (await place.answer("control/command", "POST", json=body)).said == (400, {"error": "/dance is not a valid command."})


async def test_a_shortcut_brings_the_message_and_its_files(place: Place, bot: Bot) -> None:
    ts = await place.say("mine", files=[file("main.py", b"print(1)")])

    asked = {"channel": HERE, "user": "U0BOB", "callback_id": "run_file", "ts": ts}
    await place.post("control/shortcut", asked)

    [body] = [body for body in bot.bodies if body["type"] == "message_action"]
    assert (body["callback_id"], body["message_ts"], body["user"]["id"]) == ("run_file", ts, "U0BOB")
    assert [f["name"] for f in body["message"]["files"]] == ["main.py"]
    assert body["response_url"].startswith("http://")


@pytest.mark.parametrize("ephemeral", [False, True])
async def test_a_button_says_where_it_was_and_what_it_stands_for(place: Place, bot: Bot, ephemeral: bool) -> None:
    root = await place.say("which?")
    await place.client.chat_postMessage(channel=HERE, thread_ts=root, text="hm")
    where: Json = {"channel": HERE, "thread_ts": root, "text": "which?", "blocks": BUTTONS}
    if ephemeral:
        ts = (await place.client.chat_postEphemeral(user="U0ALICE", **where))["message_ts"]
    else:
        ts = (await place.client.chat_postMessage(**where))["ts"]

    body = {"channel": HERE, "user": "U0ALICE", "ts": ts, "action_id": "pick", "value": "b.py"}
    await place.post("control/action", body)

    [pressed] = [body for body in bot.bodies if body["type"] == "block_actions"]
    assert [(a["action_id"], a["block_id"], a["value"]) for a in pressed["actions"]] == [("pick", "which", "b.py")]
    assert pressed["container"]["thread_ts"] == root
    assert ("message" in pressed, pressed["container"]["is_ephemeral"]) == (not ephemeral, ephemeral)
    await AsyncWebhookClient(pressed["response_url"]).send(text="b.py it is", replace_original=True)
    assert [m["text"] for m in await place.messages(thread_ts=root)] == ["which?", "hm", "b.py it is"]


async def test_stop_is_an_event(place: Place, bot: Bot) -> None:
    root = await place.say("<@U0BOT> run for ever")

    await place.post("control/stop", {"channel": HERE, "user": "U0BOB", "thread_ts": root})

    await until(lambda: bot.events and bot.events[-1]["type"] == "agent_session_stopped")
    stopped = bot.events[-1]
    assert (stopped["channel"], stopped["thread_ts"], stopped["user"]) == (HERE, root, "U0BOB")


async def test_a_trigger_opens_one_view(place: Place, bot: Bot) -> None:
    await runpy(place)
    trigger = bot.bodies[0]["trigger_id"]
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Run"}, "blocks": [{"type": "divider"}]}

    await place.client.views_open(trigger_id=trigger, view=view)

    assert await place.error(place.client.views_open(trigger_id=trigger, view=view)) == "invalid_trigger_id"
