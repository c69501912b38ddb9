"""What `workings doctor` says about the models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from bot.doctor import Finding, examine_model, try_models
from bot.settings import load
from tests.wire import Calls, Choose, Fault, Next, ScriptedModel, Text

TODAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("models", "finding"),
    [
        ({"coder": None, "proxy": None, "other": "2026-11-02"}, Finding("model", True, "coder, proxy")),
        ({"coder": "2027-01-30", "proxy": None}, Finding("model", True, "coder, proxy")),
        ({"coder": "2027-01-29", "proxy": None},
         Finding("model", False, "shut down soon: coder on 2027-01-29", "Choose its successor in time.", required=False)),
        ({"proxy": "2026-11-02"}, Finding(
            "model", False, "the service does not list coder", "Set OPENAI_MODEL and OPENAI_PROXY_MODEL to models that it lists.")),
    ],
)  # fmt: skip
async def test_the_models_must_be_listed_and_stay_for_90_days(models: Mapping[str, str | None], finding: Finding) -> None:
    async with ScriptedModel([], models=models) as server:
        settings = load(openai_base_url=server.url, openai_model="coder", openai_proxy_model="proxy")

        assert await examine_model(settings, TODAY) == finding


async def test_a_key_that_the_service_refuses_is_named_with_its_setting() -> None:
    async with ScriptedModel([], key="sk-right") as server:
        found = await examine_model(load(openai_base_url=server.url, openai_api_key="sk-wrong"), TODAY)

    assert found == Finding(
        "model", False, "The language model's service refused the key: set OPENAI_API_KEY to a valid one.",
        "Without a model, `/runpy` and `workings demo` still work.",
    )  # fmt: skip


async def test_each_model_is_tried_and_what_it_cannot_do_is_said() -> None:
    calls, chooses = Calls([("ListFiles", {})]), Choose({"kind": "Respond", "text": "There are none."})
    settings = load(openai_model="coder", openai_proxy_model="proxy")
    found = []
    scripts: list[list[Next]] = [
        [calls, chooses],
        [Fault("status", status=400, message="no tool_choice here"), Text("a.csv"), Text("b"), Text("b")],
    ]
    for script in scripts:
        async with ScriptedModel(script) as server:
            found.append(await try_models(settings.model_copy(update={"openai_base_url": server.url})))

    assert [(f.ok, f.state) for f in found] == [
        (True, "called and chosen as asked"),
        (False, "coder answers in prose where it should call a tool; proxy answers in prose where it should choose; "
                "the service refuses, and is not sent: tool_choice"),
    ]  # fmt: skip
