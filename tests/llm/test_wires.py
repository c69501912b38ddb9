"""Requests and answers of both wires, as pure functions."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from bot.llm.chat import ChatWire
from bot.llm.models import ModelChoice
from bot.llm.responses import ResponsesWire, cache_key
from bot.llm.service import wire_for
from bot.llm.wire import Answer, Json, Wire, alphanumeric, calls_from, clean, function_name
from bot.ports import Exchange, Input, Prompt
from bot.thread.entries import Call, Decision, Usage

CHAT, OFFICIAL, RESPONSES = ChatWire(), ChatWire(official=True), ResponsesWire()
REASONING, PLAIN, UNKNOWN = ModelChoice(model="gpt-6"), ModelChoice(model="gpt-4.1"), ModelChoice(model="qwen")
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "Look", "arguments": "{}"}


def prompt(*items: Input | Exchange) -> Prompt:
    return Prompt(agent="code_assistant", thread="T:C:1", system="You look.", items=items or (Input("Hi"),))


def response(*output: Json, **more: Any) -> Response:
    common = {"id": "a1", "object": "response", "created_at": 0, "model": "gpt-6", "status": "completed"}
    settings = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    return Response.model_validate({**common, **settings, "output": list(output), **more})


def completion(message: Json, finish: str = "stop", **more: Any) -> ChatCompletion:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": None, **message}}
    common = {"id": "a1", "object": "chat.completion", "created": 0, "model": "gpt-6", "choices": [choice]}
    return ChatCompletion.model_validate(common | more)


def called(arguments: str = "{}", **more: Any) -> Json:
    return {"id": "c1", "type": "function", "function": {"name": "Look", "arguments": arguments}, **more}


def decided(answer: Answer) -> Decision:
    return Decision(agent="code_assistant", calls=answer.calls, text=answer.text, opaque=answer.opaque)


# --- Which wire, and what a model accepts ---


@pytest.mark.parametrize(
    ("api", "base_url", "wire"),
    [
        (None, None, RESPONSES),
        (None, "http://127.0.0.1:11434/v1", CHAT),
        ("chat", None, OFFICIAL),
        ("chat", "https://eu.api.openai.com/v1", OFFICIAL),
        ("responses", "https://models.example.com/v1", RESPONSES),
    ],
)
def test_the_wire_follows_from_the_settings(api: str | None, base_url: str | None, wire: Wire) -> None:
    assert wire_for(api, base_url) == wire


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("gpt-6", "", None), ("gpt-6", "high", "high"), ("gpt-6", "none", "none"),
        ("gpt-6.1-sol", "none", "low"), ("ft:gpt-5-mini:us::1", "none", "low"), ("gpt-4.1", "high", None),
        ("qwen", "none", None), ("qwen", "high", "high"),
    ],
)  # fmt: skip
def test_an_effort_is_sent_only_to_a_model_that_accepts_it(model: str, effort: str, sent: str | None) -> None:
    assert ModelChoice(model=model, effort=effort).sent_effort == sent


# --- Requests ---


def test_a_request_of_the_responses_wire_stores_nothing_and_asks_for_the_reasoning() -> None:
    assert RESPONSES.body(prompt(), ModelChoice(model="gpt-6", effort="low")) == {
        "model": "gpt-6", "instructions": "You look.", "input": [{"role": "user", "content": "Hi"}], "store": False,
        "max_output_tokens": 32_000, "prompt_cache_key": "T:C:1", "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low"},
    }  # fmt: skip


def test_a_model_that_does_not_reason_is_asked_for_no_reasoning() -> None:
    body = RESPONSES.body(prompt(), ModelChoice(model="gpt-4.1", effort="low"))

    assert (body.get("include"), body.get("reasoning"), body["max_output_tokens"]) == (None, None, 16_384)


def test_a_request_of_the_chat_wire_has_openai_s_own_parameters_only_for_openai() -> None:
    messages = [{"role": "system", "content": "You look."}, {"role": "user", "content": "Hi"}]

    assert CHAT.body(prompt(), PLAIN) == {"model": "gpt-4.1", "messages": messages}
    assert OFFICIAL.body(prompt(), PLAIN) == {
        "model": "gpt-4.1", "messages": messages, "max_completion_tokens": 16_384, "prompt_cache_key": "T:C:1",
    }  # fmt: skip


def test_functions_are_offered_in_each_wire_s_form_and_one_must_be_called() -> None:
    schema = {"name": "Look", "description": "Look.", "parameters": {"type": "object"}}

    assert CHAT.tools([schema]) == {
        "tools": [{"type": "function", "function": schema}], "tool_choice": "required", "parallel_tool_calls": True,
    }  # fmt: skip
    assert RESPONSES.tools([schema]) == {
        "tools": [{"type": "function", **schema, "strict": False}], "tool_choice": "required", "parallel_tool_calls": True,
    }  # fmt: skip


def test_a_cache_key_has_at_most_64_ascii_characters_and_stays_the_same() -> None:
    assert cache_key("T:C:1") == "T:C:1"
    assert len(cache_key("T" * 65)) == len(cache_key("\ud800é")) == 64
    assert cache_key("T" * 65) == cache_key("T" * 65) != cache_key("T" * 66)


@pytest.mark.parametrize("wire", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_text_that_no_service_accepts_is_replaced(wire: Wire) -> None:
    call = Call(id="c1", name="Look at\x00 it", arguments='{"at": "\ud800"}')
    exchange = Exchange(Decision(agent="code_assistant", calls=(call,), text="\x00"), ("\udfff",))

    sent = json.dumps(
        wire.body(prompt(Input("\x00"), exchange), PLAIN)["messages" if wire is CHAT else "input"], ensure_ascii=False
    )

    assert sent.count("\ufffd") == 4
    assert "Look_at__it" in sent
    sent.encode()


def test_arguments_that_are_no_object_go_back_as_one_on_the_chat_wire() -> None:
    calls = tuple(Call(id=f"c{n}", name="Look", arguments=text) for n, text in enumerate(('{"a', "[1]", "", '{"a": 1}')))
    exchange = Exchange(Decision(agent="code_assistant", calls=calls), ("",) * 4)

    sent = CHAT.body(prompt(exchange), PLAIN)["messages"][1]["tool_calls"]

    arguments = [call["function"]["arguments"] for call in sent]
    assert arguments == ['{"unreadable": "{\\"a"}', '{"unreadable": "[1]"}', "{}", '{"a": 1}']


# --- Answers ---


def test_an_answer_of_the_responses_wire_is_decoded_whole() -> None:
    words = {"type": "output_text", "text": "I look.", "annotations": []}
    message = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": [words]}
    usage = {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 0}, "output_tokens": 10,
        "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 110,
    }  # fmt: skip

    answer = RESPONSES.decode(response(THOUGHT, message, CALL, usage=usage), "gpt-6")

    assert answer == Answer(
        calls=(Call(id="c1", name="Look", arguments="{}"),),
        text="I look.",
        opaque=({"type": "origin", "wire": "responses", "model": "gpt-6"}, THOUGHT, message, CALL),
        usage=Usage(model="gpt-6", calls=1, input=100, cached=80, output=10),
    )


def test_an_answer_of_the_chat_wire_is_decoded_whole() -> None:
    usage = {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 80}, "completion_tokens": 10, "total_tokens": 110}

    answer = CHAT.decode(completion({"content": "I look.", "tool_calls": [called()]}, usage=usage), "gpt-6")

    assert answer == Answer(
        calls=(Call(id="c1", name="Look", arguments="{}"),),
        text="I look.",
        usage=Usage(model="gpt-6", calls=1, input=100, cached=80, output=10),
    )
    assert CHAT.decode(completion({"content": "Uncounted."}), "gpt-6").usage == Usage()


def test_the_reasoning_of_a_whole_answer_goes_back_to_the_model_that_made_it_alone() -> None:
    decision = decided(RESPONSES.decode(response(THOUGHT, CALL), "gpt-6"))
    items = prompt(Exchange(decision, ("seen",)))
    without = [{k: v for k, v in CALL.items() if k != "id"}]
    output = [{"type": "function_call_output", "call_id": "c1", "output": "seen"}]

    assert RESPONSES.body(items, REASONING)["input"] == [THOUGHT, CALL, *output]
    assert RESPONSES.body(items, REASONING, keep_opaque=False)["input"] == without + output
    assert RESPONSES.body(items, ModelChoice(model="gpt-6.1"))["input"] == without + output


def test_an_answer_whose_call_has_no_id_goes_back_without_its_reasoning() -> None:
    answer = RESPONSES.decode(response(THOUGHT, CALL | {"call_id": ""}), "gpt-6")

    assert answer.opaque == ()
    assert [call.id for call in answer.calls] == [alphanumeric("a1_0")]


def test_what_a_provider_wants_back_goes_back_with_its_message_and_its_call() -> None:
    google = {"google": {"thought_signature": "abc"}}
    message = {"reasoning_content": "hm", "tool_calls": [called(extra_content=google), called() | {"id": "c2"}]}
    decision = decided(CHAT.decode(completion(message), "qwen"))

    sent = CHAT.body(prompt(Exchange(decision, ("one", "two"))), UNKNOWN)["messages"][1]

    assert sent == {
        "role": "assistant", "content": None, "reasoning_content": "hm",
        "tool_calls": [called(extra_content=google), called() | {"id": "c2"}],
    }  # fmt: skip
    other = CHAT.body(prompt(Exchange(decision, ("one", "two"))), PLAIN)["messages"][1]
    assert other == {"role": "assistant", "content": None, "tool_calls": [called(), called() | {"id": "c2"}]}


# --- What both share ---


def test_calls_get_an_id_when_it_is_missing_or_repeated() -> None:
    raw = [("a", "Look", "{}"), ("a", "Look", None), (None, None, {"at": 1})]

    assert calls_from(raw, "r1") == (
        Call(id="a", name="Look", arguments="{}"),
        Call(id=alphanumeric("r1_1"), name="Look", arguments=""),
        Call(id=alphanumeric("r1_2"), name="", arguments='{"at": 1}'),
    )


@pytest.mark.parametrize(
    ("name", "allowed"), [("List_files-2", "List_files-2"), ("os.listdir", "os_listdir"), ("", "unknown"), ("x" * 65, "x" * 64)]
)
def test_a_function_s_name_has_the_characters_that_services_insist_on(name: str, allowed: str) -> None:
    assert function_name(name) == allowed


def test_cleaning_reaches_every_text_and_leaves_the_rest() -> None:
    assert clean({"a": ["\x00b", ("\ud800",), 1, None]}) == {"a": ["\ufffdb", ["\ufffd"], 1, None]}
