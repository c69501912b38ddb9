"""Forty mentions at once under Slack's rate limits: `python -m tests.bench mentions [TREE…]`, each TREE a checkout with its `.venv`.

Each mention is in a thread of its own and asks for one run. The figures are the calls and the 429 of each method, how many calls
with an answer were refused, and when the last answer stood; first of this tree, then of each given one.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp

from bot.local.workspace.limits import Rate, RateLimits
from bot.local.workspace.server import running
from tests.bench.turns import HERE, bot_of
from tests.e2e.slack import Slack
from tests.wire import Calls, Choose, ModelRequest, ScriptedModel, Turn

SCRIPT = "import time\nfor n in range(2):\n    time.sleep(0.5)\n    print(n)\n"
BRIEF = {"kind": "SendMessage", "recipient": "code_assistant", "message": "count", "done_when": ["it ran"]}
WRITE = Calls([("File", {"name": "count.py", "body": SCRIPT}), ("ExecutePyFile", {"name": "count.py"})])
EVIDENCE = [{"condition": "it ran", "run": "count.py"}]
REPORT = Calls([("Report", {"status": "complete", "answer": "Counted.", "evidence": EVIDENCE})])


def turn(asked: ModelRequest) -> Turn:
    """Brief the specialist, run the script once, and report."""
    if asked.agent == "proxy":
        return Choose(BRIEF)
    return REPORT if "ExecutePyFile" in asked.text else WRITE


def is_answer(message: dict[str, Any]) -> bool:
    """Whether a message, or a call that makes one, has the footer of an answer."""
    return any(block.get("type") == "context" for block in message.get("blocks") or ())


async def figures(tree: Path, mentions: int) -> None:
    """Print the figures of a tree."""
    calls, refused, late = Counter[str](), Counter[str](), 0
    count = RateLimits.wait

    def wait(limits: RateLimits, method: str, rate: Rate, arguments: dict[str, Any], now: float) -> int:
        nonlocal late
        seconds = count(limits, method, rate, arguments, now)
        calls[method] += method != "chat.postMessage" or bool(rate.per)  # which asks for the limit of all channels, too
        refused[method] += seconds > 0
        late += seconds > 0 and is_answer(arguments)
        return seconds

    with tempfile.TemporaryDirectory() as name:
        async with (
            ScriptedModel(turn) as model,
            running(Path(name) / "workspace") as workspace,
            aiohttp.ClientSession(workspace.base_url) as session,
            bot_of(tree, Path(name), workspace, model.url),
        ):
            slack, began, stood = Slack(session), time.monotonic(), dict[str, float]()
            with patch.object(RateLimits, "wait", wait):
                threads = [await slack.say(f"<@U0BOT> count {n}") for n in range(mentions)]
                async with asyncio.timeout(600):
                    while len(stood) < mentions:
                        await asyncio.sleep(0.5)
                        for message in (await slack.seen("messages?channel=C0GENERAL"))["messages"]:
                            if message["user"] == "U0BOT" and is_answer(message) and message["thread_ts"] in threads:
                                stood.setdefault(message["thread_ts"], time.monotonic() - began)
    print(f"\n{tree}: {mentions} answers, the first after {min(stood.values()):.0f} s, the last after {max(stood.values()):.0f} s")
    print(f"  {late} calls with an answer were refused with 429")
    for method, number in calls.most_common():
        print(f"  {method:32} {number:5} calls, {refused[method]:4} of them 429")


def main(arguments: list[str]) -> None:
    """Print the figures of this tree and of each given one."""
    logging.disable(logging.ERROR)
    parser = argparse.ArgumentParser()
    parser.add_argument("trees", nargs="*", type=Path, metavar="TREE")
    parser.add_argument("--mentions", type=int, default=40)
    asked = parser.parse_args(arguments)
    for tree in (HERE, *asked.trees):
        asyncio.run(figures(tree.resolve(), asked.mentions))
