"""What every model promises to the core, on both wires."""

import json
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from bot.agents.code_assistant import TOOLS
from bot.errors import ServiceError, SetupError
from bot.llm.model import OpenAIModel
from bot.llm.models import ModelChoice
from bot.llm.service import open_client, shutdown_dates
from bot.ports import Exchange, Input, Prompt
from tests.llm.test_model import CHOICE, PROMPT
from tests.llm.test_model import opened as open_model
from tests.wire import Calls, Choose, Fault, Next, ScriptedModel, Text

MODELS = {"responses": ModelChoice(model="gpt-6.1-sol"), "chat": ModelChoice(model="gpt-4.1")}


@pytest.fixture(params=["responses", "chat"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(
    api: str, *script: Next, timeout: float = 30.0, pauses: list[float] | None = None
) -> AbstractAsyncContextManager[tuple[OpenAIModel, ScriptedModel]]:
    return open_model(*script, api=api, choice=MODELS[api], tries=3, timeout=timeout, pauses=pauses)


def prompt(*items: Input | Exchange) -> Prompt:
    return replace(PROMPT, items=items or (Input("hi"),))


async def test_several_calls_come_in_order_and_their_results_go_back(api: str) -> None:
    calls = Calls([("File", {"name": "a.py", "body": "é😀\\n"}), ("ExecutePyFile", {"name": "a.py"})])
    async with opened(api, calls, Calls([("ListFiles", {})])) as (model, server):
        first = await model.decide(prompt(), TOOLS)
        await model.decide(prompt(Input("hi"), Exchange(first, ("wrote", "ran"))), TOOLS)

        assert [c.name for c in first.calls] == ["File", "ExecutePyFile"]
        assert json.loads(first.calls[0].arguments) == {"name": "a.py", "body": "é😀\\n"}
        assert first.usage.calls == 1
        assert first.usage.cached <= first.usage.input
        assert "wrote" in server.requests[1].text
        assert "ran" in server.requests[1].text


async def test_a_choice_is_typed_and_an_invalid_one_is_asked_for_once_more(api: str) -> None:
    wrong, right = Choose({"kind": "Respond"}), Choose({"kind": "Respond", "text": "{{ x }} {% if %}"})
    async with opened(api, wrong, right) as (model, server):
        chosen, usage = await model.choose(prompt(Input("{{ x }} {% if %}")), CHOICE)

        assert chosen.model_dump() == {"action": {"kind": "Respond", "text": "{{ x }} {% if %}"}}
        assert usage.calls == 2
        assert "{{ x }} {% if %}" in server.requests[0].text


async def test_a_bare_text_is_a_decision_without_calls(api: str) -> None:
    async with opened(api, Text("I think")) as (model, _):
        decision = await model.decide(prompt(), TOOLS)

        assert (decision.calls, decision.text) == ((), "I think")


async def test_a_service_that_asks_to_wait_is_waited_for(api: str) -> None:
    script = (
        Fault("status", status=429, headers={"Retry-After": "7"}), Fault("status", status=503), Calls([("ListFiles", {})]),
    )  # fmt: skip
    pauses: list[float] = []
    async with opened(api, *script, pauses=pauses) as (model, _):
        decision = await model.decide(prompt(), TOOLS)

        assert [c.name for c in decision.calls] == ["ListFiles"]
        assert pauses[0] >= 7
        assert len(pauses) == 2


@pytest.mark.parametrize("kind", ["hang", "disconnect", "malformed"])
async def test_a_service_that_does_not_answer_is_an_error_in_words(api: str, kind: str) -> None:
    async with opened(api, *[Fault(kind)] * 3, timeout=0.5 if kind == "hang" else 30.0) as (model, _):  # type: ignore[arg-type]
        with pytest.raises(ServiceError) as raised:
            await model.decide(prompt(), TOOLS)

        assert not isinstance(raised.value, SetupError)
        assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize(("status", "setting"), [(401, "OPENAI_API_KEY"), (404, "OPENAI_MODEL")])
async def test_what_only_a_setting_can_mend_names_the_setting(api: str, status: int, setting: str) -> None:
    async with opened(api, Fault("status", status=status, code="model_not_found" if status == 404 else None)) as (model, _):
        with pytest.raises(SetupError, match=setting):
            await model.decide(prompt(), TOOLS)


async def test_announced_shutdowns_are_read_from_the_service() -> None:
    async with (
        ScriptedModel([], models={"gpt-4.1": "2027-01-14", "gpt-6.1-sol": None}) as server,
        open_client(api_key="sk-test", base_url=server.url) as client,
    ):
        dates = await shutdown_dates(client, {"gpt-4.1", "gpt-6.1-sol", "unknown"})

    assert {name: str(day) for name, day in dates.items()} == {"gpt-4.1": "2027-01-14", "gpt-6.1-sol": "None"}
