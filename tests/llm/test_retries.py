"""When a failed request is tried again, and after which pause."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import openai
import pytest

from bot.llm.retries import RetryPolicy, retry
from tests.llm.errors import status_error

POLICY = RetryPolicy(tries=7, first_pause=1.0, longest_pause=20.0, longest_retry_after=60.0, deadline=300.0)


class Service:
    """A service that fails with each of `failures` in turn and then answers, and a clock that moves as it is waited."""

    def __init__(self, *failures: Exception | None, seconds: float = 0.0) -> None:
        self.failures: list[Exception | None] = list(failures)
        self.seconds = seconds
        self.now = 1_000.0
        self.sent = 0
        self.pauses: list[float] = []

    async def send(self) -> str:
        self.sent += 1
        self.now += self.seconds
        await asyncio.sleep(0)
        if failure := self.failures.pop(0) if self.failures else None:
            raise failure
        return "answer"

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    async def asked(self, policy: RetryPolicy = POLICY, jitter: float = 0.0) -> str:
        return await retry(self.send, replace(policy, clock=lambda: self.now, sleep=self.sleep, jitter=lambda: jitter))


def busy(times: int, **headers: str) -> Sequence[Exception]:
    return [status_error(503, headers={k.replace("_", "-"): v for k, v in headers.items()}) for _ in range(times)]


async def test_pauses_double_up_to_the_longest() -> None:
    service = Service(*busy(6))

    assert await service.asked() == "answer"
    assert service.pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0]


async def test_jitter_shortens_a_pause_by_up_to_a_half() -> None:
    service = Service(*busy(2))

    await service.asked(jitter=1.0)

    assert service.pauses == [0.5, 1.0]


async def test_the_last_try_raises_its_failure() -> None:
    failures = busy(7)
    service = Service(*failures)

    with pytest.raises(openai.APIStatusError) as raised:
        await service.asked()

    assert raised.value is failures[6]
    assert service.sent == 7


async def test_a_failure_that_stays_is_not_tried_again() -> None:
    service = Service(status_error(401))

    with pytest.raises(openai.APIStatusError):
        await service.asked()

    assert (service.sent, service.pauses) == (1, [])


async def test_a_service_is_waited_for_as_long_as_it_asks() -> None:
    service = Service(*busy(1, Retry_After="60"))

    assert await service.asked(jitter=1.0) == "answer"
    assert service.pauses == [60.0]


async def test_a_service_that_asks_for_too_long_a_pause_is_not_asked_again() -> None:
    failures = busy(1, Retry_After="61")
    service = Service(*failures)

    with pytest.raises(openai.APIStatusError) as raised:
        await service.asked()

    assert raised.value is failures[0]
    assert (service.sent, service.pauses) == (1, [])


async def test_no_try_begins_after_the_deadline() -> None:
    service = Service(*busy(7), seconds=149.0)

    with pytest.raises(openai.APIStatusError):
        await service.asked()

    assert service.sent == 2
    assert service.pauses == [1.0]


async def test_a_try_that_hangs_is_given_up_and_made_again() -> None:
    service = Service()
    hangs = [True]

    async def send() -> str:
        if hangs.pop() if hangs else False:
            await asyncio.Event().wait()
        return await service.send()

    policy = RetryPolicy(timeout=0.01, clock=lambda: service.now, sleep=service.sleep, jitter=lambda: 0.0)
    answer = await retry(send, policy)

    assert (answer, service.pauses) == ("answer", [1.0])
