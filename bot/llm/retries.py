"""Retries of one request: exponential backoff with jitter, within a deadline, and as the service asks."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.llm.failures import FAILURES, is_transient, retry_after

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often one answer is asked for, and how long it is waited for; all in seconds but `tries`.

    Pauses start at `first_pause` and double up to `longest_pause`, each shortened by a random part of up to a half. A service
    may ask for a pause of its own of up to `longest_retry_after`; one that asks for more is not asked again. No try begins
    later than `deadline` after the first, and each is given up after `timeout`. `clock` is Unix time, `jitter` from 0 to 1.
    """

    timeout: float = 180.0
    tries: int = 6
    first_pause: float = 1.0
    longest_pause: float = 20.0
    longest_retry_after: float = 60.0
    deadline: float = 300.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    def pause(self, number: int, requested: float | None) -> float | None:
        """Return the pause after try `number`, or None to give up: `requested` is Retry-After."""
        if number >= self.tries:
            return None
        if requested is not None:
            return requested if requested <= self.longest_retry_after else None
        return float(min(self.first_pause * 2 ** (number - 1), self.longest_pause) * (1 - self.jitter() / 2))


async def retry(send: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """Return what `send` returns, trying again after transient failures; raises the last failure."""
    started = policy.clock()
    number = 0
    while True:
        number += 1
        try:
            async with asyncio.timeout(policy.timeout):
                return await send()
        except FAILURES as error:
            pause = policy.pause(number, retry_after(error, policy.clock())) if is_transient(error) else None
            if pause is None or policy.clock() + pause - started > policy.deadline:
                raise
            kind = f"{type(error).__name__} {getattr(error, 'status_code', '')}"  # its text may quote the prompt
            log.info("asking again in %.1f s, after try %d: %s", pause, number, kind)
            await policy.sleep(pause)
