"""A bot in a process of its own that can be started and ended at will, and what must be true when all is over."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from bot.local.planner.endpoint import serve_planner
from bot.settings import Settings
from bot.thread.entries import ENTRY, Delivery, UserMessage
from tests.e2e.slack import Slack, workspace
from tests.survive.proxy import Proxy, spoiling

TABLE = b"region,revenue\nnorth,100\nsouth,50\nnorth,30\n"
ASKED = "<@U0BOT> sum of revenue by region"
CODE = "<@U0BOT> ```\nopen('made.txt', 'w').write('x' * 100)\nprint('made')\n```"
ANSWERS = ("130", "made")
PATIENCE = 240.0


class Place:
    """A workspace, a model, and the bot between them; `proxies` spoil what it hears of either."""

    def __init__(self, slack: Slack, settings: Settings, folder: Path, proxies: Sequence[Proxy] = ()) -> None:
        self.slack, self.settings, self.folder, self.proxies = slack, settings, folder, proxies
        self.points = folder / "points"
        self.asked: dict[str, list[str]] = {}  # the ts of each message by its thread
        self.bot: asyncio.subprocess.Process | None = None
        self.next: asyncio.subprocess.Process | None = None
        (folder / "tmp").mkdir()

    async def load(self) -> asyncio.subprocess.Process:
        """Start a process that loads the bot's code and waits for its settings, which takes a busy machine seconds."""
        pipe = asyncio.subprocess.PIPE
        environment = os.environ | {"TMPDIR": str(self.folder / "tmp")}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.survive.child", stdin=pipe, stdout=pipe, env=environment
        )

    async def start(self, **hooks: float) -> asyncio.subprocess.Process:
        """Let a loaded bot begin, and load the next one meanwhile; nobody waits until it is at work."""
        plain = self.settings.model_dump(mode="json") | {"hooks": {"points": str(self.points), **hooks}}
        for secret in ("slack_bot_token", "slack_app_token", "openai_api_key"):
            plain[secret] = getattr(self.settings, secret).get_secret_value()
        self.bot = self.next or await self.load()
        self.points.write_text("")
        assert self.bot.stdin
        self.bot.stdin.write(json.dumps(plain).encode())
        self.bot.stdin.close()
        self.next = await self.load()
        return self.bot

    async def at_work(self, **hooks: float) -> asyncio.subprocess.Process:
        """Start a bot and wait until it hears what people say."""
        bot = await self.start(**hooks)
        assert bot.stdout
        assert await bot.stdout.readline() == b"at work\n"
        return bot

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the bot and wait for its end."""
        if self.bot:
            with suppress(ProcessLookupError):
                self.bot.send_signal(how)
            await self.bot.wait()

    async def close(self) -> None:
        """End the bot, and the one that waits, at once."""
        await self.end()
        if self.next:
            self.next.kill()
            await self.next.wait()
            self.next = None

    async def say(self, text: str, thread: str | None = None, **files: bytes) -> str:
        """Write to the bot; return the thread."""
        ts = await self.slack.say(text, thread=thread, files={f"{name}.csv": data for name, data in files.items()})
        self.asked.setdefault(thread or ts, []).append(ts)
        return thread or ts

    async def answered(self, thread: str) -> None:
        """Wait until every message of a thread has its answer."""
        async with asyncio.timeout(PATIENCE):
            while len(await self._answers(thread)) < len(self.asked[thread]):  # noqa: ASYNC110  another process is looked at
                await asyncio.sleep(0.1)

    async def _answers(self, thread: str) -> list[str]:
        messages = await self.slack.messages(thread)
        return [m["text"] for m in messages if any(b["type"] == "context" for b in m.get("blocks") or ())]

    async def faults(self) -> list[str]:
        """End the bot cleanly and return what is not as it must be."""
        await self.settled()
        await self.end(signal.SIGTERM)
        await self.close()
        wrong: list[str] = []
        with closing(sqlite3.connect(f"file:{self.folder}/data/bot.sqlite?mode=ro", uri=True)) as store:
            rows = store.execute("select thread, body from entries order by number")
            entries = [(t, ENTRY.validate_json(body)) for t, body in rows]
            if left := store.execute("select count(*) from inbox where closed_at is null").fetchone()[0]:
                wrong.append(f"{left} requests are open")
        for thread, asked in self.asked.items():
            mine = [entry for t, entry in entries if t.endswith(f":{thread}")]
            taken = Counter(e.ts for e in mine if isinstance(e, UserMessage) and not e.context)
            ends = sum(isinstance(e, Delivery) and e.intent == "reply" and e.result is not None for e in mine)
            if taken != Counter(asked) or ends != len(asked):
                wrong.append(f"lost: {thread} took {dict(taken)} of {asked} and ended {ends} times")
            messages = await self.slack.messages(thread)
            answers = await self._answers(thread)
            if len(answers) != len(asked):
                wrong.append(f"{'lost' if len(answers) < len(asked) else 'twice'}: {len(answers)} answers to {len(asked)}")
            wrong += [f"apologised or failed: {text[:80]}" for text in answers if not any(a in text for a in ANSWERS)]
            if any(b["type"] == "actions" for m in messages for b in m.get("blocks") or ()):
                wrong.append("left standing: a message with a Stop button")
            if any("Not everything could be delivered" in m["text"] for m in messages):
                wrong.append("a false note that not everything was delivered")
            uploads = sum(len(m["files"]) for m in messages)
            if uploads != len(asked):
                wrong.append(f"{'lost' if uploads < len(asked) else 'twice'}: {uploads} uploads for {len(asked)} messages")
        return wrong + self._left_behind()

    async def settled(self) -> None:
        """Wait until the bot has nothing left to do."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with closing(sqlite3.connect(f"file:{self.folder}/data/bot.sqlite?mode=ro", uri=True)) as store:
                    if not store.execute("select 1 from inbox where closed_at is null").fetchone():
                        return
                await asyncio.sleep(0.1)

    def _left_behind(self) -> list[str]:
        """Return the processes, mounts and temporary folders that are there after the bot's end."""
        here = str(self.folder)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if here in line]
        processes = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and here.encode() in (entry / "environ").read_bytes():
                    processes.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:80])
        temporary = [path.name for path in (self.folder / "tmp").iterdir()]
        found = (("a mount", mounts), ("a process", processes), ("a temporary folder", temporary))
        return [f"left behind: {what} {name}" for what, names in found for name in names]


@asynccontextmanager
async def place(*, rate: float = 0.0, rng: random.Random | None = None) -> AsyncIterator[Place]:
    """A workspace with a model, of whose answers the bot hears a share of `rate` spoiled; its people hear all."""
    rng = rng or random.Random(1)
    with tempfile.TemporaryDirectory(prefix="survive-") as name:
        folder = Path(name)
        async with serve_planner() as model, workspace(folder, model, "chat") as (slack, settings):
            slack_url = settings.slack_api_url.removesuffix("/api/")
            async with spoiling(slack_url, rate, rng) as one, spoiling(model.removesuffix("/v1"), rate, rng) as two:
                if rate:
                    changed = {"slack_api_url": f"{one.url}/api/", "openai_base_url": f"{two.url}/v1"}
                    settings = settings.model_copy(update=changed)
                place = Place(slack, settings, folder, (one, two))
                try:
                    yield place
                finally:
                    await place.close()
