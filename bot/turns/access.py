"""Who may ask, in which channels, and for how many tokens a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.ports import Chat, Store
from bot.thread.request import Request

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules: an empty list allows everybody or every channel, a cap of 0 is no cap; caps are tokens in 24 hours."""

    allow_external: bool = False
    users: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    user_tokens: int = 0
    team_tokens: int = 0
    contact: str = "whoever installed me here"

    async def refusal(self, request: Request, chat: Chat, store: Store, clock: Callable[[], float]) -> str:
        """Return why this request is refused, in words for the person who made it; "" when it is not."""
        if request.command is None and request.kind != "stop":
            return await self._stranger(request, chat) or await self._overspent(request, store, clock() - DAY)
        return await self._stranger(request, chat)

    async def _stranger(self, request: Request, chat: Chat) -> str:
        """Return why this person may not ask here; "" for one who may."""
        if self.users and request.user not in self.users:
            return f"I only work for the people on this workspace's list. To get on it, ask {self.contact}."
        if self.channels and request.thread.channel not in self.channels:
            return f"I may not work in this channel. Ask me in one where I may, or ask {self.contact} to add this one."
        if not self.allow_external:
            person = await chat.person(request.user)
            if request.external or person.external:
                return f"I only work for members of this workspace, not for people of other organizations. Ask {self.contact}."
            if person.guest:
                return f"I only work for full members of this workspace, not for guests. Ask {self.contact}."
        return ""

    async def _overspent(self, request: Request, store: Store, since: float) -> str:
        """Return which cap on tokens was reached since a Unix time; "" for none."""
        team, more = request.thread.team, f"Who can raise this: {self.contact}."
        if self.user_tokens and await store.spent(team, request.user, since) >= self.user_tokens:
            return (
                f"You have used your {self.user_tokens:,} tokens of the last 24 hours. `/runpy` still works: it uses none. {more}"
            )
        if self.team_tokens and await store.spent(team, None, since) >= self.team_tokens:
            return (
                f"This workspace has used its {self.team_tokens:,} tokens of the last 24 hours. `/runpy` still works: it uses none."
                f" {more}"
            )
        return ""
