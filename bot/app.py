"""The composition root: opens the adapters, connects them, runs the background tasks and closes everything in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NoReturn

from openai import AsyncOpenAI

from bot.agents.code_assistant import code_assistant
from bot.agents.user_proxy import UserProxy
from bot.agents.without_model import Profiler, Runner
from bot.disk import lacks_room
from bot.errors import SetupError
from bot.health import Health, NotedModel
from bot.llm.model import OpenAIModel
from bot.llm.models import ModelChoice
from bot.llm.retries import RetryPolicy
from bot.llm.service import open_client, wire_for
from bot.ports import Model
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
async def serving(
    settings: Settings, *, pace: float = 3.0, progress: Callable[[str], None] = log.info,
    first: Callable[[Settings], Awaitable[None]] | None = None,
) -> AsyncIterator[Callable[[], Awaitable[NoReturn]]]:  # fmt: skip
    """Run the bot until the block ends; raises SetupError naming the setting that is missing or wrong.

    `progress` hears how far the libraries for scripts are. `first` is done before all but the answers to health checks.
    Yields a function that waits until the app is removed from the workspace, and then raises SetupError.
    """
    gc.set_threshold(10_000, 20, 100)  # each full collection walks through the vendors' 100 MB, and nothing else goes on
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    runtime, health = RuntimeBuild(runtime_folder(settings.bot_data)), Health()
    async with AsyncExitStack() as stack:
        open_ = stack.enter_async_context
        await open_(health.answering(settings.bot_health_host, settings.bot_health_port))  # all below may take long
        if first:
            await first(settings)
        bot_token, app_token = _token(settings, "slack_bot_token"), _token(settings, "slack_app_token")
        store = await open_(open_store(settings.bot_data / "bot.sqlite"))
        sandboxes = await open_(open_sandboxes(settings.bot_data, limits(settings), tier=settings.sandbox_tier, runtime=runtime))
        client = await open_(open_client(api_key=key, base_url=settings.openai_base_url))
        slack = await open_(
            open_slack(bot_token, app_token, base_url=settings.slack_api_url, max_upload=settings.bot_max_upload, pace=pace)
        )
        await open_(_building(runtime if settings.bot_runtime else None, progress))
        sandboxes.show = slack.chat.status
        sandboxes.noting = lambda: health.noting("sandbox", f"{sandboxes.tier.name}: made a run")
        health.note("sandbox", f"{sandboxes.tier.name}: self-test passed")
        coder, speaker = (NotedModel(model, health) for model in models(client, settings))
        proxy, others = agents(coder, speaker)
        turns = Turns(
            store, sandboxes, Intake(slack.chat, store, access(settings), time.time),
            GroupChat(proxy, others, budget(settings)), Messenger(slack.chat), clock=time.monotonic,
        )  # fmt: skip
        await open_(turns.serving())
        await open_(health.asking("auth.test", slack.introduce))
        await slack.listen(turns.accept, store)
        room = partial(asyncio.to_thread, lacks_room, settings.bot_data)
        health.needs = {"store": store.check, "disk": room, "socket": slack.check}
        log.info("at work in %s as %s", slack.team, slack.bot_user)
        yield slack.until_removed


def agents(coder: Model, speaker: Model) -> tuple[UserProxy, dict[str, Agent]]:
    """Return the UserProxy, which offers every specialist, and all other agents by name."""
    specialists = [code_assistant(coder)]  # a further one is one more call here
    return UserProxy(speaker, specialists), {s.name: s for s in specialists} | {PROFILER: Profiler(), RUNNER: Runner()}


def models(client: AsyncOpenAI, settings: Settings) -> tuple[OpenAIModel, OpenAIModel]:
    """Return the models of the CodeAssistant and of the UserProxy."""
    coder = ModelChoice(model=settings.openai_model, effort=settings.openai_effort)
    speaker = ModelChoice(
        model=settings.openai_proxy_model, effort=settings.openai_proxy_effort, model_setting="OPENAI_PROXY_MODEL"
    )
    name = settings.openai_fallback_model
    fallback = ModelChoice(model=name, model_setting="OPENAI_FALLBACK_MODEL") if name else None
    wire = wire_for(settings.openai_api, settings.openai_base_url)
    retries = RetryPolicy(timeout=settings.openai_timeout)
    return (
        OpenAIModel(client, wire, coder, fallback=fallback, retries=retries),
        OpenAIModel(client, wire, speaker, fallback=fallback, retries=retries),
    )


def access(settings: Settings) -> Access:
    """Return the rules of who may ask, where, and how much per day."""
    return Access(
        allow_external=settings.bot_allow_external, users=settings.bot_allowed_users, channels=settings.bot_allowed_channels,
        user_tokens=settings.bot_daily_tokens_user, team_tokens=settings.bot_daily_tokens_team, contact=settings.bot_contact,
    )  # fmt: skip


def budget(settings: Settings) -> Budget:
    """Return what one turn may use."""
    return Budget(calls=settings.bot_turn_calls, tokens=settings.bot_turn_tokens, seconds=settings.bot_turn_seconds)


@asynccontextmanager
async def _building(runtime: RuntimeBuild | None, progress: Callable[[str], None]) -> AsyncIterator[None]:
    """Build the runtime in the background; until it is built, scripts can use the standard library alone."""
    if runtime is None:
        yield
        return

    async def build() -> None:
        while True:
            try:
                await runtime.build(progress)
                return
            except SetupError as error:
                log.error("%s Trying again in a minute.", error)
                progress(f"{error} Trying again in a minute.")
                await asyncio.sleep(60)

    task = asyncio.create_task(build())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _token(settings: Settings, name: str) -> str:
    secret = getattr(settings, name)
    if secret is None:
        raise SetupError(f"{name.upper()} is not set. Set it (see the README), or try `workings demo`, which needs nothing.")
    return str(secret.get_secret_value())
