"""`workings serve` as a process: it is well while it works, and ends when its app is gone."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import aiohttp

from bot.local.workspace.server import running
from tests.e2e.slack import Slack


async def test_a_bot_whose_app_is_removed_ends_with_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with running(tmp_path / "workspace") as local, aiohttp.ClientSession(base_url=local.base_url) as session:
        settings = {
            "SLACK_BOT_TOKEN": local.bot_token, "SLACK_APP_TOKEN": local.app_token, "SLACK_API_URL": local.api_url,
            "BOT_DATA": str(tmp_path / "data"), "OPENAI_API_KEY": "sk-test", "BOT_RUNTIME": "false",
            "BOT_HEALTH_PORT": str(port),
        }  # fmt: skip
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "serve", stderr=asyncio.subprocess.PIPE, env=os.environ | settings
        )
        try:
            async with asyncio.timeout(60):
                slack = Slack(session)
                while bot.returncode is None:
                    if (await slack.seen("state"))["connections"]:
                        break
                    await asyncio.sleep(0.05)
                async with session.get(f"http://127.0.0.1:{port}/healthz") as health:
                    assert await health.json() == {"status": "ok"}

                await slack.control("event", {"event": {"type": "app_uninstalled"}})
                _, stderr = await bot.communicate()
        finally:
            if bot.returncode is None:
                bot.kill()
                await bot.wait()

    assert bot.returncode == 2
    assert "ERROR bot.slack.listeners [-] Slack says app_uninstalled: no further work is taken in" in stderr.decode()
    assert stderr.decode().splitlines()[-1] == (
        "workings: The app was removed from the workspace (or its token revoked). Install it again and start me."
    )
