"""The port `Model`, over either wire: decisions natively, typed answers through instructor."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import instructor
import openai
from instructor.core.exceptions import InstructorError, InstructorRetryException
from openai import AsyncOpenAI
from pydantic import BaseModel

from bot.errors import BotError, ServiceError
from bot.llm.failures import Unavailable, asked_to_wait, in_our_words, reasoning_refused
from bot.llm.models import ModelChoice
from bot.llm.retries import Patience, patiently
from bot.llm.typed import asked_of_instructor, function
from bot.llm.wire import Answer, Garbled, Json, Wire
from bot.ports import Prompt, Typed
from bot.thread.entries import Decision, Usage

log = logging.getLogger(__name__)
T = TypeVar("T")


class OpenAIModel:
    """A model behind OpenAI's API or a compatible one, and perhaps a second for when the first does not answer.

    `sleep`, `clock` (Unix time) and `chance` (0 to 1) are what waiting is made of. Prompts are never logged.
    """

    def __init__(
        self,
        client: AsyncOpenAI,
        wire: Wire,
        choice: ModelChoice,
        *,
        fallback: ModelChoice | None = None,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """The client makes no retries of its own (max_retries=0): they are counted and timed here."""
        self._client = client
        self._wire = wire
        self._choices = (choice, fallback) if fallback else (choice,)
        self._patience = patience or Patience()
        self._clock = clock
        self._sleep = sleep
        self._chance = chance

    async def decide(self, prompt: Prompt, tools: Sequence[type[BaseModel]]) -> Decision:
        """Return the model's calls among `tools`, as it wrote them."""
        offer = self._wire.tools([function(tool) for tool in tools])

        async def ask(choice: ModelChoice) -> Decision:
            _, answer = await self._answer(
                choice, lambda keep: self._wire.body(prompt, choice, keep_opaque=keep) | offer
            )
            if answer.cut != "length" or not answer.calls:  # a long call that was cut goes back to be mended
                _refuse_half(answer, choice)
            return Decision(
                agent=prompt.agent, calls=answer.calls, text=answer.text, opaque=answer.opaque, usage=answer.usage
            )

        return await self._first_that_answers(ask)

    async def choose(self, prompt: Prompt, answer: type[Typed]) -> tuple[Typed, Usage]:
        """Return one validated `answer`; an invalid one is asked for once more."""
        spent: list[Usage] = []

        async def ask(choice: ModelChoice) -> Typed:
            return await self._typed(prompt, choice, answer, spent)

        try:
            chosen = await self._first_that_answers(ask)
        except ServiceError:
            log.warning("no typed answer after %d calls, %d tokens", len(spent), sum(u.input + u.output for u in spent))
            raise
        return chosen, sum(spent, Usage())

    async def _typed(self, prompt: Prompt, choice: ModelChoice, answer: type[Typed], spent: list[Usage]) -> Typed:
        """Let instructor ask, and ask again; the conversation itself it never sees, so it cannot rewrite it."""

        async def create(*, messages: list[Json], **asked: Any) -> BaseModel:
            def body(keep: bool) -> Json:
                plain = self._wire.body(prompt, choice, keep_opaque=keep)
                return plain | {self._wire.history: plain[self._wire.history] + messages} | self._wire.forced(asked)

            raw, read = await self._answer(choice, body)
            # Instructor's own count leaves out the Responses API, and what a failed attempt cost when it raises.
            spent.append(read.usage)
            _refuse_half(read, choice)
            return raw

        patched = instructor.patch(create=create, mode=self._wire.mode)
        asking = instructor.AsyncInstructor(client=self._client, create=patched, mode=self._wire.mode)
        try:
            chosen, _ = await asking.create_with_completion(
                response_model=asked_of_instructor(answer), messages=[], max_retries=1, strict=False
            )
        except InstructorRetryException as error:
            if isinstance(error.__cause__, BotError):
                raise error.__cause__ from error.__cause__.__cause__
            raise ServiceError(
                f"The language model ({choice.model}) twice gave an answer of the wrong form."
            ) from error
        except InstructorError as error:
            raise ServiceError(f"The language model ({choice.model}) gave an answer of the wrong form.") from error
        return cast(Typed, chosen)

    async def _first_that_answers(self, ask: Callable[[ModelChoice], Awaitable[T]]) -> T:
        *others, last = self._choices
        for choice in others:
            try:
                return await ask(choice)
            except Unavailable as error:
                log.warning("%s does not answer, asking %s", choice.model, last.model, exc_info=error.__cause__)
        return await ask(last)

    async def _answer(self, choice: ModelChoice, body: Callable[[bool], Json]) -> tuple[BaseModel, Answer]:
        """Send `body(keep opaque items)` and read what comes back; raises ServiceError in our words."""
        try:
            try:
                return await self._patiently(choice, body(True))
            except openai.BadRequestError as error:
                if not reasoning_refused(error):
                    raise
                log.info("%s cannot read its reasoning any more, asking without", choice.model)
                return await self._patiently(choice, body(False))
        except (openai.OpenAIError, Garbled, TimeoutError) as error:
            wait = asked_to_wait(error, self._clock())
            raise in_our_words(error, choice, self._wire.name, wait) from error

    async def _patiently(self, choice: ModelChoice, body: Json) -> tuple[BaseModel, Answer]:
        async def ask() -> tuple[BaseModel, Answer]:
            raw = await self._wire.post(self._client, body)
            return raw, self._wire.decode(raw, choice.model)

        return await patiently(ask, self._patience, clock=self._clock, sleep=self._sleep, chance=self._chance)


def _refuse_half(answer: Answer, choice: ModelChoice) -> None:
    """Raise when what came back is a refusal or half an answer."""
    if answer.cut == "length":
        raise ServiceError(f"The answer of the language model ({choice.model}) was too long and broke off.")
    if answer.cut:
        raise ServiceError(f"The provider of the language model ({choice.model}) stopped its answer ({answer.cut}).")
    if answer.refusal and not answer.calls:
        raise ServiceError(f"The language model ({choice.model}) declined: {answer.refusal}")
