"""Who people are, from `users.info`, which is asked once an hour for each."""

from __future__ import annotations

import time

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused, ServiceError
from bot.ports import Person
from bot.slack.calls import Calls, NoAnswer

HOUR = 3600.0
MOST = 10_000  # people who are remembered


class People:
    """People by their ids."""

    def __init__(self, client: AsyncWebClient, calls: Calls) -> None:
        self._client = client
        self._calls = calls
        self._known: dict[str, tuple[float, Person]] = {}

    async def person(self, user: str) -> Person:
        """Return who this is; raises ServiceError when Slack does not say."""
        asked, person = self._known.get(user, (0.0, None))
        if person is None or time.monotonic() - asked > HOUR:
            if len(self._known) > MOST:
                self._known.clear()
            person = await self._ask(user)
            self._known[user] = time.monotonic(), person
        return person

    async def _ask(self, user: str) -> Person:
        try:
            info = (await self._calls.repeat(self._client.users_info, user=user)).get("user")
        except Refused as error:
            if error.code == "user_not_found":
                return Person(user=user, external=True)
            raise ServiceError(f"Slack does not tell me who you are ({error.code}).") from error
        if not isinstance(info, dict):
            raise NoAnswer
        profile = given if isinstance(given := info.get("profile"), dict) else {}
        return Person(
            user=user, name=str(profile.get("display_name") or profile.get("real_name") or info.get("name") or ""),
            external=bool(info.get("is_stranger")), guest=bool(info.get("is_restricted") or info.get("is_ultra_restricted")),
            bot=bool(info.get("is_bot")),
        )  # fmt: skip
