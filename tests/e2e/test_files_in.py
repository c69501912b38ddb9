"""Files by type, size and way in: each is in the workspace, or refused by name and limit in the answer."""

import asyncio
import gzip
from pathlib import Path

from bot.app import serving
from tests.e2e.slack import CSV, HERE, Slack, workspace
from tests.wire import Choose, ModelRequest, ScriptedModel

PY = b"print('ran')\n"
KINDS = {
    "table.csv": CSV, "app.log": b"2026-01-05 10:00:00 ERROR broke\n" * 40, "tool.py": PY, "data.json": b'{"a": 1}',
    "notes.txt": "naïve — 東京\n".encode(), "photo.png": b"\x89PNG\r\n\x1a\n" + bytes(200), "old.gz": gzip.compress(CSV),
    "no ending": b"\x00\xff", "weird name (1) é.csv": CSV, "empty.csv": b"", "large.csv": b"a,b\n" + b"1,2\n" * 90_000,
}  # fmt: skip
DIRECT = "D0ALICE"
WAYS = ("mention", "direct", "follow-up", "earlier", "forward", "alert", "shortcut", "command", "connect")


def heard(asked: ModelRequest) -> Choose:
    return Choose({"kind": "Respond", "text": "Heard."})


async def bring(slack: Slack, way: str, name: str, data: bytes) -> tuple[str, str]:
    """Bring a file to the bot in one way; return the channel and thread in which it answers."""
    files = {name: data}
    match way:
        case "direct":
            return DIRECT, await slack.say("look", files=files, channel=DIRECT)
        case "follow-up":
            thread = await slack.say("<@U0BOT> hello")
            await slack.answers(thread)
            await slack.say("and this?", files=files, thread=thread)
        case "earlier" | "alert":
            thread = await slack.say("see here", files=files, user="B0ALERTS" if way == "alert" else "U0BOB")
            await slack.say("<@U0BOT> what is that?", thread=thread)
        case "forward":
            ts = await slack.say("over there", files=files, channel="C0RANDOM")
            [there] = (await slack.seen(f"messages?channel=C0RANDOM&thread_ts={ts}"))["messages"]
            shared = [{"id": f["id"], "name": f["name"]} for f in there["files"]]
            thread = await slack.say("<@U0BOT> see", attachments=[{"is_share": True, "text": "over there", "files": shared}])
        case "shortcut" | "command":
            thread = await slack.say("my script", files={"run.py": b"print('ran')\n", **files})
            body = {"channel": HERE, "user": "U0ALICE"}
            if way == "shortcut":
                await slack.control("shortcut", body | {"ts": thread, "callback_id": "run_file"})
            else:
                [there] = (await slack.seen(f"messages?channel={HERE}&thread_ts={thread}"))["messages"][:1]
                await slack.control("command", body | {"command": "/runpy", "text": there["files"][0]["id"]})
        case "connect":
            return "C0PARTNER", await slack.say("<@U0BOT> look", files=files, channel="C0PARTNER", user="U0EXT")
        case _:
            thread = await slack.say("<@U0BOT> look", files=files)
    return HERE, thread


async def test_every_kind_of_file_reaches_the_workspace_in_every_way(tmp_path: Path) -> None:
    scripts = {"shortcut", "command"}  # of two scripts in a message they ask which is meant
    cases = [(way, name) for way in WAYS for name in KINDS if not (way in scripts and name == "tool.py")]
    async with (
        ScriptedModel(heard) as model,
        workspace(tmp_path, model.url, "chat") as (slack, settings),
        serving(settings.model_copy(update={"bot_allow_external": True}), pace=0.2),
    ):
        few = asyncio.Semaphore(4)

        async def lands(way: str, name: str) -> bool:
            async with few:
                channel, thread = await bring(slack, way, name, KINDS[name])
                await slack.answers(thread, 2 if way == "follow-up" else 1, channel=channel)
                landed = [path for path in tmp_path.rglob("data/**/files/*") if path.is_file() and thread in str(path)]  # noqa: ASYNC240
                return (name, KINDS[name]) in [(path.name.replace("_", " "), path.read_bytes()) for path in landed]

        table = dict(zip(cases, await asyncio.gather(*(lands(*case) for case in cases)), strict=True))
        assert [case for case, there in table.items() if not there] == []


REFUSED = {
    "large.csv": "it has 360,004 bytes; I take files up to 100,000.",
    "report.gdoc": "it lives outside Slack; upload the file itself.",
    "plan.canvas": "it is a canvas or a list of Slack, which I cannot read; attach what it holds as a file.",
}  # fmt: skip


async def test_a_file_that_cannot_be_taken_is_refused_by_name_and_reason_in_every_way(tmp_path: Path) -> None:
    async with (
        ScriptedModel(heard) as model,
        workspace(tmp_path, model.url, "chat") as (slack, settings),
        serving(settings.model_copy(update={"bot_max_upload": 100_000, "bot_allow_external": True}), pace=0.2),
    ):

        async def refused(way: str, name: str) -> bool:
            channel, thread = await bring(slack, way, name, KINDS["large.csv" if name in KINDS else "table.csv"])
            answers = await slack.answers(thread, 2 if way == "follow-up" else 1, channel=channel)
            return f"`{name}` could not be taken: {REFUSED[name]}" in answers[-1]["text"]

        assert [(way, name) for way in WAYS for name in REFUSED if not await refused(way, name)] == []
