"""How long and how often one answer is waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import openai

from bot.llm.failures import asked_to_wait, passes
from bot.llm.wire import Garbled

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds, but for `tries`: pauses start at `first` and double up to `longest`, each shortened by up to a half.

    A service may ask for a pause of up to `retry_after`; one that asks for more is not asked again. No try begins
    later than `total` after the first.
    """

    timeout: float = 180.0
    tries: int = 4
    first: float = 1.0
    longest: float = 20.0
    retry_after: float = 60.0
    total: float = 300.0


async def patiently(
    ask: Callable[[], Awaitable[T]],
    patience: Patience,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    chance: Callable[[], float],
) -> T:
    """Return what `ask` returns, asking again while that may help; raises its last error."""
    began = clock()
    for number in range(1, patience.tries + 1):
        try:
            async with asyncio.timeout(patience.timeout):
                return await ask()
        except (openai.OpenAIError, Garbled, TimeoutError) as error:
            wait = asked_to_wait(error, clock())
            pause = min(patience.first * 2 ** (number - 1), patience.longest) * (1 - chance() / 2)
            pause = pause if wait is None else wait
            late = clock() + pause - began > patience.total
            if (
                not passes(error)
                or number == patience.tries
                or late
                or pause > max(patience.retry_after, patience.longest)
            ):
                raise
            log.info("asking again in %.1f s, after try %d: %s", pause, number, _brief(error))
            await sleep(pause)
    raise AssertionError("tries must be at least one")


def _brief(error: Exception) -> str:
    """The error's kind and status; its text may quote the prompt, which is never logged."""
    status = getattr(error, "status_code", "")
    return f"{type(error).__name__} {status}".strip()
