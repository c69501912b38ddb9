"""What a turn costs beside the model and the run: `python -m tests.bench turns [TREE…]`, each TREE a checkout with its `.venv`.

A person asks five times in each of many threads; events come shuffled, a tenth of them twice; the model answers at once. The bot
is a process of its own over the whole wire, in this tree and then in each given one, so that they can be set side by side; last
the core alone, in memory but for its store. Every thread must end with its five answers in order before a figure is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import re
import resource
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp

from bot.local.workspace.server import Options, Running, running
from bot.store.sqlite import open_store
from bot.thread.entries import Reply
from bot.thread.request import Request, ThreadId
from tests.e2e.slack import Slack
from tests.wire import Choose, ModelRequest, ScriptedModel
from tests.world import World, respond

HERE = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
ASKED, BURST, ROUNDS, IDLE = 5, 300, 3, 10.0


class Unruly:
    """Lets the events of a workspace come shuffled, a tenth of them twice, or all held back at once; times acknowledgements."""

    def __init__(self, workspace: Running, rng: random.Random) -> None:
        self._delivery, self._rng = workspace.delivery, rng
        self._event, self._ack = self._delivery.event, self._delivery.ack
        self.held: list[dict[str, Any]] | None = None
        self.seconds: dict[float, float] = {}  # until each was acknowledged, by when it was sent
        self._delivery.event = self.event  # type: ignore[method-assign]
        self._delivery.ack = self.ack  # type: ignore[method-assign]

    def event(self, payload: dict[str, Any]) -> None:
        if self.held is not None:
            self.held.append(payload)
            return
        for _ in range(1 + (self._rng.random() < 0.1)):
            asyncio.get_running_loop().call_later(self._rng.random() * 0.05, self._event, payload)

    def ack(self, envelope_id: str, payload: dict[str, Any] | None) -> None:
        if envelope := self._delivery._pending.get(envelope_id):
            self.seconds[envelope.created] = time.time() - envelope.created
        self._ack(envelope_id, payload)

    def release(self) -> float:
        """Send what was held back; return when that was done."""
        for payload in self.held or ():
            self._event(payload)
        self.held = None
        return time.time()


def answer(asked: ModelRequest) -> Choose:
    return Choose({"kind": "Respond", "text": f"Answer {re.findall(r'question (.)', asked.text)[-1]}."})


def measured(pid: int) -> tuple[float, float, int]:
    """Return a process's own CPU seconds, its resident MB and its open descriptors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return (int(fields[11]) + int(fields[12])) / TICKS, pages * resource.getpagesize() / 2**20, len(os.listdir(f"/proc/{pid}/fd"))


@asynccontextmanager
async def bot_of(tree: Path, folder: Path, workspace: Running, model: str) -> AsyncIterator[int]:
    """Serve with the code of a tree until the block ends; yield the process's id once it listens."""
    settings = {
        "SLACK_BOT_TOKEN": workspace.bot_token, "SLACK_APP_TOKEN": workspace.app_token, "SLACK_API_URL": workspace.api_url,
        "OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": model, "OPENAI_API": "chat", "OPENAI_MODEL": "gpt-4.1",
        "OPENAI_PROXY_MODEL": "gpt-4.1-mini", "BOT_DATA": str(folder / "data"), "BOT_RUNTIME": "false",
        "BOT_DAILY_TOKENS_USER": "1000000000", "BOT_DAILY_TOKENS_TEAM": "1000000000",
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        command = [str(tree / ".venv/bin/python"), "-m", "bot", "serve"]
        bot = await asyncio.create_subprocess_exec(*command, cwd=tree, env=os.environ | settings, stdout=log, stderr=log)
    try:
        async with asyncio.timeout(120):
            while not workspace.delivery.connections:
                if bot.returncode is not None:
                    raise RuntimeError((folder / "log").read_text())
                await asyncio.sleep(0.1)
        yield bot.pid
    finally:
        with suppress(ProcessLookupError):
            bot.terminate()
        await bot.wait()


async def conversation(slack: Slack, number: int) -> None:
    """Ask five times in a thread, each time after the answer."""
    thread = await slack.say(f"<@U0BOT> question {number % 10}")
    for count in range(1, ASKED + 1):
        answers = [a["text"] for a in await slack.answers(thread, count)]
        assert answers == [f"Answer {(number + n) % 10}." for n in range(count)], answers
        if count < ASKED:
            await slack.say(f"question {(number + count) % 10}", thread=thread)


async def wire(tree: Path, threads: int) -> list[float]:
    """Print the figures of a tree over the whole wire; return those that are set side by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            ScriptedModel(answer) as model,
            running(folder / "workspace", options=Options(rate_limits=False)) as workspace,
            aiohttp.ClientSession(workspace.base_url) as session,
            bot_of(tree, folder, workspace, model.url) as pid,
        ):
            slack, unruly = Slack(session), Unruly(workspace, random.Random(1))
            await conversation(slack, 0)
            took, cpu, sizes = 0.0, 0.0, []
            for _ in range(ROUNDS):
                unruly.seconds, began, before = {}, time.monotonic(), measured(pid)[0]
                await asyncio.gather(*(conversation(slack, number) for number in range(threads // ROUNDS)))
                took, cpu = took + time.monotonic() - began, cpu + measured(pid)[0] - before
                sizes.append(measured(pid)[1:])
            messages = ASKED * (threads // ROUNDS) * ROUNDS
            calm = quantiles(unruly.seconds.values(), n=100)
            unruly.held = []
            burst = [await slack.say("<@U0BOT> question 1") for _ in range(BURST)]
            asked = time.time()
            until = unruly.release()
            await asyncio.gather(*(slack.answers(thread) for thread in burst))
            rush = quantiles([took for sent, took in unruly.seconds.items() if asked < sent < until], n=100)
            before = measured(pid)[0]
            await asyncio.sleep(IDLE)
            idle = (measured(pid)[0] - before) / IDLE
        with closing(sqlite3.connect(folder / "data/bot.sqlite")) as store:
            [(left, taken)] = store.execute("select count(*) filter (where closed_at is null), count(*) from inbox")
            assert (left, taken) == (0, messages + BURST + ASKED), (left, taken)
    print(f"\n{tree}: {messages} messages, {messages / took:.0f} turns/s, own CPU {1000 * cpu / messages:.1f} ms per message")
    print(f"  accepted in ms: p50 {1000 * calm[49]:.0f}, p99 {1000 * calm[98]:.0f}; of {BURST} at once p99 {1000 * rush[98]:.0f}")
    print(f"  after each round: {', '.join(f'{mb:.0f} MB and {fds} descriptors' for mb, fds in sizes)}; idle {idle:.2%} of a core")
    return [cpu / messages, rush[98]]


async def core(threads: int) -> None:
    """Print the figures of the core alone."""
    with tempfile.TemporaryDirectory() as name:
        async with open_store(Path(name) / "bot.sqlite") as store:
            world = World(store, *[respond("Yes.")] * (threads * ASKED))
            began, cpu = time.monotonic(), time.process_time()
            places = [ThreadId("T1", "C1", f"{number}.0") for number in range(threads)]
            for n in range(ASKED):
                for place in places:
                    await world.turns.accept(
                        Request(key=f"{place.ts}{n}", thread=place, ts=f"{place.ts}{n}", user="U1", text="well?")
                    )
                await world.turns.idle()
            took, cpu = time.monotonic() - began, time.process_time() - cpu
            for place in places:
                assert sum(isinstance(entry, Reply) for entry in (await world.conversation(place)).entries) == ASKED
    print(f"\ncore alone: {threads * ASKED / took:.0f} turns/s, CPU {1000 * cpu / threads / ASKED:.1f} ms per message")


def main(arguments: list[str]) -> None:
    """Print the figures, and the ratios of this tree to each given one."""
    logging.disable(logging.ERROR)
    parser = argparse.ArgumentParser()
    parser.add_argument("trees", nargs="*", type=Path, metavar="TREE")
    parser.add_argument("--threads", type=int, default=200)
    asked = parser.parse_args(arguments)
    figures = [asyncio.run(wire(tree.resolve(), asked.threads)) for tree in (HERE, *asked.trees)]
    for tree, (cpu, rush) in zip(asked.trees, figures[1:], strict=True):
        print(f"\nto {tree}: own CPU {figures[0][0] / cpu:.2f}, p99 of the burst {figures[0][1] / rush:.2f}")
    asyncio.run(core(asked.threads))
