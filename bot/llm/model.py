"""The port `Model` over either wire: what is asked again, what is left out, and what is read from an answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel

from bot.errors import ServiceError
from bot.llm.failures import FAILURES, Unavailable, reasoning_refused, retry_after, translate
from bot.llm.models import ModelChoice
from bot.llm.reading import read
from bot.llm.retries import RetryPolicy, retry
from bot.llm.spared import refused_in, without
from bot.llm.typed import ask_typed, function
from bot.llm.wire import Answer, Json, Wire, estimated
from bot.ports import Exchange, Input, Prompt, Typed
from bot.thread.entries import Decision, Usage

log = logging.getLogger(__name__)


class Unfit(Unavailable):
    """The model answered, but with nothing to go on with; asked again, it or another model may do better."""


class OpenAIModel:
    """A model with a fallback that is asked when the first is unavailable; prompts are never logged.

    What its service refused and an answer can do without is left out of every later request to that model.
    """

    def __init__(
        self, client: AsyncOpenAI, wire: Wire, choice: ModelChoice, *, fallback: ModelChoice | None = None,
        retries: RetryPolicy | None = None,
    ) -> None:  # fmt: skip
        """Take a client that does not retry by itself (max_retries=0)."""
        self._client = client
        self._wire = wire
        self._choice = choice
        self._fallback = fallback
        self._retries = retries or RetryPolicy()
        self._spared: dict[str, frozenset[str]] = {}

    @property
    def spared(self) -> frozenset[str]:
        """What the service of the model, or of its fallback, was found to refuse."""
        return frozenset().union(*self._spared.values())

    async def decide(self, prompt: Prompt, tools: Sequence[type[BaseModel]]) -> Decision:
        spent: list[Usage] = []
        said = await self._answer(prompt, tools, spent)
        return Decision(agent=prompt.agent, calls=said.calls, text=said.text, opaque=said.opaque, usage=sum(spent, Usage()))

    async def choose(self, prompt: Prompt, answer: type[Typed]) -> tuple[Typed | str, Usage]:
        spent: list[Usage] = []

        async def ask(more: tuple[Exchange | Input, ...]) -> Answer:
            return await self._answer(replace(prompt, items=(*prompt.items, *more)), [answer], spent)

        return await ask_typed(answer, ask), sum(spent, Usage())

    async def _answer(self, prompt: Prompt, tools: Sequence[type[BaseModel]], spent: list[Usage]) -> Answer:
        """Return an answer: an unfit one is asked for again with less effort, then the fallback is asked; all paid is `spent`."""
        failed: ServiceError | None = None
        for choice in filter(None, (self._choice, self._choice.eased, self._fallback)):
            if failed and not isinstance(failed, Unfit) and choice is not self._fallback:
                continue  # it was asked often enough
            try:
                return read(await self._answer_of(choice, prompt, tools, spent), tools)
            except Unavailable as error:
                log.warning("%s gave no answer to go on with", choice.model)  # the cause may quote the prompt
                failed = error
            except ServiceError as error:
                failed = error
                break
        assert failed is not None
        failed.usage = sum(spent, Usage())
        raise failed

    async def _answer_of(self, choice: ModelChoice, prompt: Prompt, tools: Sequence[type[BaseModel]], spent: list[Usage]) -> Answer:
        """Return one model's answer, without what its service refuses; raises ServiceError."""
        offer = self._wire.tools([function(tool) for tool in tools])
        keep_opaque = True
        while True:
            spared = self._spared.get(choice.model, frozenset())
            body = without(self._wire.body(prompt, choice, keep_opaque=keep_opaque) | offer, spared)
            try:
                answer = await retry(partial(self._sent, body), self._retries)
            except FAILURES as error:
                refused = refused_in(error, body) if isinstance(error, openai.APIStatusError) else frozenset()
                if keep_opaque and reasoning_refused(error):
                    log.info("%s cannot read its reasoning any more, asking without", choice.model)
                    keep_opaque = False
                elif refused - spared:
                    log.warning("%s refuses %s, asking without from now on", choice.model, ", ".join(sorted(refused)))
                    self._spared[choice.model] = spared | refused
                else:
                    raise translate(error, choice, self._wire.name, retry_after(error, self._retries.clock())) from error
                continue
            spent.append(answer.usage if answer.usage.calls else estimated(body, answer))
            _require_fit(answer, choice)
            return answer

    async def _sent(self, body: Json) -> Answer:
        return self._wire.decode(await self._wire.post(self._client, body), body["model"])


def _require_fit(answer: Answer, choice: ModelChoice) -> None:
    """Raise Unfit if the answer was cut, is a refusal, or is empty; a call that was cut goes on: the model gets its error."""
    if answer.cut == "length" and not answer.calls:
        raise Unfit(f"The answer of the language model ({choice.model}) was too long and broke off.")
    if answer.cut and answer.cut != "length":
        raise Unfit(f"The provider of the language model ({choice.model}) stopped its answer ({answer.cut}).")
    if answer.refusal and not answer.calls:
        raise Unfit(f"The language model ({choice.model}) declined: {answer.refusal}")
    if not (answer.calls or answer.text.strip()):
        raise Unfit(f"The language model ({choice.model}) gave an empty answer. Please ask again, perhaps in other words.")
