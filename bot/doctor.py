"""`workings doctor`: what works on this machine, what does not, and how to fix it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError, SetupError
from bot.llm.service import open_client, shutdown_dates
from bot.sandbox.cgroups import find
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.sandboxes import TIERS, probe
from bot.settings import Settings, limits, runtime_folder
from bot.store.sqlite import open_store

SCOPES = frozenset(
    {"app_mentions:read", "assistant:write", "channels:history", "chat:write", "commands", "files:read", "files:write"}
    | {"groups:history", "im:history", "mpim:history", "users:read"}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one part of the bot; `advice` says how to fix it, `required` that the bot does not work without it."""

    part: str
    ok: bool
    state: str
    advice: str = ""
    required: bool = True


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check the sandbox, the runtime, the store, the model and Slack, in this order."""
    works = False
    for name, tier in TIERS.items():
        tried = await probe(name, limits(settings))
        works = works or tried.works
        yield Finding(
            f"sandbox {name}",
            tried.works,
            "self-test passed" if tried.works else tried.why,
            tier.advice,
            required=False,
        )
    guards = "control groups and a watchdog" if find(limits(settings)).places else "a watchdog, without control groups"
    state = f"runs are sealed, their memory is limited by {guards}" if works else "no tier works"
    yield Finding("sandbox", works, state, "No script runs until one tier works.")
    built = RuntimeBuild(runtime_folder(settings.bot_data)).done()
    advice = "`workings serve` and `workings demo` build it in the background."
    yield Finding("runtime", built, "built" if built else "not built yet", advice, required=False)
    try:
        async with open_store(settings.bot_data / "bot.sqlite") as store:
            waiting = len(await store.waiting())
        yield Finding("store", True, f"{settings.bot_data}, {waiting} threads waiting")
    except SetupError as error:
        yield Finding("store", "Another bot" in str(error), str(error), "Set BOT_DATA to a folder you may write.")
    yield await examine_model(settings, datetime.now(UTC).date())
    async for finding in _slack(settings):
        yield finding


async def examine_model(settings: Settings, today: date) -> Finding:
    """Check that the service lists the agents' models and shuts none of them down within 90 days."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    names = {settings.openai_model, settings.openai_proxy_model}
    try:
        async with open_client(api_key=key, base_url=settings.openai_base_url) as client:
            dates = await shutdown_dates(client, names)
    except BotError as error:
        return Finding("model", False, str(error), "Without a model, `/runpy` and `workings demo` still work.")
    missing = names - dates.keys()
    if missing:
        advice = "Set OPENAI_MODEL and OPENAI_PROXY_MODEL to models that it lists."
        return Finding("model", False, f"the service does not list {', '.join(sorted(missing))}", advice)
    soon = {n: d for n, d in dates.items() if d and (d - today).days < 90}
    if soon:
        ends = ", ".join(f"{n} on {d}" for n, d in sorted(soon.items()))
        return Finding("model", False, f"shut down soon: {ends}", "Choose its successor in time.", required=False)
    return Finding("model", True, ", ".join(sorted(names)))


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.slack_bot_token or not settings.slack_app_token:
        yield Finding("Slack", False, "SLACK_BOT_TOKEN or SLACK_APP_TOKEN is not set", "See “Slack” in the README.")
        return
    client = AsyncWebClient(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url)
    try:
        me = await client.auth_test()
        have = {s.strip() for s in str(me.headers.get("x-oauth-scopes") or "").split(",") if s.strip()}
        missing = SCOPES - have if have else set()
        state = f"{me['team']} as {me['user']}" + (f"; missing scopes: {', '.join(sorted(missing))}" if missing else "")
        yield Finding("Slack bot token", not missing, state, "Add them from manifest.yml and install the app again.")
        app = AsyncWebClient(token=settings.slack_app_token.get_secret_value(), base_url=settings.slack_api_url)
        await app.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
        yield Finding("Slack app token", True, "Socket Mode opens")
    except SlackApiError as error:
        yield Finding("Slack", False, str(error.response["error"]), "Copy the tokens again, and install the app again.")
    except (TimeoutError, aiohttp.ClientError) as error:
        yield Finding("Slack", False, f"no answer: {error}", "Check the network and SLACK_API_URL.")
