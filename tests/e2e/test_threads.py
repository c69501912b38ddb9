"""Threads from event to reply, on both wires."""

import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.slack import ALICE, CSV, HERE, Wire, at_work
from tests.wire import Calls, Choose, Next, Script, ScriptedModel

PLOT = """\
import csv
rows = list(csv.DictReader(open("sales.csv")))
print(sum(float(r["revenue"]) for r in rows))
open("plot.png", "wb").write(b"\\x89PNG" + bytes(100))
"""


def send(message: str = "plot it", condition: str = "the plot is there") -> Choose:
    return Choose({"kind": "SendMessage", "recipient": "code_assistant", "message": message, "done_when": [condition]})


def write_and_run(body: str = PLOT, name: str = "plot.py") -> Calls:
    return Calls([("File", {"name": name, "body": body}), ("ExecutePyFile", {"name": name})])


def scripted(*turns: Next) -> ScriptedModel:
    return ScriptedModel(turns)


def report(answer: str = "Here is the plot.", name: str = "plot.py", **more: Any) -> Calls:
    evidence = [{"condition": "the plot is there", "run": name}]
    return Calls([("Report", {"status": "complete", "answer": answer, "evidence": evidence, **more})])


async def test_a_mention_with_a_csv_takes_three_calls_one_message_and_one_upload(tmp_path: Path, wire: Wire) -> None:
    script: list[Next] = [send(), write_and_run(), report(files=["plot.png"])]
    async with ScriptedModel(script) as model, at_work(tmp_path, model.url, wire) as slack:
        thread = await slack.say("<@U0BOT> plot revenue by month", files={"sales.csv": CSV})

        [answer] = await slack.answers(thread, files=2)

        assert len(model.requests) == 3
        assert answer["text"] == "Here is the plot."
        footer = answer["blocks"][-1]["elements"][0]["text"]
        assert "3 calls · 330 tokens (240 cached) · 1 run" in footer
        card, first, upload = await slack.messages(thread)
        assert card["text"].startswith("`sales.csv`")
        assert first["ts"] == answer["ts"]
        assert [f["name"] for f in upload["files"]] == ["plot.png", "plot.py"]
        assert await slack.bytes_of(upload["files"][1]) == PLOT.encode()


async def test_a_script_that_fails_and_is_fixed_shows_both_and_a_follow_up_finds_the_files(tmp_path: Path, wire: Wire) -> None:
    script: list[Next] = [
        send(), write_and_run(PLOT.replace("revenue", "revnue")), write_and_run(), report(),
        send("now as bars"), write_and_run("print(open('sales.csv').read())", "bars.py"), report("Bars.", "bars.py"),
    ]  # fmt: skip
    async with ScriptedModel(script) as model, at_work(tmp_path, model.url, wire) as slack:
        thread = await slack.say("<@U0BOT> plot", files={"sales.csv": CSV})
        [answer] = await slack.answers(thread)
        await slack.say("<@U0BOT> now as bars", thread=thread)
        _, second = await slack.answers(thread, 2)

        assert "`plot.py` failed (exit code 1)" in answer["text"]
        assert "`plot.py` succeeded" in answer["text"]
        assert second["text"] == "Bars."
        assert "2026-02-03,70" in model.requests[-1].text


async def test_a_report_that_names_a_missing_file_never_reaches_the_user(tmp_path: Path, wire: Wire) -> None:
    lie = report("See nothing.png", files=["nothing.png"])
    async with scripted(send(), write_and_run(), lie, lie, lie) as model, at_work(tmp_path, model.url, wire) as slack:
        thread = await slack.say("<@U0BOT> plot", files={"sales.csv": CSV})

        [answer] = await slack.answers(thread)

        assert "See nothing.png" not in answer["text"]
        assert "I could not make sure of the result." in answer["text"]


async def test_code_given_by_name_lands_byte_for_byte_and_does_not_run(tmp_path: Path, wire: Wire) -> None:
    code = "".join(f"x{n} = '<a & b> “é” 😀\\t{n}'  # *bold* _it_\n" for n in range(200))
    done = report("Saved.", name="odd.py", files=["odd.py"])
    done.calls[0][1]["evidence"] = [{"condition": "saved", "file": "odd.py"}]  # type: ignore[index]
    script: list[Next] = [send("save it", "saved"), Calls([("File", {"name": "odd.py", "block": 1})]), done]
    async with ScriptedModel(script) as model, at_work(tmp_path, model.url, wire) as slack:
        thread = await slack.say(f"<@U0BOT> save this as odd.py, do not run it:\n```\n{code}```")
        await slack.answers(thread, files=1)

        [file] = [f for m in await slack.messages(thread) for f in m["files"]]
        assert await slack.bytes_of(file) == code.encode()


async def test_two_threads_work_at_once_without_seeing_each_other(tmp_path: Path, wire: Wire) -> None:
    scripts = [
        Script([send(), write_and_run("import time, os\ntime.sleep(0.5)\nprint(os.listdir())"), report(word)], marker=word)
        for word in ("apple", "pear")
    ]
    async with ScriptedModel(scripts) as model, at_work(tmp_path, model.url, wire) as slack:
        threads = [await slack.say(f"<@U0BOT> {word}", files={f"{word}.csv": CSV}) for word in ("apple", "pear")]

        answers = [(await slack.answers(thread))[0]["text"] for thread in threads]

        assert answers == ["apple", "pear"]
        assert not any("apple" in asked.text and "pear" in asked.text for asked in model.requests)


async def test_an_event_delivered_three_times_is_answered_once_though_a_status_hangs(tmp_path: Path, wire: Wire) -> None:
    async with ScriptedModel([Choose({"kind": "Respond", "text": "hello"})]) as model, at_work(tmp_path, model.url, wire) as slack:
        await slack.control("fault", {"method": "assistant.threads.setStatus", "http": 503, "seconds": 600, "times": 99})
        thread = "1795000000.000100"
        event = {"type": "app_mention", "channel": HERE, "user": ALICE, "text": "<@U0BOT> hi", "ts": thread}
        for _ in range(3):
            await slack.control("event", {"event": event})
        await slack.answers(thread)
        await asyncio.sleep(0.5)
        assert [m["text"] for m in await slack.messages(thread)] == ["hello"]
        assert len(model.requests) == 1


async def test_runpy_needs_no_model_and_why_sees_the_traceback(tmp_path: Path, wire: Wire) -> None:
    async with (
        ScriptedModel([Choose({"kind": "Respond", "text": "A KeyError."})]) as model,
        at_work(tmp_path, model.url, wire) as slack,
    ):
        thread = await slack.say("my script", files={"my script.py": b"import sys\nprint(sys.argv[1:])\n{}['x']\n"})
        await asyncio.sleep(0.5)
        command = {"channel": "C0GENERAL", "user": "U0ALICE", "command": "/runpy", "text": "'my script.py' 'a b' c"}
        await slack.control("command", command)
        [answer] = await slack.answers(thread)
        assert len(model.requests) == 0
        assert "['a b', 'c']" in answer["blocks"][0]["text"]

        await slack.say("<@U0BOT> why?", thread=thread)
        await slack.answers(thread, 2)
        assert "KeyError: 'x'" in model.requests[0].text


async def test_stop_ends_a_script_that_never_ends(tmp_path: Path, wire: Wire) -> None:
    async with (
        scripted(send(), write_and_run("import time\ntime.sleep(600)\n")) as model,
        at_work(tmp_path, model.url, wire) as slack,
    ):
        thread = await slack.say("<@U0BOT> sleep")
        await slack.shows(thread, "Running plot.py")

        await slack.control("stop", {"channel": "C0GENERAL", "user": "U0ALICE", "thread_ts": thread})

        [answer] = await slack.answers(thread)
        assert answer["text"].startswith("Stopped.")
