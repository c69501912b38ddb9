"""Stop stops wherever it is written, and who is refused reads why."""

from pathlib import Path

from tests.e2e.slack import at_work
from tests.e2e.test_threads import send, write_and_run
from tests.wire import Next, ScriptedModel


async def test_stop_beside_the_threads_of_direct_messages_stops_and_a_missing_scope_is_named(tmp_path: Path) -> None:
    script: list[Next] = [send(), write_and_run("import time\ntime.sleep(600)\n")]
    async with ScriptedModel(script) as model, at_work(tmp_path, model.url, "chat") as slack:
        thread = await slack.say("sleep", channel="D0ALICE")
        await slack.shows(thread, "Running plot.py", "D0ALICE")
        await slack.say("please stop", channel="D0ALICE")
        [answer] = await slack.answers(thread, channel="D0ALICE")
        assert answer["text"].startswith("Stopped.")

        await slack.control("fault", {"method": "files.list", "error": "missing_scope"})
        body = {"channel": "C0GROUP", "user": "U0ALICE", "command": "/runpy", "text": "plot.py"}
        await slack.control("command", body)
        [whisper] = await slack.whispers("C0GROUP", "reinstall")
        assert "files:read" in whisper["text"]
