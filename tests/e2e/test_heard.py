"""What people write is heard whatever its shape, stop stops, and who is refused reads it."""

import asyncio
from pathlib import Path
from typing import Any

from bot.app import serving
from tests.e2e.slack import CSV, HERE, Slack, at_work, workspace
from tests.e2e.test_threads import report, send, write_and_run
from tests.wire import Choose, ModelRequest, Next, ScriptedModel, Turn

DIRECT, GROUP = "D0ALICE", "C0GROUP"
SLEEP = "import time\ntime.sleep(600)\n"
CODE = "keep `<!here> <@U0BOB>` as it is"
ALERTS: list[dict[str, Any]] = [
    {
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "first"}, "fields": [{"type": "mrkdwn", "text": "disk 91"}]}
        ]
    },
    {"attachments": [{"pretext": "second", "title": "disk 92", "fields": [{"title": "host", "value": "web-7"}]}]},
    {"attachments": [{"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "disk 93"}}], "fallback": "[none]"}]},
]


def turn(asked: ModelRequest) -> Turn:
    """Run a script that sleeps where sleep is asked for, else answer."""
    if asked.agent == "proxy":
        return send() if "sleep" in asked.text else Choose({"kind": "Respond", "text": CODE})
    return write_and_run(SLEEP)


async def test_forwards_and_posts_of_apps_are_read_and_people_have_names(tmp_path: Path) -> None:
    async with ScriptedModel(turn) as model, at_work(tmp_path, model.url, "chat") as slack:
        await slack.say("here", files={"far.csv": CSV}, channel="C0RANDOM")
        [there] = (await slack.seen("messages?channel=C0RANDOM"))["messages"]
        file = {"id": there["files"][0]["id"], "name": "far.csv"}
        forward = {"is_share": True, "author_name": "Ann", "text": "p99 is 2 s", "fallback": "-", "files": [file]}
        lone = await slack.say("", channel=DIRECT, attachments=[forward])
        await slack.answers(lone, channel=DIRECT)
        for words in ("Ann wrote", "p99 is 2 s", "far.csv"):
            assert words in model.requests[-1].text

        thread = await slack.say("the alarms of today", user="B0ALERTS")
        for alert in ALERTS[:2]:
            await slack.say("", user="B0ALERTS", thread=thread, **alert)
        await slack.say("<@U0BOT> what happened, <@U0BOB>?", thread=thread)
        [answer] = await slack.answers(thread)
        await slack.say("", user="B0ALERTS", thread=thread, **ALERTS[2])
        await slack.say("and now?", thread=thread)
        await slack.answers(thread, 2)
        for words in ("alarms", "first", "disk 91", "second", "disk 92", "web-7", "disk 93", "@bob"):
            assert words in model.requests[-1].text
        assert CODE in answer["blocks"][0]["text"]


async def test_a_whole_message_that_means_stop_stops_and_no_other_does(tmp_path: Path) -> None:
    words = ["stop!", "Stop.", "please stop", "STOP it", "cancel that", "<@U0BOT> stop", "arrête"]
    async with ScriptedModel(turn) as model, at_work(tmp_path, model.url, "chat") as slack:

        async def stopped(word: str) -> str:
            thread = await slack.say("<@U0BOT> sleep")
            await slack.shows(thread, "Running plot.py")
            await slack.say("stop", thread=thread, user="U0GUEST")
            await slack.say("list the stop words", thread=thread)
            await asyncio.sleep(0.5)
            assert not any(m["text"].startswith("Stopped.") for m in await slack.messages(thread))
            await slack.say(word, thread=thread)
            return str((await slack.answers(thread))[0]["text"])

        assert all(text.startswith("Stopped.") for text in await asyncio.gather(*map(stopped, words)))
        thread = await slack.say("sleep", channel=DIRECT)
        await slack.shows(thread, "Running plot.py", DIRECT)
        await slack.say("stop", channel=DIRECT)
        [answer] = await slack.answers(thread, channel=DIRECT)
        assert answer["text"].startswith("Stopped.")


async def test_who_is_refused_reads_why_and_a_missing_scope_is_named(tmp_path: Path) -> None:
    async with ScriptedModel(turn) as model, at_work(tmp_path, model.url, "chat") as slack:
        for user, channel in (("U0GUEST", HERE), ("U0EXT", "C0PARTNER")):
            await slack.say("<@U0BOT> hello", user=user, channel=channel)
            [whisper] = await slack.whispers(channel, "")
            assert (whisper["ephemeral_to"], whisper["thread_ts"]) == (user, None)
            assert "whoever installed me" in whisper["text"]
            assert "BOT_" not in whisper["text"]
        assert not model.requests

        await slack.control("fault", {"method": "files.list", "error": "missing_scope"})
        await runpy(slack, "plot.py", GROUP)
        [whisper] = await slack.whispers(GROUP, "reinstall")
        assert "files:read" in whisper["text"]


async def runpy(slack: Slack, text: str, channel: str = HERE) -> None:
    await slack.control("command", {"channel": channel, "user": "U0ALICE", "command": "/runpy", "text": text})


async def test_commands_of_phones_and_code_beside_files_run_as_meant(tmp_path: Path) -> None:
    count = "```\nimport sys\nprint(len(open('sales.csv').read()), 'characters')\n```"
    async with ScriptedModel(turn) as model, at_work(tmp_path, model.url, "chat") as slack:
        for channel in (HERE, GROUP):
            thread = await slack.say("mine", files={"my script.py": b"import sys\nprint(sys.argv[1:])\n"}, channel=channel)
            await runpy(slack, "“my script.py” ‘a b’ —top=3", channel)
            [answer] = await slack.answers(thread, channel=channel)
            assert "['a b', '--top=3']" in answer["blocks"][0]["text"]
        for words in ("<@U0BOT> ", "<@U0BOT> run this: "):
            thread = await slack.say(words + count, files={"sales.csv": CSV})
            [answer] = await slack.answers(thread)
            assert f"{len(CSV)} characters" in answer["blocks"][0]["text"]
        assert not model.requests


async def test_a_blank_answer_is_none_and_a_long_output_is_one_file(tmp_path: Path) -> None:
    async with (
        ScriptedModel([Choose({"kind": "Respond", "text": " \n"})] * 4) as model,
        at_work(tmp_path, model.url, "chat") as slack,
    ):
        [answer] = await slack.answers(await slack.say("<@U0BOT> hello"))
        assert answer["text"].strip()
        assert (await slack.seen("state"))["calls"]["chat.update"] <= 3

        thread = await slack.say("<@U0BOT> ```\nfor n in range(100_000):\n    print('line', n)\n```")
        [answer] = await slack.answers(thread, files=1)
        files = [f["name"] for m in await slack.messages(thread) for f in m["files"]]
        assert files == ["snippet.py.stdout.txt"]
        assert "printed more than 1 MB" in answer["blocks"][0]["text"]


async def test_a_turn_of_one_run_makes_ten_calls_and_two_for_each_file(tmp_path: Path) -> None:
    script: list[Next] = [send(), write_and_run("print(1)"), report("One."), send(), write_and_run(), report(files=["plot.png"])]
    async with (
        ScriptedModel(script) as model,
        workspace(tmp_path, model.url, "chat") as (slack, settings),
        serving(settings),  # at the pace of progress that people see
    ):

        async def calls() -> int:
            return sum((await slack.seen("state"))["calls"].values())

        await asyncio.sleep(0.5)  # until it has listened and caught up
        for text, files, most in (("print one", {}, 10 + 2), ("plot", {"sales.csv": CSV}, 10 + 2 * 3)):
            before = await calls()
            thread = await slack.say(f"<@U0BOT> {text}", files=files)
            await slack.answers(thread, files=2 if files else 0)
            await asyncio.sleep(0.5)  # for what comes after the answer
            assert await calls() - before <= most, (await slack.seen("state"))["calls"]
