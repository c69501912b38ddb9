"""The model over a real HTTP server: its fallback, its reasoning, and what typed answers cost."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.agents.code_assistant import TOOLS
from bot.agents.user_proxy import choice_among
from bot.errors import ServiceError, SetupError
from bot.llm.model import OpenAIModel
from bot.llm.models import ModelChoice
from bot.llm.retries import RetryPolicy
from bot.llm.service import listed, open_client, wire_for
from bot.ports import Exchange, Input, Prompt
from bot.thread.entries import Usage
from tests.wire import Calls, Choose, Fault, Next, ScriptedModel

CHOICE = choice_among(("code_assistant",))
PLAIN = ModelChoice(model="gpt-4.1")  # both wires take it
FIRST = ModelChoice(model="gpt-6.1-sol")
FALLBACK = ModelChoice(model="gpt-4.1", model_setting="OPENAI_FALLBACK_MODEL")
PROMPT = Prompt(agent="code_assistant", thread="T:C:1", system="You are exact.", items=(Input("the secret plan"),))
BUSY = Fault("status", status=503)
LIST = Calls([("ListFiles", {})])
RESPOND = Choose({"kind": "Respond", "text": "hello"})


@asynccontextmanager
async def opened(
    *script: Next, api: str = "responses", choice: ModelChoice = FIRST, fallback: ModelChoice | None = None, tries: int = 1,
    timeout: float = 30.0, pauses: list[float] | None = None,
) -> AsyncIterator[tuple[OpenAIModel, ScriptedModel]]:  # fmt: skip
    """A model and its server; the pauses between its tries are put down in `pauses` and not made."""

    async def sleep(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    policy = RetryPolicy(timeout=timeout, tries=tries, sleep=sleep)
    async with ScriptedModel(script) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        wire = wire_for(api, server.url)
        yield OpenAIModel(client, wire, choice, fallback=fallback, retries=policy), server


@pytest.fixture(params=["responses", "chat"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_fallback_gives_a_typed_answer_too() -> None:
    async with opened(BUSY, RESPOND, fallback=FALLBACK) as (model, server):
        chosen, usage = await model.choose(PROMPT, CHOICE)

    assert not isinstance(chosen, str)
    assert chosen.model_dump() == {"action": {"kind": "Respond", "text": "hello"}}
    assert usage == Usage(model="gpt-4.1", calls=1, input=100, cached=80, output=10)
    assert [asked.body["model"] for asked in server.requests] == ["gpt-6.1-sol", "gpt-4.1"]


async def test_a_fallback_that_does_not_exist_names_its_own_setting() -> None:
    missing = Fault("status", status=404, code="model_not_found")
    async with opened(BUSY, missing, fallback=FALLBACK) as (model, _):
        with pytest.raises(SetupError, match="OPENAI_FALLBACK_MODEL"):
            await model.decide(PROMPT, TOOLS)


async def test_reasoning_that_the_service_cannot_read_any_more_is_left_out() -> None:
    refused = Fault("status", status=400, code="invalid_encrypted_content")
    async with opened(LIST, refused, LIST) as (model, server):
        first = await model.decide(PROMPT, TOOLS)
        await model.decide(replace(PROMPT, items=(*PROMPT.items, Exchange(first, ("none",)))), TOOLS)

    kinds = [[item.get("type", "message") for item in asked.history] for asked in server.requests]
    assert kinds == [
        ["message"],
        ["message", "reasoning", "function_call", "function_call_output"],
        ["message", "function_call", "function_call_output"],
    ]


async def test_a_call_that_was_cut_goes_back_without_its_reasoning() -> None:
    async with opened(Calls([("File", '{"name": "a.py", "bo')], cut=True), LIST) as (model, server):
        first = await model.decide(PROMPT, TOOLS)
        refused = Exchange(first, ("The arguments are no JSON.",))
        await model.decide(replace(PROMPT, items=(*PROMPT.items, refused)), TOOLS)

    kinds = [item.get("type", "message") for item in server.requests[1].history]
    assert kinds == ["message", "function_call", "function_call_output"]


async def test_calls_come_in_order_and_their_results_go_back_behind_the_same_bytes(api: str) -> None:
    calls = Calls([("File", {"name": "a.py", "body": "é😀\\n"}), ("ExecutePyFile", {"name": "a.py"})])
    async with opened(calls, LIST, api=api, choice=PLAIN) as (model, server):
        first = await model.decide(PROMPT, TOOLS)
        await model.decide(replace(PROMPT, items=(*PROMPT.items, Exchange(first, ("wrote", "ran")))), TOOLS)

    assert [c.name for c in first.calls] == ["File", "ExecutePyFile"]
    assert json.loads(first.calls[0].arguments) == {"name": "a.py", "body": "é😀\\n"}
    assert first.usage == Usage(model="gpt-4.1", calls=1, input=100, cached=80, output=10)
    one, two = server.requests
    assert "wrote" in two.text
    assert "ran" in two.text
    head = one.raw.index(b"the secret plan") + len(b"the secret plan")  # the prompt cache finds it again
    assert two.raw[:head] == one.raw[:head]
    assert two.raw[two.raw.index(b'"tools":') :] == one.raw[one.raw.index(b'"tools":') :]


async def test_a_service_that_asks_to_wait_is_waited_for(api: str) -> None:
    pauses: list[float] = []
    asks = Fault("status", status=429, headers={"Retry-After": "7"})
    async with opened(asks, BUSY, LIST, api=api, choice=PLAIN, tries=3, pauses=pauses) as (model, _):
        decision = await model.decide(PROMPT, TOOLS)

    assert [c.name for c in decision.calls] == ["ListFiles"]
    assert pauses[0] >= 7
    assert len(pauses) == 2


@pytest.mark.parametrize(("fault", "words"), [(Fault("hang"), "took too long"), (Fault("disconnect"), "cannot be reached")])
async def test_a_service_that_does_not_answer_is_an_error_in_words(api: str, fault: Fault, words: str) -> None:
    async with opened(*[fault] * 3, api=api, choice=PLAIN, tries=3, timeout=0.5 if fault.kind == "hang" else 30.0) as (model, _):
        with pytest.raises(ServiceError, match=words):
            await model.decide(PROMPT, TOOLS)


async def test_every_answer_that_was_paid_for_is_counted(api: str) -> None:
    refusal, wrong = Fault("refusal", message="No."), Choose({"kind": "Respond"})
    async with opened(wrong, BUSY, RESPOND, refusal, refusal, api=api, choice=PLAIN, tries=2) as (model, _):
        _, usage = await model.choose(PROMPT, CHOICE)
        with pytest.raises(ServiceError, match="declined: No") as raised:
            await model.decide(PROMPT, TOOLS)

    assert usage == raised.value.usage == Usage(model="gpt-4.1", calls=2, input=200, cached=160, output=20)


async def test_what_was_refused_once_is_left_out_from_then_on(api: str) -> None:
    unknown = Fault("status", status=400, message="Unknown parameter: 'parallel_tool_calls'.")
    async with opened(unknown, LIST, LIST, api=api, choice=PLAIN) as (model, server):
        for _ in range(2):
            await model.decide(PROMPT, TOOLS)

    assert ["parallel_tool_calls" in body for body in server.bodies()] == [True, False, False]


async def test_neither_a_prompt_nor_what_a_model_wrote_is_logged(api: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    invalid = Choose({"kind": "Respond", "message": "the secret answer"})
    broken = Fault("status", status=500, message="cannot serve: the secret plan")
    async with opened(invalid, invalid, broken, broken, LIST, api=api, choice=PLAIN, tries=2) as (model, _):
        assert (await model.choose(PROMPT, CHOICE))[0] == ""
        with pytest.raises(ServiceError, match="in trouble"):
            await model.choose(PROMPT, CHOICE)
        await model.decide(PROMPT, TOOLS)

    assert caplog.messages
    assert "secret" not in caplog.text


async def test_an_address_with_a_query_is_asked_at_its_paths() -> None:
    async with (
        ScriptedModel([LIST]) as server,
        open_client(api_key="sk-test", base_url=f"{server.url}?api-version=2024-10-21") as client,
    ):
        assert (await OpenAIModel(client, wire_for("chat", server.url), PLAIN).decide(PROMPT, TOOLS)).calls


async def test_announced_shutdowns_are_read_from_the_service() -> None:
    async with (
        ScriptedModel([], models={"gpt-4.1": "2027-01-14", "gpt-6.1-sol": None}) as server,
        open_client(api_key="sk-test", base_url=server.url) as client,
    ):
        known = await listed(client, {"gpt-4.1", "gpt-6.1-sol", "unknown"})

    assert {name: str(ends) for name, (ends, _) in known.items()} == {"gpt-4.1": "2027-01-14", "gpt-6.1-sol": "None"}
