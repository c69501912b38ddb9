"""What every model promises to the core, on both wires."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.agents.code_assistant import TOOLS
from bot.agents.user_proxy import choice_among
from bot.errors import ServiceError, SetupError
from bot.llm.model import OpenAIModel
from bot.llm.models import ModelChoice
from bot.llm.retries import RetryPolicy
from bot.llm.service import open_client, shutdown_dates, wire_for
from bot.ports import Exchange, Input, Prompt
from tests.wire import Calls, Choose, Fault, Next, ScriptedModel, Text

CHOICE = choice_among(("code_assistant",))
MODELS = {"responses": "gpt-6.1-sol", "chat": "gpt-4.1"}


@pytest.fixture(params=["responses", "chat"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class OpenModel:
    """A model over one wire, its scripted server, and the pauses between its tries."""

    def __init__(self, model: OpenAIModel, server: ScriptedModel, pauses: list[float]) -> None:
        self.model, self.server, self.pauses = model, server, pauses


@asynccontextmanager
async def opened(api: str, *script: Next, timeout: float = 30.0) -> AsyncIterator[OpenModel]:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with ScriptedModel(script) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        choice = ModelChoice(model=MODELS[api])
        retries = RetryPolicy(timeout=timeout, tries=3)
        yield OpenModel(
            OpenAIModel(client, wire_for(api, server.url), choice, retries=retries, sleep=sleep), server, pauses
        )


def prompt(*items: Input | Exchange) -> Prompt:
    return Prompt(agent="code_assistant", thread="T:C:1", system="You are exact.", items=items or (Input("hi"),))


async def test_several_calls_come_in_order_and_their_results_go_back(api: str) -> None:
    calls = Calls([("File", {"name": "a.py", "body": "é😀\\n"}), ("ExecutePyFile", {"name": "a.py"})])
    async with opened(api, calls, Calls([("ListFiles", {})])) as a:
        first = await a.model.decide(prompt(), TOOLS)
        await a.model.decide(prompt(Input("hi"), Exchange(first, ("wrote", "ran"))), TOOLS)

        assert [c.name for c in first.calls] == ["File", "ExecutePyFile"]
        assert json.loads(first.calls[0].arguments) == {"name": "a.py", "body": "é😀\\n"}
        assert first.usage.calls == 1
        assert first.usage.cached <= first.usage.input
        assert "wrote" in a.server.requests[1].text
        assert "ran" in a.server.requests[1].text


async def test_a_choice_is_typed_and_an_invalid_one_is_asked_for_once_more(api: str) -> None:
    wrong, right = Choose({"kind": "Respond"}), Choose({"kind": "Respond", "text": "{{ x }} {% if %}"})
    async with opened(api, wrong, right) as a:
        chosen, usage = await a.model.choose(prompt(Input("{{ x }} {% if %}")), CHOICE)

        assert chosen.model_dump() == {"action": {"kind": "Respond", "text": "{{ x }} {% if %}"}}
        assert usage.calls == 2
        assert "{{ x }} {% if %}" in a.server.requests[0].text


async def test_a_bare_text_is_a_decision_without_calls(api: str) -> None:
    async with opened(api, Text("I think")) as a:
        decision = await a.model.decide(prompt(), TOOLS)

        assert (decision.calls, decision.text) == ((), "I think")


async def test_a_service_that_asks_to_wait_is_waited_for(api: str) -> None:
    script = (
        Fault("status", status=429, headers={"Retry-After": "7"}),
        Fault("status", status=503),
        Calls([("ListFiles", {})]),
    )
    async with opened(api, *script) as a:
        decision = await a.model.decide(prompt(), TOOLS)

        assert [c.name for c in decision.calls] == ["ListFiles"]
        assert a.pauses[0] >= 7
        assert len(a.pauses) == 2


@pytest.mark.parametrize("kind", ["hang", "disconnect", "malformed"])
async def test_a_service_that_does_not_answer_is_an_error_in_words(api: str, kind: str) -> None:
    async with opened(api, *[Fault(kind)] * 3, timeout=0.5 if kind == "hang" else 30.0) as a:  # type: ignore[arg-type]
        with pytest.raises(ServiceError) as raised:
            await a.model.decide(prompt(), TOOLS)

        assert not isinstance(raised.value, SetupError)
        assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize(("status", "setting"), [(401, "OPENAI_API_KEY"), (404, "OPENAI_MODEL")])
async def test_what_only_a_setting_can_mend_names_the_setting(api: str, status: int, setting: str) -> None:
    async with opened(api, Fault("status", status=status, code="model_not_found" if status == 404 else None)) as a:
        with pytest.raises(SetupError, match=setting):
            await a.model.decide(prompt(), TOOLS)


async def test_announced_shutdowns_are_read_from_the_service() -> None:
    async with (
        ScriptedModel([], models={"gpt-4.1": "2027-01-14", "gpt-6.1-sol": None}) as server,
        open_client(api_key="sk-test", base_url=server.url) as client,
    ):
        dates = await shutdown_dates(client, {"gpt-4.1", "gpt-6.1-sol", "unknown"})

    assert {name: str(day) for name, day in dates.items()} == {"gpt-4.1": "2027-01-14", "gpt-6.1-sol": "None"}
