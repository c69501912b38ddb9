"""The composition root: opens the adapters, wires them, owns every task, closes in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.agents.code_assistant import code_assistant
from bot.agents.user_proxy import UserProxy
from bot.agents.without_model import Profiler, Runner
from bot.errors import SetupError
from bot.llm.model import OpenAIModel
from bot.llm.models import ModelChoice
from bot.llm.retries import RetryPolicy
from bot.llm.service import open_client, wire_for
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.sandboxes import open_sandboxes
from bot.settings import Settings, limits, runtime_folder
from bot.slack.listeners import open_slack
from bot.store.sqlite import open_store
from bot.thread.conversation import PROFILER, RUNNER
from bot.turns.access import Access
from bot.turns.group_chat import Agent, Budget, GroupChat
from bot.turns.intake import Intake
from bot.turns.loop import Turns
from bot.turns.messenger import Messenger

log = logging.getLogger(__name__)


@asynccontextmanager
async def serving(settings: Settings, *, pace: float = 3.0) -> AsyncIterator[Turns]:
    """Run the bot until the block ends; raises SetupError naming what is missing."""
    bot_token, app_token = _token(settings, "slack_bot_token"), _token(settings, "slack_app_token")
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    runtime = RuntimeBuild(runtime_folder(settings.bot_data))
    async with (
        open_store(settings.bot_data / "bot.sqlite") as store,
        open_sandboxes(settings.bot_data, limits(settings), tier=settings.sandbox_tier, runtime=runtime) as sandboxes,
        open_client(api_key=key, base_url=settings.openai_base_url) as client,
        open_slack(
            bot_token, app_token, base_url=settings.slack_api_url, max_upload=settings.bot_max_upload, pace=pace
        ) as slack,
        _healthy(settings.bot_health_port),
        _building(runtime if settings.bot_runtime else None),
    ):
        spoken = wire_for(settings.openai_api, settings.openai_base_url)
        retries = RetryPolicy(timeout=settings.openai_timeout)
        fallback = ModelChoice(model=settings.openai_fallback_model) if settings.openai_fallback_model else None

        def model(name: str, effort: str, prefix: str) -> OpenAIModel:
            choice = ModelChoice(
                model=name, effort=effort, model_setting=f"{prefix}_MODEL", effort_setting=f"{prefix}_EFFORT"
            )
            return OpenAIModel(client, spoken, choice, fallback=fallback, retries=retries)

        coder = model(settings.openai_model, settings.openai_effort, "OPENAI")
        speaker = model(settings.openai_proxy_model, settings.openai_proxy_effort, "OPENAI_PROXY")
        specialists = [code_assistant(coder)]  # a further one is one more call here
        access = Access(
            allow_external=settings.bot_allow_external,
            users=settings.bot_allowed_users,
            channels=settings.bot_allowed_channels,
            user_tokens=settings.bot_daily_tokens_user,
            team_tokens=settings.bot_daily_tokens_team,
        )
        agents: dict[str, Agent] = {**{s.name: s for s in specialists}, PROFILER: Profiler(), RUNNER: Runner()}
        budget = Budget(
            calls=settings.bot_turn_calls, tokens=settings.bot_turn_tokens, seconds=settings.bot_turn_seconds
        )
        turns = Turns(
            store,
            sandboxes,
            Intake(slack.chat, store, access, time.time),
            GroupChat(UserProxy(speaker, specialists), agents, budget),
            Messenger(slack.chat),
            clock=time.time,
        )
        async with turns.serving():
            await slack.listen(turns.accept)
            log.info("at work in %s as %s", slack.team, slack.bot_user)
            yield turns


@asynccontextmanager
async def _building(runtime: RuntimeBuild | None) -> AsyncIterator[None]:
    """Build the runtime in the background; scripts of the standard library run meanwhile."""

    if runtime is None:
        yield
        return

    async def build() -> None:
        say: Callable[[str], None] = log.info
        while True:
            try:
                await runtime.build(say)
                return
            except SetupError as error:
                log.error("%s Trying again in five minutes.", error)
                await asyncio.sleep(300)

    task = asyncio.create_task(build())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _healthy(port: int | None) -> AsyncIterator[None]:
    """Answer `GET /health` while the bot is at work."""
    if port is None:
        yield
        return

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    application = web.Application()
    application.router.add_get("/health", health)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


def _token(settings: Settings, name: str) -> str:
    secret = getattr(settings, name)
    if secret is None:
        raise SetupError(
            f"{name.upper()} is not set. Set it (see the README), or try `workings demo`, which needs nothing."
        )
    return str(secret.get_secret_value())
