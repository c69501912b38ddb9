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


@pytest.mark.parametrize(
    ("failures", "jitter", "pauses"),
    [
        pytest.param(busy(6), 0.0, [1.0, 2.0, 4.0, 8.0, 16.0, 20.0], id="pauses double up to the longest"),
        pytest.param(busy(2), 1.0, [0.5, 1.0], id="jitter shortens a pause by up to a half"),
        pytest.param(busy(1, Retry_After="60"), 1.0, [60.0], id="a service is waited for as long as it asks"),
    ],
)
async def test_a_failed_request_is_made_again_after_a_pause(failures: list[Exception], jitter: float, pauses: list[float]) -> None:
    service = Service(*failures)

    assert await service.asked(jitter=jitter) == "answer"
    assert service.pauses == pauses


@pytest.mark.parametrize(
    ("failures", "seconds", "pauses"),
    [
        pytest.param(busy(7), 0.0, [1.0, 2.0, 4.0, 8.0, 16.0, 20.0], id="the last try"),
        pytest.param([status_error(401)], 0.0, [], id="a failure that stays"),
        pytest.param(busy(1, Retry_After="61"), 0.0, [], id="too long a pause is asked for"),
        pytest.param(busy(7), 149.0, [1.0], id="no try begins after the deadline"),
    ],
)
async def test_where_no_further_try_is_made_the_failure_is_raised(
    failures: list[Exception], seconds: float, pauses: list[float]
) -> None:
    service = Service(*failures, seconds=seconds)

    with pytest.raises(openai.APIStatusError) as raised:
        await service.asked()

    assert raised.value is failures[len(pauses)]
    assert (service.sent, service.pauses) == (len(pauses) + 1, pauses)


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
