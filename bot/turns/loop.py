"""The one loop: accept, claim, load, decide, act, append, deliver, resume."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import ContextVar
from dataclasses import replace

from bot.agents.prompts import EDITED
from bot.agents.replies import account
from bot.errors import Lost, ServiceError
from bot.ports import SUSPECT, Claim, Sandboxes, Store
from bot.thread.conversation import Decide, Deliver, Judge, Perform, Show
from bot.thread.entries import Delivery, Stopped, UserMessage
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
LONGEST_REST = 600.0  # seconds between two tries while a service does not answer
NOT_YOURS = "Only people who may ask me may stop me."
SORRY = "I am sorry: something went wrong on my side, and I could not finish this. It has been logged."


class Turns:
    """Runs turns: one at a time per thread, many threads at once."""

    def __init__(
        self, store: Store, sandboxes: Sandboxes, intake: Intake, agents: GroupChat, messenger: Messenger, *,
        clock: Callable[[], float], slots: int = 32, sweep: float = 10.0,
    ) -> None:  # fmt: skip
        """Run at most `slots` threads at once; every `sweep` seconds ask the store for threads with open requests."""
        self._store = store
        self._sandboxes = sandboxes
        self._intake = intake
        self._agents = agents
        self._messenger = messenger
        self._clock = clock
        self._sweep = sweep
        self._open: dict[ThreadId, OpenTurn] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._failures: dict[ThreadId, int] = {}  # how often in a row a service failed a thread
        self._scheduler = Scheduler(self.run, store.due, slots=slots, sweep=sweep)

    async def accept(self, request: Request) -> None:
        """Store a request if it concerns us; once this returns, it will be answered even if this process dies."""
        if request.kind == "stop" and request.thread.ts == request.ts:  # beside the threads of direct messages: it means all
            for thread in {*self._open, *await self._store.waiting()}:
                if thread.channel == request.thread.channel and thread != request.thread:
                    await self.accept(replace(request, thread=thread, key=f"{request.key}:{thread.ts}"))
        elif await self._scheduler.storing(self._store.accept(request)):
            self._scheduler.ring(request.thread)
            turn = self._open.get(request.thread)
            opening = turn.conversation.opening if turn else None
            if request.kind == "delete" and opening and opening.ts == request.replaces:
                self._scheduler.interrupt(request.thread)
            elif request.kind == "stop" and turn:
                task = asyncio.create_task(self._stop(request))
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)

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
        failures = self._failures.pop(thread, 0)
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
            self._failures[thread] = failures + 1
            await claim.release(rest=min(self._sweep * 2 ** min(failures, 20), LONGEST_REST))
        except Exception:
            log.exception("the turn broke")
            await claim.release(broke=True)
        else:
            await claim.release()

    async def _carry(self, turn: OpenTurn) -> None:
        """Take in open requests and do what comes next, until neither is left."""
        if turn.claim.crashes <= MAX_CRASHES:  # beyond, it may be this that breaks
            await turn.roll_forward()
        if turn.claim.crashes >= MAX_CRASHES:
            await self._give_up(turn)
        self._open[turn.thread] = turn
        try:
            async with self._messenger.keeping_status(turn):
                while True:
                    requests = await turn.claim.inbox()
                    if turn.claim.deaths >= SUSPECT and requests:
                        await self._messenger.tell_of_deaths(turn, requests[0].ts)
                    action = triage(requests, turn.conversation)
                    if turn.claim.rests and (action is None or isinstance(action, Take)):
                        if action and any([await self._intake.may_stop(r) for r in requests if r.kind == "stop"]):
                            await self._refuse(turn.claim, "Stopped.")
                        return  # what may kill the process waits; a stop does not
                    if action:
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
                text = EDITED.format(text=await self._intake.text(request))
                await turn.append(UserMessage(ts=request.ts, user=request.user, text=text, key=request.key))
            case Stop(request) if not await self._may_stop(request, turn):
                await self._refuse_stop(request, turn)
                await turn.append(close=[request.key])
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

    async def _stop(self, request: Request) -> None:
        """End what runs in a thread, if the person may; what a run printed becomes a step, and then the turn stops."""
        turn = self._open.get(request.thread)
        if turn and not await self._may_stop(request, turn):
            with suppress(ServiceError):  # the loop tells them when it comes to the stop
                await self._refuse_stop(request, turn)
        elif turn and not turn.sandbox.end_run():
            self._scheduler.interrupt(request.thread)

    async def _refuse_stop(self, request: Request, turn: OpenTurn) -> None:
        """Tell a person once that they may not stop the turn; the loop closes the request when it comes to it."""
        if request.key not in turn.refused:
            turn.refused.add(request.key)
            try:
                await self._intake.refuse(request, NOT_YOURS)
            except ServiceError:
                turn.refused.discard(request.key)
                raise

    async def _may_stop(self, request: Request, turn: OpenTurn) -> bool:
        """Whether a person may stop a turn: who asked for it always may."""
        opening = turn.conversation.opening
        return (opening is not None and opening.user == request.user) or await self._intake.may_stop(request)

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
        if claim.crashes >= MAX_CRASHES:
            await self._refuse(claim, f"{SORRY} Please ask again.")
        if any(request.kind == "stop" for request in await claim.inbox()):
            await self._refuse(claim, "Stopped.")
        for request in () if claim.rests else await claim.inbox():
            resolved = await self._intake.resolve(request)
            if resolved is None:
                await claim.append(close=[request.key])
            else:
                await self._store.move(resolved, resolved.thread)
                self._scheduler.ring(resolved.thread)

    async def _give_up(self, turn: OpenTurn) -> None:
        """End a turn that broke too often: say what was done; end it silently if that breaks as well."""
        log.error("gave up on a turn that broke %d times", turn.claim.crashes)
        match turn.conversation.next:
            case None:
                await self._refuse(turn.claim, f"{SORRY} Please ask again.")
            case Deliver(reply) if reply.text.startswith(SORRY):
                await turn.append(Delivery(intent="reply", turn=turn.name, result="never delivered"))
            case _:
                await turn.append(account(turn.conversation, SORRY))

    async def _refuse(self, claim: Claim, why: str) -> None:
        """Close all open requests after telling who asked for more than to stop why."""
        for request in await claim.inbox():
            if request.kind != "stop":
                await self._intake.refuse(request, why)
            await claim.append(close=[request.key])
