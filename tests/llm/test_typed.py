"""Tools as functions, and the typed answers that instructor asks for."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from bot.agents.code_assistant import TOOLS
from bot.llm.typed import ask_typed, function
from bot.llm.wire import Answer
from bot.ports import Exchange, Input
from bot.thread.entries import Call


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
            "properties": {"kind": {"enum": ["walk"], "type": "string"}, "km": {"type": "integer"}},
            "required": ["kind", "km"],
        },
    }


def test_a_union_is_one_object_with_the_fields_of_all() -> None:
    kind = {"enum": ["walk", "ride"], "type": "string"}
    way = {"type": "object", "properties": {"kind": kind, "km": {"type": "integer"}}, "required": ["kind"]}

    assert function(Trip)["parameters"] == {"type": "object", "properties": {"way": way}, "required": ["way"]}


@pytest.mark.parametrize("tool", TOOLS)
def test_no_tool_of_ours_needs_a_word_that_some_service_refuses(tool: type[BaseModel]) -> None:
    refused = {"anyOf", "oneOf", "discriminator", "$ref", "$defs", "const", "title", "additionalProperties", "minLength"}
    assert refused.isdisjoint(keys(function(tool)))
    assert function(tool)["name"] == tool.__name__


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from keys(inner)


def called(arguments: str, name: str = "Trip") -> Answer:
    return Answer(calls=(Call(id="c1", name=name, arguments=arguments),), opaque=({"type": "reasoning"},))


async def asked(*answers: Answer) -> tuple[Trip | str, list[tuple[Exchange | Input, ...]]]:
    """What is made of these answers, and what was to be mended at each call."""
    told: list[tuple[Exchange | Input, ...]] = []

    async def ask(more: tuple[Exchange | Input, ...]) -> Answer:
        told.append(more)
        return answers[len(told) - 1]

    return await ask_typed(Trip, ask), told


async def test_an_invalid_answer_goes_back_whole_with_what_is_wrong_and_is_asked_for_once_more() -> None:
    ride = Trip.model_validate({"way": {"kind": "ride"}})
    right = called(ride.model_dump_json())

    trip, [_, mend] = await asked(called('{"way": {"kind": "walk", "km": 0}}'), right)
    same, [_, nudge] = await asked(Answer(text="By train."), right)

    assert isinstance(trip, Trip)
    assert isinstance(same, Trip)
    assert trip.model_dump() == same.model_dump() == ride.model_dump()
    exchange = mend[0]
    assert isinstance(exchange, Exchange)
    assert (len(mend), exchange.decision.opaque) == (1, ({"type": "reasoning"},))
    assert "greater than or equal to 1" in exchange.results[0]
    assert isinstance(nudge[1], Input)
    assert "one valid call of Trip" in nudge[1].text


async def test_prose_in_place_of_two_answers_is_returned() -> None:
    said, told = await asked(Answer(text="By train."), called("{"))

    assert (said, len(told)) == ("By train.", 2)
    assert (await asked(called("{"), called("{")))[0] == ""
