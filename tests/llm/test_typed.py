"""Tools as functions, and the typed answers that instructor asks for."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from bot.agents.code_assistant import TOOLS
from bot.errors import ServiceError
from bot.llm.chat import ChatWire
from bot.llm.models import ModelChoice
from bot.llm.responses import ResponsesWire
from bot.llm.service import open_client
from bot.llm.typed import DEMANDS, ask_typed, function
from bot.llm.wire import Garbled, Json, Wire, clean
from bot.ports import Exchange, Input, Prompt
from bot.thread.entries import Call, Decision
from tests.llm.test_wires import CALL, completion, response


class Walk(BaseModel):
    """Go on foot."""

    kind: Literal["walk"]
    km: int = Field(ge=1)


class Ride(BaseModel):
    """Take the train."""

    kind: Literal["ride"]


class Trip(BaseModel):
    """How to get there."""

    way: Annotated[Walk | Ride, Field(discriminator="kind")]


def test_a_tool_becomes_a_function_with_its_name_its_docstring_and_its_fields() -> None:
    assert function(Walk) == {
        "name": "Walk",
        "description": "Go on foot.",
        "parameters": {
            "type": "object",
            "properties": {
                "kind": {"const": "walk", "title": "Kind", "type": "string"},
                "km": {"minimum": 1, "title": "Km", "type": "integer"},
            },
            "required": ["kind", "km"],
        },
    }


def test_a_discriminated_union_is_an_any_of() -> None:
    parameters = function(Trip)["parameters"]

    assert parameters["properties"] == {"way": {"anyOf": [{"$ref": "#/$defs/Walk"}, {"$ref": "#/$defs/Ride"}], "title": "Way"}}


@pytest.mark.parametrize("tool", TOOLS)
def test_no_tool_of_ours_needs_a_word_that_some_service_refuses(tool: type[BaseModel]) -> None:
    assert {"oneOf", "discriminator"}.isdisjoint(keys(function(tool)))
    assert function(tool)["name"] == tool.__name__


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from keys(inner)


CHAT, RESPONSES = ChatWire(), ResponsesWire()
MODEL = ModelChoice(model="gpt-6")
RIGHT = '{"way": {"kind": "ride"}}'


def answer(wire: Wire, arguments: str) -> BaseModel:
    """Return the answer of a service whose model calls Trip with these arguments."""
    if wire is CHAT:
        call = {"id": "c1", "type": "function", "function": {"name": "Trip", "arguments": arguments}}
        return completion({"tool_calls": [call]}, finish="tool_calls")
    return response(CALL | {"name": "Trip", "arguments": arguments})


class Service:
    """A service that gives its answers, or fails with them, in turn."""

    def __init__(self, wire: Wire, *answers: str | Exception) -> None:
        self.wire = wire
        self.answers = list(answers)
        self.bodies: list[Json] = []

    async def send(self, body: Json) -> BaseModel:
        self.bodies.append(json.loads(json.dumps(body)))
        next_answer = self.answers.pop(0)
        if isinstance(next_answer, Exception):
            raise next_answer
        return answer(self.wire, next_answer)

    async def ask(self, *items: Input | Exchange) -> Trip:
        prompt = Prompt(agent="user_proxy", thread="T:C:1", system="You travel.", items=items or (Input("Go"),))
        async with open_client(api_key="sk-test") as client:
            return await ask_typed(client, self.wire, self.wire.body(prompt, MODEL), Trip, self.send)


@pytest.fixture(params=[CHAT, RESPONSES], ids=["chat", "responses"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param  # type: ignore[no-any-return]


async def test_the_conversation_is_sent_as_it_is_with_the_demand_for_one_call(wire: Wire) -> None:
    service = Service(wire, RIGHT)
    prompt = Prompt(agent="user_proxy", thread="T:C:1", system="You travel.", items=(Input("Go {{ now }}"), Input("!")))
    body = wire.body(prompt, MODEL)

    trip = await service.ask(*prompt.items)

    assert trip.model_dump() == {"way": {"kind": "ride"}}
    [sent] = service.bodies
    assert {key: sent[key] for key in body} == body
    added = {key: sent[key] for key in sent.keys() - body.keys()}
    tool = added.pop("tools")[0]
    assert "oneOf" not in keys(tool)
    if wire is CHAT:
        assert tool["function"]["name"] == "Trip"
        assert added == {"tool_choice": {"type": "function", "function": {"name": "Trip"}}}
    else:
        assert (tool["name"], tool["strict"]) == ("Trip", False)
        assert added == {"tool_choice": {"type": "function", "name": "Trip"}, "parallel_tool_calls": False}


@pytest.mark.parametrize("known", [False, True])
async def test_an_invalid_answer_is_corrected_once_behind_the_same_conversation(wire: Wire, known: bool) -> None:
    DEMANDS.clear()
    if known:  # how to ask for it
        await Service(wire, RIGHT).ask()
    decision = Decision(agent="user_proxy", calls=(Call(id="c0", name="Look", arguments="{}"),))
    service = Service(wire, '{"way": {"kind": "walk", "km": 0}}', RIGHT)

    trip = await service.ask(Input("Go"), Exchange(decision, ("a station",)), Input("And now?"))

    assert trip.model_dump() == {"way": {"kind": "ride"}}
    first, second = service.bodies
    said = first[wire.history]
    assert second[wire.history][: len(said)] == said
    assert "greater than or equal to 1" in second[wire.history][-1]["content"]
    assert {**second, wire.history: said} == first


@pytest.mark.parametrize("failure", [ServiceError("It declined."), Garbled("no output"), TimeoutError()])
async def test_what_fails_a_call_comes_out_as_it_was_raised(wire: Wire, failure: Exception) -> None:
    failure.__cause__ = cause = ValueError("why")
    service = Service(wire, failure)

    with pytest.raises(type(failure)) as raised:
        await service.ask()

    assert raised.value is failure
    assert raised.value.__cause__ is cause
    assert len(service.bodies) == 1


async def test_a_correction_is_cleaned_of_what_no_service_accepts(wire: Wire) -> None:
    service = Service(wire, '{"way": "\x00"}', RIGHT)

    await service.ask()

    assert clean(service.bodies[1]) == service.bodies[1]
