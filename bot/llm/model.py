"""The port `Model` over either wire: tool calls natively, typed answers through instructor."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel

from bot.errors import ServiceError
from bot.llm.failures import FAILURES, Unavailable, reasoning_refused, retry_after, translate
from bot.llm.models import ModelChoice
from bot.llm.retries import RetryPolicy, retry
from bot.llm.typed import ask_typed, function
from bot.llm.wire import Answer, Json, Wire
from bot.ports import Prompt, Typed
from bot.thread.entries import Decision, Usage

log = logging.getLogger(__name__)
T = TypeVar("T")
Ask = Callable[[ModelChoice, bool], Awaitable[T]]  # the flag: whether the model's own opaque items are sent back to it


class OpenAIModel:
    """A model with a fallback that is asked when the first is unavailable; prompts are never logged."""

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

    async def decide(self, prompt: Prompt, tools: Sequence[type[BaseModel]]) -> Decision:
        offer = self._wire.tools([function(tool) for tool in tools])

        async def ask(choice: ModelChoice, keep_opaque: bool) -> Decision:
            _, answer = await self._send(self._wire.body(prompt, choice, keep_opaque=keep_opaque) | offer)
            if answer.cut != "length" or not answer.calls:  # a call that was cut goes on: the model gets its error
                _require_whole(answer, choice)
            return Decision(agent=prompt.agent, calls=answer.calls, text=answer.text, opaque=answer.opaque, usage=answer.usage)

        return await self._ask(ask)

    async def choose(self, prompt: Prompt, answer: type[Typed]) -> tuple[Typed, Usage]:
        spent: list[Usage] = []

        async def ask(choice: ModelChoice, keep_opaque: bool) -> Typed:
            async def send(body: Json) -> BaseModel:
                raw, decoded = await self._send(body)
                # Counted here, because instructor's total omits the Responses API and the calls before an error.
                spent.append(decoded.usage)
                _require_whole(decoded, choice)
                return raw

            body = self._wire.body(prompt, choice, keep_opaque=keep_opaque)
            return await ask_typed(self._client, self._wire, body, answer, send)

        try:
            chosen = await self._ask(ask)
        except ServiceError:
            log.warning("no typed answer after %d calls, %d tokens", len(spent), sum(u.tokens for u in spent))
            raise
        return chosen, sum(spent, Usage())

    async def _ask(self, ask: Ask[T]) -> T:
        """Return what the first model answers, or the fallback when that one is unavailable."""
        fallback = self._fallback
        try:
            return await self._ask_one(self._choice, ask)
        except Unavailable as error:
            if fallback is None:
                raise
            log.warning("%s is unavailable, asking %s", self._choice.model, fallback.model, exc_info=error.__cause__)
        return await self._ask_one(fallback, ask)

    async def _ask_one(self, choice: ModelChoice, ask: Ask[T]) -> T:
        """Return what one model answers; if it refuses its earlier reasoning, ask without that. Raises ServiceError."""
        try:
            try:
                return await ask(choice, True)
            except openai.BadRequestError as error:
                if not reasoning_refused(error):
                    raise
                log.info("%s cannot read its reasoning any more, asking without", choice.model)
                return await ask(choice, False)
        except FAILURES as error:
            raise translate(error, choice, self._wire.name, retry_after(error, self._retries.clock())) from error

    async def _send(self, body: Json) -> tuple[BaseModel, Answer]:
        """Return the raw and the decoded answer to a request, retried by the policy."""

        async def send() -> tuple[BaseModel, Answer]:
            raw = await self._wire.post(self._client, body)
            return raw, self._wire.decode(raw, body["model"])

        return await retry(send, self._retries)


def _require_whole(answer: Answer, choice: ModelChoice) -> None:
    """Raise ServiceError if the answer was cut or is a refusal."""
    if answer.cut == "length":
        raise ServiceError(f"The answer of the language model ({choice.model}) was too long and broke off.")
    if answer.cut:
        raise ServiceError(f"The provider of the language model ({choice.model}) stopped its answer ({answer.cut}).")
    if answer.refusal and not answer.calls:
        raise ServiceError(f"The language model ({choice.model}) declined: {answer.refusal}")
