"""The model over a real HTTP server: its fallback, its reasoning, and what typed answers cost."""

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
from bot.llm.service import open_client, wire_for
from bot.ports import Exchange, Input, Prompt
from bot.thread.entries import Usage
from tests.wire import Calls, Choose, Fault, Next, ScriptedModel, Text

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
    *script: Next,
    api: str = "responses",
    choice: ModelChoice = FIRST,
    fallback: ModelChoice | None = None,
    tries: int = 1,
    timeout: float = 30.0,
    pauses: list[float] | None = None,
) -> AsyncIterator[tuple[OpenAIModel, ScriptedModel]]:
    """A model and its server; the pauses between its tries are put down in `pauses` and not made."""

    async def sleep(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    policy = RetryPolicy(timeout=timeout, tries=tries, sleep=sleep)
    async with ScriptedModel(script) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        wire = wire_for(api, server.url)
        yield OpenAIModel(client, wire, choice, fallback=fallback, retries=policy), server


async def test_the_fallback_is_asked_when_the_first_model_is_unavailable() -> None:
    async with opened(BUSY, BUSY, LIST, fallback=FALLBACK, tries=2) as (model, server):
        decision = await model.decide(PROMPT, TOOLS)

    assert [call.name for call in decision.calls] == ["ListFiles"]
    assert decision.usage == Usage(model="gpt-4.1", calls=1, input=100, cached=80, output=10)
    assert [asked.body["model"] for asked in server.requests] == ["gpt-6.1-sol", "gpt-6.1-sol", "gpt-4.1"]


async def test_the_fallback_gives_a_typed_answer_too() -> None:
    async with opened(BUSY, RESPOND, fallback=FALLBACK) as (model, server):
        chosen, usage = await model.choose(PROMPT, CHOICE)

    assert chosen.model_dump() == {"action": {"kind": "Respond", "text": "hello"}}
    assert usage == Usage(model="gpt-4.1", calls=1, input=100, cached=80, output=10)
    assert [asked.body["model"] for asked in server.requests] == ["gpt-6.1-sol", "gpt-4.1"]


async def test_without_a_fallback_an_unavailable_model_is_an_error() -> None:
    async with opened(BUSY) as (model, server):
        with pytest.raises(ServiceError, match="in trouble"):
            await model.decide(PROMPT, TOOLS)

    assert len(server.requests) == 1


async def test_the_fallback_is_not_asked_when_only_a_setting_helps() -> None:
    async with opened(Fault("status", status=401), fallback=FALLBACK) as (model, server):
        with pytest.raises(SetupError, match="OPENAI_API_KEY"):
            await model.decide(PROMPT, TOOLS)

    assert len(server.requests) == 1


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


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_the_prompt_cache_finds_the_same_bytes_again(api: str) -> None:
    async with opened(LIST, LIST, api=api, choice=PLAIN) as (model, server):
        first = await model.decide(PROMPT, TOOLS)
        await model.decide(replace(PROMPT, items=(*PROMPT.items, Exchange(first, ("none",)))), TOOLS)

    one, two = server.requests
    head = one.raw.index(b"the secret plan") + len(b"the secret plan")
    assert two.raw[:head] == one.raw[:head]
    assert two.raw[two.raw.index(b'"tools":') :] == one.raw[one.raw.index(b'"tools":') :]


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Fault("incomplete"), "was too long and broke off"),
        (Fault("filtered"), r"stopped its answer \(content_filter\)"),
        (Fault("refusal", message="I will not."), "declined: I will not"),
    ],
)
async def test_half_an_answer_and_a_refusal_are_errors_in_words(api: str, answer: Fault, words: str) -> None:
    async with opened(answer, answer, api=api, choice=PLAIN, fallback=FIRST, tries=3) as (model, server):
        with pytest.raises(ServiceError, match=words):
            await model.decide(PROMPT, TOOLS)
        with pytest.raises(ServiceError, match=words):
            await model.choose(PROMPT, CHOICE)

    assert len(server.requests) == 2


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_the_usage_of_a_typed_answer_counts_every_call(api: str) -> None:
    invalid = Choose({"kind": "Respond"})
    async with opened(invalid, BUSY, RESPOND, api=api, choice=PLAIN, tries=2) as (model, server):
        _, usage = await model.choose(PROMPT, CHOICE)

    assert usage == Usage(model="gpt-4.1", calls=2, input=200, cached=160, output=20)
    assert len(server.requests) == 3


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_text_instead_of_a_typed_answer_is_asked_for_once_more(api: str) -> None:
    async with opened(Text("hello"), RESPOND, api=api, choice=PLAIN) as (model, _):
        chosen, usage = await model.choose(PROMPT, CHOICE)

    assert chosen.model_dump() == {"action": {"kind": "Respond", "text": "hello"}}
    assert usage.calls == 2


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_neither_a_prompt_nor_what_a_model_wrote_is_logged(api: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    invalid = Choose({"kind": "Respond", "message": "the secret answer"})
    broken = Fault("status", status=500, message="cannot serve: the secret plan")
    async with opened(invalid, invalid, broken, broken, LIST, api=api, choice=PLAIN, tries=2) as (model, _):
        with pytest.raises(ServiceError, match="twice gave an answer of the wrong form"):
            await model.choose(PROMPT, CHOICE)
        with pytest.raises(ServiceError, match="in trouble"):
            await model.choose(PROMPT, CHOICE)
        await model.decide(PROMPT, TOOLS)

    assert caplog.messages
    assert "secret" not in caplog.text
