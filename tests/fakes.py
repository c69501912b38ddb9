"""Honest stand-ins for the ports: they keep the same contracts, really suspend, and fail loudly when a script ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import count
from pathlib import Path

from pydantic import BaseModel

from bot.errors import BotError, NoSuchFile, ServiceError, TooLarge, UserError
from bot.ports import Attachment, Overheard, Person, Prompt, Sandbox, SharedScript, Task, Typed, Uploaded
from bot.thread.entries import Call, Decision, Reply, Usage
from bot.thread.files import FileInfo, FileName
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import Request, ThreadId, Upload
from tests.toolkit import analysed

TOP = Path(__file__).parent.parent
Scripted = Decision | BaseModel | list[tuple[str, str]] | Exception


class ScriptedModel:
    """Answers from a script, in order; a list of (name, arguments) is a decision with those calls."""

    def __init__(self, *script: Scripted) -> None:
        self.script = list(script)
        self.prompts: list[Prompt] = []

    async def decide(self, prompt: Prompt, tools: Sequence[type[BaseModel]]) -> Decision:
        match await self._next(prompt):
            case list() as calls:
                made = tuple(Call(id=f"call_{n}", name=name, arguments=text) for n, (name, text) in enumerate(calls))
                return Decision(agent=prompt.agent, calls=made, usage=USED)
            case Decision() as decision:
                return replace(decision, agent=prompt.agent)
            case other:
                raise AssertionError(f"the script has {other!r} where {prompt.agent} decides")

    async def choose(self, prompt: Prompt, answer: type[Typed]) -> tuple[Typed, Usage]:
        match await self._next(prompt):
            case BaseModel() as model:
                return answer.model_validate({"action": model.model_dump()}), USED
            case other:
                raise AssertionError(f"the script has {other!r} where {prompt.agent} chooses")

    async def _next(self, prompt: Prompt) -> Scripted:
        await asyncio.sleep(0)
        self.prompts.append(prompt)
        if not self.script:
            raise AssertionError(f"the script is over, and {prompt.agent} asks once more: {prompt.items[-1]}")
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


USED = Usage(model="scripted", calls=1, input=100, cached=80, output=10)
Program = Callable[[dict[str, bytes]], Awaitable[Execution]]


class MemorySandbox:
    """A workspace in memory whose programs are Python functions of its files, by script name."""

    def __init__(self, programs: dict[str, Program], limit: int) -> None:
        self.files: dict[FileName, bytes] = {}
        self.runs: list[str] = []
        self.fault: ServiceError | None = None  # of the toolkits
        self._programs = programs
        self._limit = limit
        self._staged: dict[str, dict[FileName, bytes]] = {}

    async def put(self, name: FileName, chunks: AsyncIterator[bytes]) -> FileInfo:
        data = b""
        async for chunk in chunks:
            data += chunk
            if len(data) > self._limit:
                raise TooLarge(f"{name} is over {self._limit} bytes.")
        await asyncio.sleep(0)
        self.files[name] = data
        return FileInfo(name=name, size=len(data))

    async def open(self, name: FileName) -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        if name not in self.files:
            raise NoSuchFile(f"There is no file {name} in this thread.")
        yield self.files[name]

    async def list(self) -> Sequence[FileInfo]:
        await asyncio.sleep(0)
        return [FileInfo(name=n, size=len(self.files[n])) for n in sorted(self.files)]

    async def run(self, name: FileName, args: Sequence[str] = (), *, stdin: str = "", timeout: float | None = None) -> Execution:
        await asyncio.sleep(0)
        if name not in self.files:
            raise NoSuchFile(f"There is no file {name} in this thread.")
        self.runs.append(name)
        files = {str(k): v for k, v in self.files.items()}
        execution = await self._programs.get(name, _pass)(files)
        changed = {FileName(k): v for k, v in files.items() if self.files.get(FileName(k)) != v}
        run = f"run-{len(self.runs)}"
        self._staged[run] = changed
        made = tuple(FileInfo(name=k, size=len(v)) for k, v in sorted(changed.items()))
        return replace(execution, run=run, files=made)

    def end_run(self) -> bool:
        return False

    async def toolkit(self, name: str, arguments: Sequence[str], *, stdin: str = "") -> Execution:
        """The toolkit itself, on the files laid out on disk; what it made of the same before is not made again."""
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        return await analysed(self.files, name, arguments, stdin)

    async def commit(self, execution: Execution) -> None:
        await asyncio.sleep(0)
        self.files |= self._staged.pop(execution.run, {})


async def _pass(files: dict[str, bytes]) -> Execution:
    return Execution(outcome=Outcome.SUCCEEDED, exit_code=0)


class MemorySandboxes:
    """Gives each thread its own workspace in memory."""

    def __init__(self, limit: int = 10_000_000) -> None:
        self.programs: dict[str, Program] = {}
        self.threads: dict[ThreadId, MemorySandbox] = {}
        self._limit = limit

    @asynccontextmanager
    async def open(self, thread: ThreadId) -> AsyncIterator[Sandbox]:
        await asyncio.sleep(0)
        yield self.threads.setdefault(thread, MemorySandbox(self.programs, self._limit))


@dataclass(slots=True)
class Posted:
    """One message of ours: its text, its turn, and each upload that came with the answer, twice if it came twice."""

    text: str
    turn: str
    files: list[tuple[str, bytes]] = field(default_factory=list)
    footer: str = ""
    output: str = ""


class FakeChat:
    """Slack in memory, which forgets nothing that was done twice.

    `faults` are raised by the named verb, once each, and only logged away by a best-effort one. `made` names the turn of
    every message that was ever posted: an update of a message is no post, and a removed one stays counted.
    """

    def __init__(self) -> None:
        self.posts: dict[ThreadId, dict[str, Posted]] = {}
        self.made: list[str] = []
        self.bytes: dict[str, bytes | Exception] = {}
        self.uploaded: dict[str, tuple[str, bytes]] = {}
        self.said: dict[ThreadId, list[Overheard]] = {}
        self.people: dict[str, Person] = {}
        self.whispers: list[tuple[str, str]] = []
        self.statuses: list[str] = []
        self.shown: list[tuple[Task, ...]] = []
        self.read_since: list[str] = []
        self.faults: dict[str, list[Exception]] = {}
        self._ts = count(1_000)

    def texts(self, thread: ThreadId) -> list[str]:
        """What stands in the thread now, in order."""
        return [post.text for post in self.posts.get(thread, {}).values()]

    async def status(self, thread: ThreadId, text: str) -> None:
        if await self._tried("status"):
            self.statuses.append(text)

    async def open(self, thread: ThreadId, turn: str, *, again: bool) -> str:
        await self._call("open")
        ts = (self._posted(thread, turn) if again else None) or self._post(thread, Posted("…", turn))
        await self._call("opened")
        return ts

    async def show(self, thread: ThreadId, ts: str, tasks: Sequence[Task]) -> None:
        if await self._tried("show") and ts in self.posts.get(thread, {}):
            self.shown.append(tuple(tasks))

    async def deliver(
        self, thread: ThreadId, turn: str, ts: str, reply: Reply, files: Sequence[Attachment], *, again: bool,
        sent: Uploaded | None = None, keep: Callable[[Uploaded], Awaitable[None]] | None = None,
    ) -> str:  # fmt: skip
        await self._call("deliver")
        posts = self.posts.setdefault(thread, {})
        if ts not in posts:
            ts = (self._posted(thread, turn) if again else None) or self._post(thread, Posted("", turn))
        posts[ts] = Posted(reply.text, turn, posts[ts].files, reply.footer, reply.output)
        if files:
            uploaded = sent or await self._upload(files)
            if keep and not sent:
                await keep(uploaded)
            await self._call("share")
            posts[ts].files[:] = [self.uploaded[i] for i in uploaded.ids]
        if (problem := uploaded.problem if files else "") and not (again and problem in self.texts(thread)):
            self._post(thread, Posted(problem, turn))
        await self._call("delivered")
        return problem

    async def _upload(self, files: Sequence[Attachment]) -> Uploaded:
        """Take the files' bytes, whose ids then count, and say what is wrong with the others."""
        ids: list[str] = []
        problems = []
        for file in files:
            try:
                await self._call("upload")
                data = b"".join([chunk async for chunk in file.chunks()])
            except BotError:
                problems.append(f"{file.name} could not be uploaded.")
                continue
            assert len(data) == file.size
            if data:
                ids.append(i := f"F{len(self.uploaded)}")
                self.uploaded[i] = (str(file.name), data)
            else:
                problems.append(f"{file.name} is empty, and Slack takes no empty files.")
        return Uploaded(ids=tuple(ids), problem=" ".join(problems))

    async def remove(self, thread: ThreadId, ts: str) -> None:
        await self._call("remove")
        self.posts.get(thread, {}).pop(ts, None)

    async def whisper(self, request: Request, text: str) -> None:
        if await self._tried("whisper"):
            self.whispers.append((request.user, text))

    async def history(self, thread: ThreadId, before: str, *, since: str = "") -> Sequence[Overheard]:
        self.read_since.append(since)
        await self._call("history")
        return [o for o in self.said.get(thread, []) if float(since or 0) < float(o.ts) < float(before)]

    async def file_name(self, upload: Upload) -> str:
        return upload.name

    async def download(self, upload: Upload) -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        data = self.bytes.get(upload.id, UserError(f"Slack does not have {upload.name} any more."))
        if isinstance(data, Exception):
            raise data
        yield data

    async def find_upload(self, request: Request) -> SharedScript | Sequence[Upload]:
        await asyncio.sleep(0)
        assert request.command is not None
        target, channel = request.command.target, request.thread.channel
        fitting = [
            SharedScript(thread=thread, script=upload, uploads=message.uploads)
            for thread, said in self.said.items()
            for message in said
            for upload in message.uploads
            if thread.channel == channel
            if (target == upload.id or fnmatch(upload.name, target) if target else
                upload.name.endswith(".py") and message.user == request.user)
        ]  # fmt: skip
        if not fitting:
            raise UserError("There is no such file in this channel.")
        several = len({found.script.name for found in fitting}) > 1
        return [found.script for found in fitting] if target and several else fitting[-1]

    async def person(self, user: str) -> Person:
        await self._call("person")
        return self.people.get(user, Person(user=user))

    def _posted(self, thread: ThreadId, turn: str) -> str | None:
        return next((ts for ts, post in self.posts.get(thread, {}).items() if post.turn == turn), None)

    def _post(self, thread: ThreadId, post: Posted) -> str:
        ts = f"{next(self._ts)}.0"
        self.posts.setdefault(thread, {})[ts] = post
        self.made.append(post.turn)
        return ts

    async def _call(self, verb: str) -> None:
        await asyncio.sleep(0)
        if faults := self.faults.get(verb):
            raise faults.pop(0)

    async def _tried(self, verb: str) -> bool:
        try:
            await self._call(verb)
        except ServiceError:
            return False
        return True


__all__ = ["USED", "FakeChat", "MemorySandboxes", "ScriptedModel", "ServiceError"]
