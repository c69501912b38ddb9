"""The one loop: accept, claim, load, decide, act, append, deliver, resume."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Protocol

from bot.agents.prompts import EDITED, NO_TOOL
from bot.agents.replies import account, footer
from bot.errors import Lost, ServiceError
from bot.ports import Attachment, Chat, Claim, Sandbox, Sandboxes, Store
from bot.thread.conversation import PROFILER, RUNNER, USER_PROXY, Conversation, Decide, Deliver, Judge, Perform, Show
from bot.thread.entries import Decision, Delivery, Entry, Message, Notice, Reply, Report, Step, Stopped, UserMessage
from bot.thread.files import FileName
from bot.thread.request import Request, ThreadId
from bot.turns.intake import Intake
from bot.turns.open_turn import Budget, Turn
from bot.turns.progress import tasks
from bot.turns.scheduler import Engine
from bot.turns.triage import Drop, Steer, Stop, Take, Withdraw, sort_out

log = logging.getLogger(__name__)
current_thread: ContextVar[str] = ContextVar("current_thread", default="-")

MAX_CRASHES = 3
SORRY = (
    "I am sorry: something went wrong on my side, and I could not finish this. It has been logged. Please ask again."
)


class Agent(Protocol):
    """One member of the group chat."""

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Entry:
        """Return the agent's next decision, or a reply that needs no more decisions."""

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Entry:
        """Perform one call of the agent's own decision and return what it came to."""


class Proxy(Agent, Protocol):
    """The agent that speaks with the user."""

    async def judge(self, conversation: Conversation, report: Report, sandbox: Sandbox) -> Entry:
        """Return the reply that a certain report makes, or the message that sends it back."""


class Turns:
    """Runs every thread's turns, one at a time in a thread, many threads at once."""

    def __init__(
        self,
        chat: Chat,
        proxy: Proxy,
        agents: Mapping[str, Agent],
        sandboxes: Sandboxes,
        store: Store,
        intake: Intake,
        *,
        budget: Budget,
        clock: Callable[[], float],
        slots: int = 32,
        sweep: float = 10.0,
        retries: int = 60,
    ) -> None:
        """`agents` are the specialists and the runner by name; `retries` bounds how often one post is tried."""
        self._chat = chat
        self._proxy = proxy
        self._agents: dict[str, Agent] = {USER_PROXY: proxy, **agents}
        self._sandboxes = sandboxes
        self._store = store
        self._intake = intake
        self._budget = budget
        self._clock = clock
        self._retries = retries
        self._asked: dict[ThreadId, str] = {}
        self._engine = Engine(self.run, store.waiting, slots=slots, sweep=sweep)

    async def accept(self, request: Request) -> None:
        """Put a request on record; when this returns, it will be answered, whatever happens to the process."""
        if await self._store.accept(request):
            self._engine.ring(request.thread)
            withdrawn = request.kind == "delete" and request.replaces == self._asked.get(request.thread)
            if request.kind == "stop" or withdrawn:
                self._engine.interrupt(request.thread)

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Answer what is and will be on record; on the way out put every turn down cleanly."""
        return self._engine.serving()

    async def idle(self) -> None:
        """Wait until nothing is left to answer."""
        await self._engine.idle()

    async def run(self, thread: ThreadId) -> None:
        """Take the thread and carry everything in it to its end."""
        current_thread.set(str(thread))
        claim = await self._store.claim(thread)
        try:
            if thread.ts.startswith("cmd:"):
                await self._resolve(claim)
            else:
                async with self._sandboxes.open(thread) as sandbox:
                    await self._turns(claim, thread, sandbox)
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
            return  # not released: it counts as a crash, and the sweep tries again
        await claim.release()

    async def _turns(self, claim: Claim, thread: ThreadId, sandbox: Sandbox) -> None:
        turn = Turn(claim, await claim.load(), self._clock)
        for entry in turn.conversation.turn:
            if isinstance(entry, Step) and entry.execution:
                await sandbox.commit(entry.execution)
        if claim.attempts >= MAX_CRASHES:
            await self._give_up(turn)
        async with self._kept_alive(turn, thread):
            while True:
                if await self._receive(turn, thread, sandbox):
                    continue
                if turn.conversation.next is None:
                    return
                await self._advance(turn, thread, sandbox)

    async def _advance(self, turn: Turn, thread: ThreadId, sandbox: Sandbox) -> None:
        """Do the one thing that comes next."""
        conversation = turn.conversation
        asked = conversation.opening
        if max(map(turn.tries, ("open", "reply", "notice"))) >= self._retries:
            log.error("gave up on posting in the thread")
            await turn.append(Delivery(intent="reply", turn=turn.name, result="never delivered"))
            return
        if conversation.reading:
            await self._chat.status(thread, f"is reading {conversation.logs[0]}…")
        elif (asked is not None and asked.direct) or conversation.next != Decide(USER_PROXY):
            await self._show(turn, thread)
        match conversation.next:
            case Deliver(reply):
                await self._deliver(turn, thread, reply, sandbox)
            case Show(notice):
                await self._notify(turn, thread, notice, sandbox)
            case Decide(agent) if agent not in (RUNNER, PROFILER) and (spent := turn.overspent(self._budget)):
                await turn.append(account(conversation, spent))
            case Decide(agent):
                decided = await self._or_sorry(self._agents[agent].decide(thread, conversation))
                calls = [c.name for c in decided.calls] if isinstance(decided, Decision) else []
                log.info("%s decided: %s", agent, ", ".join(calls) or "nothing to call")
                nudge = Message(sender=USER_PROXY, recipient=agent, text=NO_TOOL)
                await turn.append(decided, *([nudge] if isinstance(decided, Decision) and not calls else []))
            case Perform() as at:
                await self._perform(turn, at, sandbox)
            case Judge(report):
                await turn.append(await self._or_sorry(self._proxy.judge(conversation, report, sandbox)))
        if turn.conversation.next is None:
            await self._wind_up(turn, thread)

    async def _perform(self, turn: Turn, at: Perform, sandbox: Sandbox) -> None:
        agent = self._agents[turn.conversation.decision(at).agent]
        done = await self._or_sorry(agent.perform(turn.conversation, at, sandbox))
        await turn.append(done)
        if isinstance(done, Step) and done.execution:
            log.info("ran %s: %s in %.2f s", done.ran, done.execution.outcome, done.execution.duration)
            await sandbox.commit(done.execution)

    async def _or_sorry(self, act: Awaitable[Entry]) -> Entry:
        """Await what an agent does; a service that fails ends the turn with its words, and what was done stays."""
        try:
            return await act
        except ServiceError as error:
            log.warning("%s", error, exc_info=error.__cause__)
            return Reply(text=str(error))

    async def _receive(self, turn: Turn, thread: ThreadId, sandbox: Sandbox) -> bool:
        """Take in the first request that can be; True when there was one."""
        match sort_out(await turn.claim.inbox(), turn.conversation):
            case Take(request, beside):
                await self._take(turn, request, beside, sandbox)
            case Steer(request):
                text = EDITED.format(text=request.text)
                await turn.append(UserMessage(ts=request.ts, user=request.user, text=text, key=request.key))
            case Stop(request):
                stopped = Stopped(user=request.user, ts=request.ts, key=request.key)
                await turn.append(stopped, account(turn.conversation, "Stopped."))
            case Withdraw(request):
                stopped = Stopped(user=request.user, ts=request.ts, key=request.key)
                await turn.append(stopped, Delivery(intent="reply", turn=turn.name, result="withdrawn"))
                await self._wind_up(turn, thread)
            case Drop(keys):
                await turn.append(close=keys)
            case None:
                return False
        asked = turn.conversation.opening
        self._asked[thread] = asked.ts if asked else ""
        return True

    async def _take(self, turn: Turn, request: Request, beside: tuple[str, ...], sandbox: Sandbox) -> None:
        if request.direct:
            await self._chat.status(request.thread, "is reading…")
        # A command was admitted before its file was looked for.
        if request.kind != "command" and not await self._intake.admitted(request):
            await self._chat.status(request.thread, "")
            await turn.append(close=[request.key, *beside])
        else:
            await turn.append(*await self._intake.receive(request, turn.conversation, sandbox), close=beside)

    async def _resolve(self, claim: Claim) -> None:
        """Give a command the thread of the file it names."""
        for request in await claim.inbox():
            found = await self._intake.resolve(request) if await self._intake.admitted(request) else None
            if found is None:
                await claim.append(close=[request.key])
            else:
                await self._store.move(found, found.thread)
                self._engine.ring(found.thread)

    async def _show(self, turn: Turn, thread: ThreadId) -> None:
        """See to it that the turn has its one message, and show in it what is being done."""
        shown = tasks(turn.conversation)
        if turn.shown != shown[-1].title:
            turn.shown = shown[-1].title
            await self._chat.status(thread, turn.status)
        if turn.ts is None:
            again = turn.tries("open") > 0
            await turn.append(Delivery(intent="open", turn=turn.name))
            ts = await self._chat.open(thread, turn.name, again=again)
            await turn.append(Delivery(intent="open", turn=turn.name, result=ts))
        elif not isinstance(turn.conversation.next, Deliver):
            await self._chat.show(thread, turn.ts, shown)

    async def _deliver(self, turn: Turn, thread: ThreadId, reply: Reply, sandbox: Sandbox) -> None:
        assert turn.ts is not None
        tries = turn.tries("reply")
        await turn.append(Delivery(intent="reply", turn=turn.name))
        files = await _attached(reply.files, sandbox)
        reply = replace(reply, footer=footer(turn.conversation, turn.seconds()))
        problem = await self._chat.deliver(thread, turn.name, turn.ts, reply, files, again=tries > 0)
        await turn.append(Delivery(intent="reply", turn=turn.name, result=problem or "delivered"))

    async def _notify(self, turn: Turn, thread: ThreadId, notice: Notice, sandbox: Sandbox) -> None:
        """Show a notice in a message of its own."""
        again = turn.tries("notice") > 0
        await turn.append(Delivery(intent="notice", turn=turn.name))
        name = f"{turn.name}:notice"
        ts = await self._chat.open(thread, name, again=again)
        problem = await self._chat.deliver(
            thread, name, ts, Reply(text=notice.text), await _attached(notice.files, sandbox), again=again
        )
        await turn.append(Delivery(intent="notice", turn=turn.name, result=problem or "shown"))

    async def _wind_up(self, turn: Turn, thread: ThreadId) -> None:
        """After a turn is settled: a message that never became an answer goes away, and so does the status."""
        if ts := turn.unanswered():
            await self._chat.remove(thread, ts)
        await self._chat.status(thread, "")
        turn.restart_clock()

    async def _give_up(self, turn: Turn) -> None:
        """A turn that keeps breaking is closed with an apology; if even that breaks, without one."""
        log.error("gave up on a turn that broke %d times", turn.claim.attempts)
        if turn.conversation.opening is None:
            for request in await turn.claim.inbox():
                await self._chat.whisper(request, SORRY)
                await turn.append(close=[request.key])
        elif not turn.replied:
            await turn.append(Reply(text=SORRY))
        elif turn.tries("reply") >= MAX_CRASHES:
            await turn.append(Delivery(intent="reply", turn=turn.name, result="never delivered"))

    @asynccontextmanager
    async def _kept_alive(self, turn: Turn, thread: ThreadId) -> AsyncIterator[None]:
        """Slack takes a status away after two minutes without a message."""

        async def refresh() -> None:
            while True:
                await asyncio.sleep(60)
                if turn.shown and turn.conversation.next is not None:
                    await self._chat.status(thread, turn.status)

        task = asyncio.create_task(refresh())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._asked.pop(thread, None)


async def _attached(names: Sequence[FileName], sandbox: Sandbox) -> list[Attachment]:
    sizes = {f.name: f.size for f in await sandbox.list()}
    return [Attachment(name=n, size=sizes[n], chunks=sandbox.open(n)) for n in names if n in sizes]
