"""How the bot is put together from its settings."""

from __future__ import annotations

import asyncio
import inspect
import pkgutil
from importlib import import_module

import pytest
from pydantic import SecretStr

import bot.agents
from bot.agents.code_assistant import TOOLS
from bot.agents.user_proxy import choice_among
from bot.app import access, agents, budget, models, serving
from bot.errors import SetupError
from bot.llm.service import open_client
from bot.ports import Input, Prompt
from bot.settings import Settings
from bot.thread.conversation import PROFILER, RUNNER
from bot.turns.access import Access
from bot.turns.group_chat import Budget
from tests.fakes import ScriptedModel as FakeModel
from tests.wire import Calls, Choose, Fault, ScriptedModel

PROMPT = Prompt(agent="code_assistant", thread="T:C:1", system="You are exact.", items=(Input("hi"),))
# A service that asks for a longer pause than we wait is not asked again: the fallback follows at once.
AWAY = Fault("status", status=429, headers={"Retry-After": "3600"})


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **{"openai_api": "responses"} | values)  # type: ignore[arg-type, call-arg]


async def test_each_agent_has_the_model_and_the_effort_of_its_own_settings() -> None:
    script = (Calls([("ListFiles", {})]), Choose({"kind": "Respond", "text": "hello"}))
    async with ScriptedModel(script) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        coder, speaker = models(
            client,
            settings(
                openai_base_url=server.url, openai_model="gpt-6", openai_effort="high", openai_proxy_model="gpt-6-luna",
                openai_proxy_effort="low",
            ),
        )  # fmt: skip
        await coder.decide(PROMPT, TOOLS)
        await speaker.choose(PROMPT, choice_among(("code_assistant",)))

    sent = [(asked.wire, asked.agent, asked.body["model"], asked.body["reasoning"]) for asked in server.requests]
    assert sent == [
        ("responses", "assistant", "gpt-6", {"effort": "high"}),
        ("responses", "proxy", "gpt-6-luna", {"effort": "low"}),
    ]


async def test_both_agents_have_the_fallback_model_of_the_settings() -> None:
    script = (AWAY, Calls([("ListFiles", {})]), AWAY, Choose({"kind": "Respond", "text": "hello"}))
    async with ScriptedModel(script) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        coder, speaker = models(client, settings(openai_base_url=server.url, openai_fallback_model="gpt-4.1"))
        await coder.decide(PROMPT, TOOLS)
        await speaker.choose(PROMPT, choice_among(("code_assistant",)))

    assert [asked.body["model"] for asked in server.requests] == ["gpt-6.1-sol", "gpt-4.1", "gpt-6-luna", "gpt-4.1"]


@pytest.mark.parametrize(("role", "setting"), [(0, "OPENAI_MODEL"), (1, "OPENAI_PROXY_MODEL")])
async def test_a_model_that_does_not_exist_names_the_setting_of_its_agent(role: int, setting: str) -> None:
    missing = Fault("status", status=404, code="model_not_found")
    async with ScriptedModel([missing]) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        model = models(client, settings(openai_base_url=server.url))[role]
        with pytest.raises(SetupError, match=f"set {setting} to another"):
            await model.decide(PROMPT, TOOLS)


async def test_a_fallback_that_does_not_exist_names_its_own_setting() -> None:
    missing = Fault("status", status=404, code="model_not_found")
    async with ScriptedModel([AWAY, missing]) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        coder, _ = models(client, settings(openai_base_url=server.url, openai_fallback_model="gpt-0"))
        with pytest.raises(SetupError, match="set OPENAI_FALLBACK_MODEL to another"):
            await coder.decide(PROMPT, TOOLS)


async def test_an_answer_is_waited_for_as_long_as_the_settings_say() -> None:
    script = (Fault("hang"), Calls([("ListFiles", {})]))
    async with ScriptedModel(script) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        coder, _ = models(client, settings(openai_base_url=server.url, openai_timeout=0.2))
        async with asyncio.timeout(20):  # far less than the default
            decision = await coder.decide(PROMPT, TOOLS)

    assert [call.name for call in decision.calls] == ["ListFiles"]
    assert len(server.requests) == 2


def test_who_may_ask_is_what_the_settings_say() -> None:
    rules = access(
        settings(
            bot_allow_external=True, bot_allowed_users="U1, U2", bot_allowed_channels="C1", bot_daily_tokens_user=10,
            bot_daily_tokens_team=20,
        )
    )  # fmt: skip

    assert rules == Access(
        allow_external=True, users=frozenset({"U1", "U2"}), channels=frozenset({"C1"}), user_tokens=10, team_tokens=20
    )


def test_a_turn_may_use_what_the_settings_say() -> None:
    assert budget(settings(bot_turn_calls=3, bot_turn_tokens=4_000, bot_turn_seconds=5.0)) == Budget(
        calls=3, tokens=4_000, seconds=5.0
    )


def test_every_specialist_in_the_agents_room_is_offered_by_the_userproxy_and_can_act() -> None:
    modules = [import_module(f"bot.agents.{module.name}") for module in pkgutil.iter_modules(bot.agents.__path__)]
    makers = {
        make
        for module in modules
        for _, make in inspect.getmembers(module, inspect.isfunction)
        if make.__annotations__.get("return") == "Specialist"
    }
    written = sorted(make(FakeModel()).name for make in makers)

    proxy, others = agents(FakeModel(), FakeModel())

    recipient = proxy.choice.model_json_schema()["$defs"]["SendMessage"]["properties"]["recipient"]
    assert recipient.get("enum", [recipient.get("const")]) == written
    assert sorted(others.keys() - {PROFILER, RUNNER}) == written


@pytest.mark.parametrize(
    ("values", "missing"), [({}, "SLACK_BOT_TOKEN"), ({"slack_bot_token": SecretStr("xoxb-1")}, "SLACK_APP_TOKEN")]
)
async def test_a_missing_token_is_named_before_anything_is_opened(values: dict[str, object], missing: str) -> None:
    with pytest.raises(SetupError, match=f"^{missing} is not set"):
        async with serving(settings(**values)):
            pass
