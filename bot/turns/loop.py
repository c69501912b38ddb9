"""The one loop: accept, claim, load, decide, act, append, deliver, resume."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar

from bot.agents.prompts import EDITED
from bot.agents.replies import account
from bot.errors import Lost, ServiceError
from bot.ports import Claim, Sandboxes, Store
from bot.thread.conversation import Decide, Deliver, Judge, Perform, Show
from bot.thread.entries import Delivery, Reply, Stopped, UserMessage
from bot.thread.request import Request, ThreadId
from bot.turns.group_chat import GroupChat
from bot.turns.intake import Intake
from bot.turns.messenger import Messenger
from bot.turns.open_turn import OpenTurn
from bot.turns.scheduler import Scheduler
from bot.turns.triage import Action, Drop, Steer, Stop, Take, Withdraw, triage

log = logging.getLogger(__name__)
current_thread: ContextVar[str] = ContextVar("current_thread", default="-")

MAX_CRASHES = 3
SORRY = "I am sorry: something went wrong on my side, and I could not finish this. It has been logged. Please ask again."


class Turns:
    """Runs turns: one at a time per thread, many threads at once."""

    def __init__(
        self,
        store: Store,
        sandboxes: Sandboxes,
        intake: Intake,
        agents: GroupChat,
        messenger: Messenger,
        *,
        clock: Callable[[], float],
        slots: int = 32,
        sweep: float = 10.0,
    ) -> None:
        """Run at most `slots` threads at once; every `sweep` seconds ask the store for threads with open requests."""
        self._store = store
        self._sandboxes = sandboxes
        self._intake = intake
        self._agents = agents
        self._messenger = messenger
        self._clock = clock
        self._open: dict[ThreadId, OpenTurn] = {}
        self._scheduler = Scheduler(self.run, store.waiting, slots=slots, sweep=sweep)

    async def accept(self, request: Request) -> None:
        """Store a request if it concerns us; once this returns, it will be answered even if this process dies."""
        if await self._store.accept(request):
            self._scheduler.ring(request.thread)
            turn = self._open.get(request.thread)
            if request.kind == "stop" and turn and turn.sandbox.end_run():
                return  # what it printed becomes a step, and then the turn stops
            if request.kind == "stop" or (request.kind == "delete" and self._is_opening(request.thread, request.replaces)):
                self._scheduler.interrupt(request.thread)

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Answer stored and new requests until the block ends; then cancel every running turn and release its claim."""
        return self._scheduler.serving()

    async def idle(self) -> None:
        """Wait until nothing is left to answer."""
        await self._scheduler.idle()

    async def run(self, thread: ThreadId) -> None:
        """Claim a thread and answer its open requests."""
        current_thread.set(str(thread))
        claim = await self._store.claim(thread)
        try:
            if thread.ts.startswith("cmd:"):
                await self._resolve(claim)
            else:
                async with self._sandboxes.open(thread) as sandbox:
                    await self._carry(OpenTurn(thread, claim, await claim.load(), sandbox, self._clock))
        except asyncio.CancelledError:
            await asyncio.shield(claim.release())
            raise
        except Lost:
            log.info("lost the thread to a newer claim")
            return
        except ServiceError as error:
            log.warning("put off: %s", error, exc_info=error.__cause__)
        except Exception:
            log.exception("the turn broke")
            return  # the claim is not released, so the next one counts a crash; the sweep retries the thread
        await claim.release()

    async def _carry(self, turn: OpenTurn) -> None:
        """Take in open requests and do what comes next, until neither is left."""
        await turn.roll_forward()
        if turn.claim.crashes >= MAX_CRASHES:
            await self._give_up(turn)
        self._open[turn.thread] = turn
        try:
            async with self._messenger.keeping_status(turn):
                while True:
                    if action := triage(await turn.claim.inbox(), turn.conversation):
                        await self._receive(turn, action)
                    elif step := turn.conversation.next:
                        await self._advance(turn, step)
                    else:
                        return
        finally:
            del self._open[turn.thread]

    async def _receive(self, turn: OpenTurn, action: Action) -> None:
        """Do what an open request asks for."""
        match action:
            case Take(request, beside):
                await self._intake.take(request, beside, turn)
            case Steer(request):
                text = EDITED.format(text=request.text)
                await turn.append(UserMessage(ts=request.ts, user=request.user, text=text, key=request.key))
            case Stop(request):
                stopped = Stopped(user=request.user, ts=request.ts, key=request.key)
                await turn.append(stopped, account(turn.conversation, "Stopped."))
            case Withdraw(request):
                stopped = Stopped(user=request.user, ts=request.ts, key=request.key)
                await self._messenger.take_back(turn)
                await turn.append(stopped, Delivery(intent="reply", turn=turn.name, result="withdrawn"))
                await self._messenger.wind_up(turn)
            case Drop(keys):
                await turn.append(close=keys)

    async def _advance(self, turn: OpenTurn, step: Decide | Perform | Judge | Show | Deliver) -> None:
        """Do the one thing that comes next."""
        if await self._messenger.gave_up(turn):
            return
        await self._messenger.show(turn)
        match step:
            case Decide(agent):
                entries = await self._agents.decide(agent, turn)
                if turn.settled_by(entries):
                    await self._messenger.take_back(turn)
                await turn.append(*entries)
            case Perform() as at:
                await turn.append(await self._agents.perform(at, turn))
            case Judge(report):
                await turn.append(await self._agents.judge(report, turn))
            case Show(notice):
                await self._messenger.notify(turn, notice)
            case Deliver(reply):
                await self._messenger.deliver(turn, reply)
        if turn.conversation.next is None:
            await self._messenger.wind_up(turn)

    async def _resolve(self, claim: Claim) -> None:
        """Move each command under the thread of the file it names."""
        for request in await claim.inbox():
            resolved = await self._intake.resolve(request)
            if resolved is None:
                await claim.append(close=[request.key])
            else:
                await self._store.move(resolved, resolved.thread)
                self._scheduler.ring(resolved.thread)

    async def _give_up(self, turn: OpenTurn) -> None:
        """End a turn that has crashed too often: apologize, or end it silently if the apology cannot be delivered."""
        log.error("gave up on a turn that broke %d times", turn.claim.crashes)
        if turn.conversation.opening is None:
            for request in await turn.claim.inbox():
                await self._intake.refuse(request, SORRY, turn)
        elif not isinstance(turn.conversation.next, Deliver):
            await turn.append(Reply(text=SORRY))
        elif turn.tries("reply") >= MAX_CRASHES:
            await turn.append(Delivery(intent="reply", turn=turn.name, result="never delivered"))

    def _is_opening(self, thread: ThreadId, ts: str | None) -> bool:
        """Whether the message at `ts` opened the turn that now runs in the thread."""
        turn = self._open.get(thread)
        return turn is not None and turn.conversation.opening is not None and turn.conversation.opening.ts == ts
