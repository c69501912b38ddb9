"""`workings doctor`: what works on this machine, what does not, and how to fix it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.agents.specialist import ReportCall
from bot.agents.tools import ListFiles
from bot.agents.user_proxy import choice_among
from bot.app import models
from bot.errors import BotError, Refused, SetupError
from bot.llm.service import listed, open_client
from bot.ports import Input, Prompt
from bot.sandbox.cgroups import find
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.sandboxes import TIERS, probe
from bot.settings import Settings, limits, runtime_folder
from bot.slack.calls import parsed
from bot.store.sqlite import open_store

SMALLEST_WINDOW = 8_192
SCOPES = frozenset(
    {"app_mentions:read", "assistant:write", "chat:write", "commands", "files:read", "files:write", "users:read"}
    | {f"{kind}:{right}" for kind in ("channels", "groups", "im", "mpim") for right in ("history", "read")}
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
    """Check Slack's tokens first, since nothing helps without them; then the sandbox, the runtime, the store and the model."""
    yield await examine_bot_token(settings)
    yield await examine_app_token(settings)
    works = False
    for name, tier in TIERS.items():
        tried = await probe(name, limits(settings))
        works = works or tried.works
        yield Finding(f"sandbox {name}", tried.works, "self-test passed" if tried.works else tried.why, tier.advice, required=False)
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
        running = "Another bot" in str(error)
        state = f"{settings.bot_data} is in use by a bot that runs" if running else str(error)
        yield Finding("store", running, state)  # what went wrong says what to do
    yield (model := await examine_model(settings, datetime.now(UTC).date()))
    if model.ok or not model.required:
        yield await try_models(settings)


async def examine_model(settings: Settings, today: date) -> Finding:
    """Check that the service lists the agents' models and shuts none of them down within 90 days."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    names = {settings.openai_model, settings.openai_proxy_model}
    try:
        async with open_client(api_key=key, base_url=settings.openai_base_url) as client:
            known = await listed(client, names)
    except BotError as error:
        return Finding("model", False, str(error), "Without a model, `/runpy` and `workings demo` still work.")
    missing = names - known.keys()
    if missing:
        advice = "Set OPENAI_MODEL and OPENAI_PROXY_MODEL to models that it lists."
        return Finding("model", False, f"the service does not list {', '.join(sorted(missing))}", advice)
    soon = {name: ends for name, (ends, _) in known.items() if ends and (ends - today).days < 90}
    if soon:
        ends = ", ".join(f"{n} on {d}" for n, d in sorted(soon.items()))
        return Finding("model", False, f"shut down soon: {ends}", "Choose its successor in time.", required=False)
    ample = all(window is None or window >= SMALLEST_WINDOW for _, window in known.values())
    windows = ", ".join(f"{name} ({window:,} tokens at once)" if window else name for name, (_, window) in sorted(known.items()))
    advice = f"A turn needs {SMALLEST_WINDOW:,} tokens: choose another model or raise its window."
    return Finding("model", ample, windows, "" if ample else advice)


async def try_models(settings: Settings) -> Finding:
    """Have the CodeAssistant's model call a tool and the UserProxy's model make a choice, two calls that are paid for."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    prompt = Prompt(agent="doctor", thread="doctor", system="This is a test of your tools.", items=(Input("List the files."),))
    try:
        async with open_client(api_key=key, base_url=settings.openai_base_url) as client:
            coder, speaker = models(client, settings)
            called = (await coder.decide(prompt, [ListFiles, ReportCall])).calls
            chosen, _ = await speaker.choose(prompt, choice_among(("code_assistant",)))
    except BotError as error:
        return Finding("model's tools", False, str(error), "Choose a model that calls tools, or another service.")
    faults = [f"{settings.openai_model} answers in prose where it should call a tool"] if not called else []
    faults += [f"{settings.openai_proxy_model} answers in prose where it should choose"] if isinstance(chosen, str) else []
    refused = sorted(coder.spared | speaker.spared)
    state = "; ".join(faults) or "called and chosen as asked"
    state += f"; the service refuses, and is not sent: {', '.join(refused)}" if refused else ""
    return Finding("model's tools", not faults, state, "Answers may come unchecked; a larger model does better.", required=False)


async def examine_bot_token(settings: Settings) -> Finding:
    """Check that Slack takes the bot token, and that the app has all scopes."""
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""
    if wrong := _shape("SLACK_BOT_TOKEN", token, "xoxb-", "xapp-"):
        return wrong
    try:
        me = await AsyncWebClient(token=token, base_url=settings.slack_api_url).auth_test()
    except Exception as error:  # noqa: BLE001  what is no answer of Slack has no shape
        return _refused("Slack bot token", error)
    have = {s.strip() for s in str(me.headers.get("x-oauth-scopes") or "").split(",") if s.strip()}
    missing = SCOPES - have if have else set()
    state = f"{me['team']} as {me['user']}" + (f"; missing scopes: {', '.join(sorted(missing))}" if missing else "")
    return Finding("Slack bot token", not missing, state, "Add them from manifest.yml and install the app again.")


async def examine_app_token(settings: Settings) -> Finding:
    """Check that Slack opens Socket Mode with the app token."""
    token = settings.slack_app_token.get_secret_value() if settings.slack_app_token else ""
    if wrong := _shape("SLACK_APP_TOKEN", token, "xapp-", "xoxb-"):
        return wrong
    try:
        await AsyncWebClient(token=token, base_url=settings.slack_api_url).apps_connections_open(app_token=token)
    except Exception as error:  # noqa: BLE001  what is no answer of Slack has no shape
        return _refused("Slack app token", error)
    return Finding("Slack app token", True, "Socket Mode opens")


def _shape(name: str, token: str, prefix: str, other: str) -> Finding | None:
    """Return what is wrong with a token that Slack need not be asked about."""
    if not token:
        return Finding("Slack", False, f"{name} is not set", "Run `workings setup`.")
    if token.startswith(prefix):
        return None
    swapped = f"; one that begins with {other} belongs into the other variable" if token.startswith(other) else ""
    return Finding("Slack", False, f"{name} does not begin with {prefix}{swapped}", "Run `workings setup`.")


def _refused(part: str, error: Exception) -> Finding:
    said = parsed(error.response) if isinstance(error, SlackApiError) else None
    if isinstance(said, Refused):
        return Finding(part, False, f"Slack says {said.code}", "Copy the token again, and install the app again.")
    return Finding(part, False, f"no answer of Slack: {str(error)[:200]}", "Check the network and SLACK_API_URL.")
