"""`workings demo`: the bot in a local workspace, with the best model that is available."""

from __future__ import annotations

import asyncio
import base64
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.doctor import SMALLEST_WINDOW
from bot.errors import SetupError
from bot.local.planner.endpoint import serve_planner
from bot.local.planner.requests import CARDS
from bot.settings import Settings

log = logging.getLogger(__name__)
OLLAMA = "http://127.0.0.1:11434"
SAMPLES = Path(__file__).parent / "samples"
GREETING = (
    "Hello! I am Workings. I write Python, run it in a sandbox of your thread's own, and post what comes out. Click an"
    " example below, or attach a file of yours and ask. In a channel, begin with `@workings`. To see Stop at work, write"
    " “count slowly to 50”."
)


async def run_demo(settings: Settings, port: int, workspace: str | None, announce: Callable[[str], None]) -> None:
    """Serve until cancelled; `announce` gets the URL of the page once it answers."""
    async with _workspace(settings.bot_data, port, workspace) as url, _model(settings) as (with_model, notice):
        tokens = await _control(url, "GET", "tokens")
        await _greet(tokens)
        await _control(url, "POST", "notice", {"text": notice, "examples": _examples()})
        connected = with_model.model_copy(
            update={
                "slack_bot_token": SecretStr(tokens["bot_token"]),
                "slack_app_token": SecretStr(tokens["app_token"]),
                "slack_api_url": tokens["api_url"],
            }
        )
        announce(url)
        app = await asyncio.to_thread(import_module, "bot.app")  # takes longer than all else, and the page is there meanwhile
        heard: asyncio.Queue[str] = asyncio.Queue()
        showing = asyncio.create_task(_show_progress(url, heard))
        try:
            async with app.serving(connected, progress=heard.put_nowait) as until_removed:
                await until_removed()
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)


async def _show_progress(url: str, heard: asyncio.Queue[str]) -> None:
    """Show on the page, and in the terminal, how far the libraries are; runs until cancelled."""
    while True:
        text = await heard.get()
        while not heard.empty():
            text = heard.get_nowait()
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text[0].upper()}{text[1:]}", end="\n" if "ready" in text else "", file=sys.stderr, flush=True)
        else:
            log.info("%s", text)
        with suppress(SetupError):  # the workspace is going away, and the demo with it
            await _control(url, "POST", "notice", {"progress": "" if text == "the libraries are ready" else text})


def _examples() -> list[dict[str, str]]:
    """Return the examples that the page offers, with their files."""

    def content(file: str) -> str:
        return base64.b64encode((SAMPLES / file).read_bytes()).decode()

    return [{"title": c["title"], "text": c["text"], "name": c["file"], "content_base64": content(c["file"])} for c in CARDS]


@asynccontextmanager
async def _workspace(data: Path, port: int, url: str | None) -> AsyncIterator[str]:
    """Yield the URL of the workspace at `url`, or of one that is started in a process of its own."""
    if url is not None:
        yield url.rstrip("/") + "/"
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.local.workspace", "--port", str(port), "--data", str(data / "workspace"), "--with-parent",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    try:
        line = (await process.stdout.readline()).decode()
        if "http" not in line:
            raise SetupError((await process.stderr.read()).decode().strip() or "The workspace did not start.")
        logging_task = asyncio.create_task(_log_lines(process.stderr))
        try:
            yield line.split()[-1]
        finally:
            logging_task.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _log_lines(stream: asyncio.StreamReader) -> None:
    while line := await stream.readline():
        log.info("workspace: %s", line.decode(errors="replace").rstrip())


@asynccontextmanager
async def _model(settings: Settings) -> AsyncIterator[tuple[Settings, str]]:
    """Yield the settings with the demo's model, and the notice about it for the page."""
    if settings.openai_api_key or settings.openai_base_url:
        yield settings, f"Answers come from {settings.openai_model}."
        return
    if found := await ollama_model(OLLAMA):
        name, advice = found
        update: dict[str, Any] = {"openai_base_url": f"{OLLAMA}/v1", "openai_model": name, "openai_proxy_model": name}
        yield settings.model_copy(update=update), f"Answers come from {name} on this machine's Ollama. {advice}".strip()
        return
    async with serve_planner() as url:
        update = {"openai_base_url": url, "openai_model": "planner", "openai_proxy_model": "planner"}
        notice = "Answers come from the planner: a small program, no language model. Set OPENAI_API_KEY for a real one."
        yield settings.model_copy(update=update), notice


async def ollama_model(url: str) -> tuple[str, str] | None:
    """Return the model of an Ollama that does best here, with what to do about its window, or None if there is no Ollama.

    Best is the largest of those that call tools. Ollama cuts a prompt that is longer than its window in silence, and by default
    the window is small.
    """
    try:
        async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=2, connect=0.5)) as session:
            sizes = {str(m["name"]): int(m.get("size") or 0) for m in (await _asked(session, "/api/tags"))["models"]}
            able = {name: (await _asked(session, "/api/show", model=name)).get("capabilities") or [] for name in sizes}
            loaded = (await _asked(session, "/api/ps")).get("models") or []
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return None
    for need in ("tools", "completion"):
        if fitting := [name for name in sizes if need in able[name]]:
            best = max(fitting, key=lambda name: sizes[name])
            window = next((m["context_length"] for m in loaded if m.get("name") == best and m.get("context_length")), None)
            if window and window >= SMALLEST_WINDOW:
                return best, ""
            why = f"its window is {window:,} tokens" if window else "its window may be as small as 4,096 tokens"
            return best, f"As {why}, start Ollama with OLLAMA_CONTEXT_LENGTH=16384: it forgets in silence what is longer."
    return None


async def _asked(session: aiohttp.ClientSession, path: str, **body: str) -> dict[str, Any]:
    async with session.post(path, json=body) if body else session.get(path) as response:
        return dict(await response.json())


async def _control(url: str, method: str, path: str, body: object = None) -> Any:
    """Return the answer of the workspace's control API; raises SetupError if there is no workspace."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.request(method, f"{url}control/{path}", json=body) as response:
                response.raise_for_status()
                return await response.json()
        except aiohttp.ClientError as error:
            raise SetupError(f"No local workspace answers at {url} ({error}). Start one with `workings local`.") from error


async def _greet(tokens: dict[str, Any]) -> None:
    """Post the greeting in each direct-message channel that is still empty."""
    headers = {"Authorization": f"Bearer {tokens['bot_token']}"}
    async with aiohttp.ClientSession(base_url=tokens["api_url"], headers=headers) as session:
        for channel in ("D0ALICE", "D0BOB"):
            async with session.get("conversations.history", params={"channel": channel, "limit": 1}) as response:
                if (await response.json()).get("messages"):
                    continue
            body = {"channel": channel, "text": GREETING, "blocks": [{"type": "markdown", "text": GREETING}]}
            async with session.post("chat.postMessage", json=body) as response:
                if not (await response.json()).get("ok"):
                    log.warning("the greeting was refused: %s", await response.text())
