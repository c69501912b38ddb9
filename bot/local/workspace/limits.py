"""Slack's rate limits of the Web API."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.local.workspace.journal import Json


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` calls at once, `per_minute` in the long run, counted separately for each value of the `per` argument.

    `together` is a limit on the calls for all its values in one workspace, a minute.
    """

    per_minute: float
    burst: int
    per: str | None = None
    together: int = 0


TIER_1 = Rate(1, 5)  # apps.connections.open is called again on every reconnect, so Slack lets short bursts pass
TIER_2 = Rate(20, 20)
TIER_3 = Rate(50, 50)
TIER_4 = Rate(100, 100)
# Of conversations.history and of conversations.replies, for commercially distributed apps that are not in the Marketplace;
# internal apps keep tier 3: https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
ONE_A_MINUTE = Rate(1, 1)
# One a second for each channel, and several hundred a minute: https://docs.slack.dev/reference/methods/chat.postMessage
POST = Rate(60, 5, per="channel", together=300)
STATUS = Rate(60, 60, per="thread_ts")


class RateLimits:
    """A token bucket per method, and per channel or thread where Slack counts so; times are in seconds."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def wait(self, method: str, rate: Rate, arguments: Json, now: float) -> int:
        """Count a call and return 0, or the seconds to wait if it exceeds the limit."""
        if not self._enabled:
            return 0
        if rate.together and (seconds := self.wait(method, Rate(rate.together, rate.together), arguments, now)):
            return seconds
        key = (method, str(arguments.get(rate.per, "")) if rate.per else "")
        tokens, since = self._buckets.get(key, (float(rate.burst), now))
        tokens = min(rate.burst, tokens + (now - since) * rate.per_minute / 60)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return max(1, math.ceil((1 - tokens) * 60 / rate.per_minute))
        self._buckets[key] = (tokens - 1, now)
        return 0
