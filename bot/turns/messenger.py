"""What a thread sees of its open turn: the status line, the turn's one message, its answer, and notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from pydantic import TypeAdapter

from bot.agents.replies import footer, with_notes
from bot.errors import Refused, ServiceError
from bot.ports import Chat, Uploaded
from bot.thread.conversation import USER_PROXY, Decide, Deliver
from bot.thread.entries import Delivery, Notice, Reply
from bot.thread.request import ThreadId
from bot.turns.bundle import bundled
from bot.turns.open_turn import OpenTurn
from bot.turns.progress import tasks

log = logging.getLogger(__name__)
_UPLOADED = TypeAdapter(Uploaded)
REFUSALS = 3  # of posts of one turn, after which there is no place for its answer
DIED = (
    "I was ended twice in the middle of this, perhaps by the task itself. I keep trying, alone and ever more rarely, until it is"
    " done. “stop” ends it."
)


class Messenger:
    """Posts what a thread sees of its open turn; the intent of every post is appended before the post is tried."""

    def __init__(self, chat: Chat, *, tries: int = 1_000, renewal: float = 60.0) -> None:
        """Try one post at most `tries` times, a week at the longest rests; renew a status every `renewal` seconds.

        Slack clears a status after two minutes.
        """
        self._chat = chat
        self._tries = tries
        self._refusals: dict[ThreadId, int] = {}  # of the open turns
        self._renewal = renewal

    async def gave_up(self, turn: OpenTurn) -> bool:
        """Return whether posts of the turn failed or were refused too often; if so, settle it without an answer."""
        if max(map(turn.tries, ("open", "reply", "notice"))) < self._tries and self._refusals.get(turn.thread, 0) < REFUSALS:
            return False
        log.error("gave up on posting in the thread")
        await turn.append(Delivery(intent="reply", turn=turn.name, result="never delivered"))
        await self.wind_up(turn)
        return True

    async def show(self, turn: OpenTurn) -> None:
        """Show the plan in the turn's one message; a question not addressed to us shows nothing until a specialist has it."""
        conversation, opening = turn.conversation, turn.conversation.opening
        if conversation.reading:
            await self._chat.status(turn.thread, f"is reading {conversation.data[0]}…")
            return
        if conversation.next == Decide(USER_PROXY) and not (opening and opening.direct):
            return
        plan = tasks(conversation)
        if turn.title != plan[-1].title:
            turn.title = plan[-1].title
            await self._status(turn)
        if turn.ts is None or not turn.stands:
            await self._try(turn, "open", lambda again: self._chat.open(turn.thread, turn.name, again=again))
        elif not isinstance(conversation.next, Deliver):
            await self._chat.show(turn.thread, turn.ts, plan)

    async def deliver(self, turn: OpenTurn, reply: Reply) -> None:
        """Edit the turn's message into the answer, and upload its files."""

        async def post(again: bool) -> str:
            assert turn.ts is not None
            signed = replace(with_notes(reply, turn.conversation), footer=footer(turn.conversation, turn.seconds()))
            return await self._deliver(turn, turn.name, turn.ts, signed, again) or "delivered"

        await self._try(turn, "reply", post)

    async def notify(self, turn: OpenTurn, notice: Notice) -> None:
        """Show a notice in a message of its own."""
        name = f"{turn.name}:notice"

        async def post(again: bool) -> str:
            ts = await self._chat.open(turn.thread, name, again=again)
            return await self._deliver(turn, name, ts, Reply(text=notice.text, files=notice.files), again) or "shown"

        await self._try(turn, "notice", post)

    async def _deliver(self, turn: OpenTurn, name: str, ts: str, reply: Reply, again: bool) -> str:
        """Turn a message into a reply with its files; return "" or what could not be delivered."""
        entries = turn.conversation.turn
        record = next((e.result for e in entries if isinstance(e, Delivery) and (e.intent, e.turn) == ("files", name)), None)
        sent = _UPLOADED.validate_json(record) if record else None

        async def keep(uploaded: Uploaded) -> None:
            await turn.append(Delivery(intent="files", turn=name, result=_UPLOADED.dump_json(uploaded).decode()))

        there = {f.name: f for f in await turn.sandbox.list()}
        async with bundled([there[n] for n in reply.files if n in there], turn.sandbox) as (files, others):
            reply = replace(reply, text="\n\n".join(filter(None, [reply.text, others])))
            return await self._chat.deliver(turn.thread, name, ts, reply, files, again=again, sent=sent, keep=keep)

    async def tell_of_deaths(self, turn: OpenTurn, asked: str) -> None:
        """Say once, in a message of its own, that the process died twice in the turn that was asked for at ts `asked`."""
        if any(isinstance(e, Delivery) and e.intent == "died" for e in turn.conversation.turn):
            return
        await turn.append(Delivery(intent="died", turn=asked))  # before it is said: twice would be worse than never
        name = f"{asked}:died"
        try:
            ts = await self._chat.open(turn.thread, name, again=False)
            await self._chat.deliver(turn.thread, name, ts, Reply(text=DIED), (), again=False)
        except ServiceError as error:
            log.warning("what happened could not be said: %s", error)

    async def take_back(self, turn: OpenTurn) -> None:
        """Delete the message of a turn that is about to be settled without an answer; afterwards nobody would."""
        if turn.ts is not None:
            await turn.append(Delivery(intent="open", turn=turn.name))  # a turn that goes on after all opens again
            await self._chat.remove(turn.thread, turn.ts)

    async def wind_up(self, turn: OpenTurn) -> None:
        """Clear the status of a settled turn."""
        turn.title = ""
        self._refusals.pop(turn.thread, None)
        await self._chat.status(turn.thread, "")

    @asynccontextmanager
    async def keeping_status(self, turn: OpenTurn) -> AsyncIterator[None]:
        """Renew the status regularly until the block ends."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._renewal)
                if turn.title:
                    await self._status(turn)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _status(self, turn: OpenTurn) -> None:
        """Set the status; Slack shows it after the bot's name: “Workings is running plot.py…”."""
        await self._chat.status(turn.thread, f"is {turn.title[0].lower()}{turn.title[1:]}…")

    async def _try(
        self, turn: OpenTurn, intent: Literal["open", "reply", "notice"], post: Callable[[bool], Awaitable[str]]
    ) -> None:
        """Append the intent, post, append the result; `post` is told whether an earlier try may have succeeded."""
        again = turn.tries(intent) > 0 or turn.tries("open") > 1  # of a message tried twice, two may stand there
        await turn.append(Delivery(intent=intent, turn=turn.name))
        try:
            result = await post(again)
        except Refused as error:
            if not error.mendable:
                self._refusals[turn.thread] = self._refusals.get(turn.thread, 0) + 1
            raise
        await turn.append(Delivery(intent=intent, turn=turn.name, result=result))
