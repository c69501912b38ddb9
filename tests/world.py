"""The core over honest fakes: everything but Slack, the model, the sandbox and the disk is real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from bot.agents.code_assistant import NAME, code_assistant
from bot.agents.user_proxy import Respond, SendMessage, StaySilent, UserProxy
from bot.agents.without_model import Profiler, Runner
from bot.ports import Store
from bot.store.sqlite import open_store
from bot.thread.conversation import PROFILER, RUNNER, Conversation
from bot.thread.request import Command, Request, ThreadId, Upload
from bot.turns.access import Access
from bot.turns.group_chat import Agent, Budget, GroupChat
from bot.turns.intake import Intake
from bot.turns.loop import Turns
from bot.turns.messenger import Messenger
from tests.fakes import FakeChat, MemorySandboxes, Scripted, ScriptedModel

THREAD = ThreadId("T1", "C1", "1.0")
STORY = 20.0  # seconds after which a story that hangs has failed
CSV = b"month,revenue\n2026-01,10\n2026-02,20\n"


class World:
    """A bot in memory, its script for the models, and what came of it."""

    def __init__(self, store: Store, *script: Scripted, access: Access | None = None, budget: Budget | None = None) -> None:
        self.store = store
        self.model = ScriptedModel(*script)
        self.chat = FakeChat()
        self.sandboxes = MemorySandboxes()
        self.now = 1_000.0
        self.renewal = 60.0
        self.slots = 32
        self.access = access or Access()
        self.budget = budget or Budget()
        self.specialists = [code_assistant(self.model)]
        self.turns = self.reborn()

    def reborn(self) -> Turns:
        """A new process over the same store, Slack and disk."""
        agents: dict[str, Agent] = {**{s.name: s for s in self.specialists}, PROFILER: Profiler(), RUNNER: Runner()}
        self.turns = Turns(
            self.store, self.sandboxes, Intake(self.chat, self.store, self.access, lambda: self.now),
            GroupChat(UserProxy(self.model, self.specialists), agents, self.budget),
            Messenger(self.chat, renewal=self.renewal), clock=lambda: self.now, slots=self.slots, sweep=0.01,
        )  # fmt: skip
        return self.turns

    async def tell(self, *requests: Request) -> None:
        """Accept requests and wait until nothing is left to answer."""
        for request in requests:
            await self.turns.accept(request)
        await self.turns.idle()

    async def serve(self, request: Request) -> None:
        """Accept a request and serve, sweeping, until nothing is left to answer."""
        async with self.turns.serving():
            await self.turns.accept(request)
            await self.answered()
            await self.turns.idle()

    async def answered(self) -> None:
        """Wait until no request is open, the sweep's doing included."""
        while await self.store.waiting():  # noqa: ASYNC110  what we wait for is on record, not in memory
            await asyncio.sleep(0.01)

    async def conversation(self, thread: ThreadId = THREAD) -> Conversation:
        return await (await self.store.claim(thread)).load()

    def texts(self, thread: ThreadId = THREAD) -> list[str]:
        return self.chat.texts(thread)

    def file(self, name: str, data: bytes) -> Upload:
        """An upload as Slack has it."""
        upload = Upload(id=f"F{len(self.chat.bytes)}", name=name, size=len(data))
        self.chat.bytes[upload.id] = data
        return upload


@asynccontextmanager
async def world(*script: Scripted, access: Access | None = None, budget: Budget | None = None) -> AsyncIterator[World]:
    async with asyncio.timeout(STORY), open_store(":memory:") as store:
        yield World(store, *script, access=access, budget=budget)


_ts = count(2)


def mention(text: str, *uploads: Upload, user: str = "U1", direct: bool = True, ts: str | None = None) -> Request:
    """A message in THREAD."""
    ts = ts or f"{next(_ts)}.0"
    return Request(key=f"msg:C1:{ts}", thread=THREAD, ts=ts, user=user, text=text, uploads=uploads, direct=direct)


def runpy(target: str = "", *args: str) -> Request:
    """A `/runpy` by U1, which is not in a thread yet."""
    what = Command(target=target, args=args)
    return Request(key="cmd:1", thread=ThreadId("T1", "C1", "cmd:1"), ts="5.0", user="U1", kind="command", command=what)


def brief(message: str = "do it", *done_when: str) -> SendMessage:
    return SendMessage(kind="SendMessage", recipient=NAME, message=message, done_when=list(done_when or ("it is done",)))


def respond(text: str) -> Respond:
    return Respond(kind="Respond", text=text)


def silent() -> StaySilent:
    return StaySilent(kind="StaySilent")


def call(tool: str, **arguments: object) -> tuple[str, str]:
    """One tool call of a script."""
    return tool, json.dumps(arguments)


def report(
    answer: str = "Done.", *, run: str | None = None, file: str | None = None, status: str = "complete", **more: object
) -> list[tuple[str, str]]:
    """A Report as the only call, with evidence from the run of a file, or a file, if one is named."""
    evidence = [{"condition": "it is done", "run": run, "file": file}] if run or file else []
    return [call("Report", **{"status": status, "answer": answer, "evidence": evidence, **more})]
