"""What a thread sees of its open turn: the status line, the turn's one message, its answer, and notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from bot.agents.replies import footer
from bot.ports import Attachment, Chat
from bot.thread.conversation import USER_PROXY, Decide, Deliver
from bot.thread.entries import Delivery, Notice, Reply
from bot.thread.files import FileName
from bot.turns.open_turn import OpenTurn
from bot.turns.progress import tasks

log = logging.getLogger(__name__)


class Messenger:
    """Speaks for open turns in their threads; every post is tried with its intent on record first."""

    def __init__(self, chat: Chat, *, tries: int = 60, renewal: float = 60.0) -> None:
        """`tries` bounds how often one post is tried.

        A status is said again every `renewal` seconds: Slack takes it away after two minutes without a message.
        """
        self._chat = chat
        self._tries = tries
        self._renewal = renewal

    async def gave_up(self, turn: OpenTurn) -> bool:
        """Settle a turn whose posts have failed too often; return whether this one's have."""
        if max(map(turn.tries, ("open", "reply", "notice"))) < self._tries:
            return False
        log.error("gave up on posting in the thread")
        await turn.append(Delivery(intent="reply", turn=turn.name, result="never delivered"))
        return True

    async def show(self, turn: OpenTurn) -> None:
        """Show what is being done, in the turn's one message; what was overheard shows only once it is worked on."""
        conversation, opening = turn.conversation, turn.conversation.opening
        if conversation.reading:
            await self._chat.status(turn.thread, f"is reading {conversation.logs[0]}…")
            return
        if conversation.next == Decide(USER_PROXY) and not (opening and opening.direct):
            return
        plan = tasks(conversation)
        if turn.title != plan[-1].title:
            turn.title = plan[-1].title
            await self._status(turn)
        if turn.ts is None:
            await self._try(turn, "open", lambda again: self._chat.open(turn.thread, turn.name, again=again))
        elif not isinstance(conversation.next, Deliver):
            await self._chat.show(turn.thread, turn.ts, plan)

    async def deliver(self, turn: OpenTurn, reply: Reply) -> None:
        """Turn the turn's message into the answer, with its files."""

        async def post(again: bool) -> str:
            assert turn.ts is not None
            signed = replace(reply, footer=footer(turn.conversation, turn.seconds()))
            files = await _attachments(turn, reply.files)
            problem = await self._chat.deliver(turn.thread, turn.name, turn.ts, signed, files, again=again)
            return problem or "delivered"

        await self._try(turn, "reply", post)

    async def notify(self, turn: OpenTurn, notice: Notice) -> None:
        """Show a notice in a message of its own."""
        name = f"{turn.name}:notice"

        async def post(again: bool) -> str:
            ts = await self._chat.open(turn.thread, name, again=again)
            files = await _attachments(turn, notice.files)
            problem = await self._chat.deliver(turn.thread, name, ts, Reply(text=notice.text), files, again=again)
            return problem or "shown"

        await self._try(turn, "notice", post)

    async def take_back(self, turn: OpenTurn) -> None:
        """Remove the message of a turn that is about to be settled without an answer: once settled, nobody would."""
        if turn.ts is not None:
            await self._chat.remove(turn.thread, turn.ts)

    async def wind_up(self, turn: OpenTurn) -> None:
        """Take away the status of a settled turn."""
        await self._chat.status(turn.thread, "")
        turn.restart_clock()

    @asynccontextmanager
    async def keeping_status(self, turn: OpenTurn) -> AsyncIterator[None]:
        """Renew the status of what is being done until the block ends."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._renewal)
                if turn.title and turn.conversation.next is not None:
                    await self._status(turn)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _status(self, turn: OpenTurn) -> None:
        """Say what is being done, as Slack words it behind our name."""
        await self._chat.status(turn.thread, f"is {turn.title[0].lower()}{turn.title[1:]}…")

    async def _try(
        self, turn: OpenTurn, intent: Literal["open", "reply", "notice"], post: Callable[[bool], Awaitable[str]]
    ) -> None:
        """Record the intent, post, record the result; `post` is told whether an earlier try may have got through."""
        again = turn.tries(intent) > 0
        await turn.append(Delivery(intent=intent, turn=turn.name))
        result = await post(again)
        await turn.append(Delivery(intent=intent, turn=turn.name, result=result))


async def _attachments(turn: OpenTurn, names: Sequence[FileName]) -> list[Attachment]:
    sizes = {f.name: f.size for f in await turn.sandbox.list()}
    return [Attachment(name=n, size=sizes[n], chunks=turn.sandbox.open(n)) for n in names if n in sizes]
