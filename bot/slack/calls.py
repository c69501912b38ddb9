"""Calls of Slack's Web API, repeated where that is safe; whatever cannot be read as an answer is none.

A balancer answers with text, a connection breaks in the middle, half a JSON arrives: Slack's client raises many kinds of
errors for these, or none that says so. Here they are one: a ServiceError, "Slack did not answer."
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import Refused, ServiceError

log = logging.getLogger(__name__)
TRIES = 4
PATIENCE = 30.0  # seconds for one call, however slowly its answer drips
LONGEST = 60.0  # seconds that a call waits because Slack is busy
INVITE = "I am not in this channel. Invite me with `/invite @workings`, then try again."
SCOPE = "I lack the scope {}; an admin must reinstall me with the scopes of my manifest."
# Codes with which Slack says that it failed, not that it refused: https://docs.slack.dev/reference/methods/chat.update
_FAILED = {"fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
# Codes with which it refuses a token, whatever is asked: another one, or a scope, mends that.
_OF_TOKENS = {
    "access_denied", "account_inactive", "invalid_auth", "missing_scope", "no_permission", "not_allowed_token_type", "not_authed",
    "org_login_required", "team_access_not_granted", "token_expired", "token_revoked",
}  # fmt: skip
_WORDS = {"not_in_channel": INVITE, "channel_not_found": INVITE, "is_archived": "This channel is archived."}


class NoAnswer(ServiceError):
    """Slack did not answer, or not so that it can be read; what was asked may have been done."""

    def __init__(self, text: str = "Slack did not answer.") -> None:
        super().__init__(text)


class Busy(ServiceError):
    """Slack refused a call because there were too many; it names the seconds to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Slack is busy.")
        self.seconds = seconds


Result = TypeVar("Result")
Method = Callable[..., Awaitable[AsyncSlackResponse]]


class Calls:
    """Calls methods of Slack's client, which must repeat nothing by itself."""

    def __init__(self, *, pause: float = 0.5) -> None:
        """Wait about `pause` seconds before the second try of a call, and twice as long before each further one."""
        self._pause = pause

    async def repeat(self, method: Method, **arguments: Any) -> dict[str, Any]:
        """Call a method that may safely be called twice; raises Refused, or NoAnswer or Busy after several tries."""
        return await self.retried(partial(answer, method, **arguments), again=(NoAnswer, Busy))

    async def once(self, method: Method, **arguments: Any) -> dict[str, Any]:
        """Call a method whose effect must not happen twice; only a call that Slack was too busy for is repeated."""
        return await self.retried(partial(answer, method, **arguments), again=(Busy,))

    async def retried(self, act: Callable[[], Awaitable[Result]], *, again: tuple[type[ServiceError], ...]) -> Result:
        """Act; while that raises one of the errors `again`, wait and act anew, TRIES times in all."""
        for number in count(1):
            try:
                return await act()
            except again as error:
                await self.wait(number, error)
        raise AssertionError("unreachable: `wait` raises after the last try")

    async def wait(self, number: int, error: ServiceError) -> None:
        """Wait after try `number` failed: as long as Slack asked for, and a pause that doubles each time.

        Raises the error after the last try, or when Slack asks for more than LONGEST.
        """
        seconds = error.seconds if isinstance(error, Busy) else 0.0
        if number == TRIES or seconds > LONGEST:
            raise error
        log.info("%s Trying again.", error)
        await asyncio.sleep(seconds + self._pause * 2 ** (number - 1) * random.uniform(0.7, 1.3))


async def answer(method: Method, **arguments: Any) -> dict[str, Any]:
    """Call a method once and return its answer, an object; raises NoAnswer, Busy or Refused."""
    try:
        async with asyncio.timeout(PATIENCE):
            data = (await method(**arguments)).data
    except SlackApiError as error:
        raise parsed(error.response) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoAnswer from error
    except (AttributeError, TypeError, ValueError) as error:  # the client takes any JSON for an object
        log.warning("an answer of Slack could not be read: %s", error)
        raise NoAnswer from error
    if not isinstance(data, dict):
        raise NoAnswer
    return data


def parsed(response: object) -> NoAnswer | Refused | Busy:
    """Return what a response that was not ok says; it may be the client's object, aiohttp's, text, or anything else."""
    data = response.data if isinstance(response, AsyncSlackResponse) else response
    said = data.get("error") if isinstance(data, dict) else None
    code = said if isinstance(said, str) else ""
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        return busy(response)
    if not code or code in _FAILED:
        return NoAnswer()
    needed = data.get("needed") if isinstance(data, dict) else None
    text = SCOPE.format(needed) if needed else _WORDS.get(code, f"Slack refused ({code}).")
    return Refused(text, code, mendable=code in _OF_TOKENS)


def busy(response: object) -> Busy:
    """Return the error of a response with status 429: to wait as long as Retry-After says, 1 s where it cannot be read."""
    headers = getattr(response, "headers", None) or {}
    text = next((str(value) for name, value in headers.items() if str(name).lower() == "retry-after"), "")
    return Busy(float(text) if text.strip().isdigit() else 1.0)
