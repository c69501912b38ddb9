"""The first minute: `python -m tests.bench start`, with `UV_CACHE_DIR` set to an empty folder for a first start from nothing.

Prints the seconds from the command to its first line, to the page's first answer and to the first picture, what was downloaded
before that picture, and the same for a second start of the same data folder.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from bot.local.demo import SAMPLES
from tests.e2e.slack import Slack

PORT = 8489
DM = "D0ALICE"


def main(arguments: list[str]) -> int:
    """Start the demo twice in a new data folder and print both."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (asyncio.run(_started(Path(folder))) for _ in range(2))
    for name in first:
        print(
            f"{name:28} first {first[name]:7.1f}   second {second[name]:7.1f}   ratio {second[name] / max(first[name], 0.01):.2f}"
        )
    return 0


async def _started(folder: Path) -> dict[str, float]:
    """Return the seconds to each event of one start, and the megabytes that were downloaded before the first picture."""
    words = [sys.executable, "-m", "bot", "demo", "--port", str(PORT), "--data", str(folder), "--no-browser"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "SLACK_", "BOT_"))}
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *words, env=plain, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    said: list[str] = []
    reading = asyncio.create_task(_read(process.stderr, said))
    found: dict[str, float] = {}
    try:
        await process.stdout.readline()
        found["seconds to the first line"] = time.monotonic() - began
        async with aiohttp.ClientSession(base_url=f"http://127.0.0.1:{PORT}/") as session:
            while not await _answers(session):  # noqa: ASYNC110  it is the page that we look at
                await asyncio.sleep(0.05)
            found["seconds to the page"] = time.monotonic() - began
            await _picture(Slack(session), session)
        found["seconds to the first picture"] = time.monotonic() - began
        sizes = [float(done) for line in said for done in re.findall(r"matplotlib \(once\): (\d+) of", line)]
        found["MB before the first picture"] = max(sizes, default=0.0)
    finally:
        process.terminate()
        await process.wait()
        reading.cancel()
    return found


async def _read(stream: asyncio.StreamReader, said: list[str]) -> None:
    while line := await stream.readline():
        said.append(line.decode(errors="replace"))


async def _answers(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def _picture(slack: Slack, session: aiohttp.ClientSession) -> None:
    """Ask for a picture at once, and wait until it is there."""
    sales = (SAMPLES / "sales.csv").read_bytes()
    thread = await slack.say("plot revenue by month", files={"sales.csv": sales}, channel=DM)
    while True:
        async with session.get("control/messages", params={"channel": DM, "thread_ts": thread}) as response:
            messages: list[dict[str, Any]] = (await response.json())["messages"]
        if any(file["name"].endswith(".png") for message in messages for file in message["files"]):
            return
        await asyncio.sleep(0.1)
