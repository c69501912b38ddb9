"""The chats that the contract is held to: our client against the local workspace, and the fake of the core's tests."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from bot.errors import ServiceError
from bot.ports import Chat, Overheard, Person
from bot.slack.calls import TRIES
from bot.slack.client import SlackChat
from bot.thread.request import ThreadId, Upload
from tests.e2e.slack import ALICE, HERE, Slack, thread_of
from tests.fakes import FakeChat

Files = Mapping[str, bytes]


class Place(Protocol):
    """A chat, the people in it, and what they see there."""

    chat: Chat

    async def say(self, text: str, *, files: Files | None = None, thread: str | None = None, user: str = ALICE) -> str:
        """Post as a person; return the ts."""

    async def delete(self, thread: ThreadId, ts: str) -> None:
        """Take a message away, whoever wrote it."""

    async def texts(self, thread: ThreadId) -> list[str]:
        """What stands there from us, in order."""

    async def files(self, thread: ThreadId, count: int) -> list[tuple[str, bytes]]:
        """The files that came from us, so many at least."""

    async def status(self) -> str:
        """The status line that shows."""

    async def whispers(self) -> list[tuple[str, str]]:
        """Who alone was told what."""

    async def breaks(self, what: str, *, after: bool = False) -> None:
        """The next try of this fails; with `after` it is done, and only the answer is lost."""


METHODS = {
    "open": "chat.postMessage", "deliver": "chat.update", "upload": "upload", "history": "conversations.replies",
    "status": "assistant.threads.setStatus", "show": "chat.update", "whisper": "chat.postEphemeral",
    "remove": "chat.delete", "person": "users.info",
}  # fmt: skip


class Real:
    """Our client and a workspace that serves."""

    def __init__(self, chat: SlackChat, slack: Slack) -> None:
        self.chat: Chat = chat
        self._slack = slack

    async def say(self, text: str, *, files: Files | None = None, thread: str | None = None, user: str = ALICE) -> str:
        return await self._slack.say(text, files=files, thread=thread, user=user)

    async def delete(self, thread: ThreadId, ts: str) -> None:
        await self._slack.control("delete", {"channel": HERE, "ts": ts})

    async def texts(self, thread: ThreadId) -> list[str]:
        return [m["text"] for m in await self._slack.messages(thread.ts) if not (m["files"] or m["ephemeral"])]

    async def files(self, thread: ThreadId, count: int) -> list[tuple[str, bytes]]:
        async with asyncio.timeout(30):
            while True:
                sent = [f for m in await self._slack.messages(thread.ts) for f in m["files"]]
                if len(sent) >= count:
                    return [(f["name"], await self._slack.bytes_of(f)) for f in sent]
                await asyncio.sleep(0.02)

    async def status(self) -> str:
        await asyncio.sleep(0.2)  # it is set in the background
        return "".join(s["status"] for s in (await self._slack.seen("state"))["statuses"])

    async def whispers(self) -> list[tuple[str, str]]:
        said = (await self._slack.seen("messages"))["messages"]
        return [(m["ephemeral_to"], m["text"]) for m in said if m["ephemeral"]]

    async def breaks(self, what: str, *, after: bool = False) -> None:
        once = METHODS[what] == "chat.postMessage"  # a call that must not be repeated is not
        fault: dict[str, object] = {"http": 503, "text": "no healthy upstream", "times": 1 if once else TRIES}
        refused = {"http": 403, "times": 1} if what == "upload" else {}
        await self._slack.control("fault", {"method": METHODS[what], "after": after, **fault, **refused})


class Fake:
    """The fake, seen in the same way."""

    def __init__(self) -> None:
        self.fake = FakeChat()
        self.chat: Chat = self.fake
        self.fake.people["U0GUEST"] = Person(user="U0GUEST", name="guest", guest=True)
        self.fake.people["U0EXT"] = Person(user="U0EXT", name="ext", external=True)
        self.fake.people["U0ALERTS"] = Person(user="U0ALERTS", name="alerts", bot=True)
        self.fake.people["U0ALICE"] = Person(user="U0ALICE", name="alice")
        self._next = 100

    async def say(self, text: str, *, files: Files | None = None, thread: str | None = None, user: str = ALICE) -> str:
        self._next += 1
        uploads = [Upload(id=f"F{self._next}{n}", name=name, size=len(d)) for n, (name, d) in enumerate((files or {}).items())]
        self.fake.bytes |= {u.id: d for u, d in zip(uploads, (files or {}).values(), strict=True)}
        said = Overheard(ts=f"{self._next}.0", user=user, text=text, uploads=tuple(uploads))
        self.fake.said.setdefault(thread_of(thread or said.ts), []).append(said)
        return said.ts

    async def delete(self, thread: ThreadId, ts: str) -> None:
        self.fake.posts.get(thread, {}).pop(ts, None)
        for said in [o for o in self.fake.said[thread] if o.ts == ts]:
            self.fake.said[thread].remove(said)
            for upload in said.uploads:
                del self.fake.bytes[upload.id]

    async def texts(self, thread: ThreadId) -> list[str]:
        return self.fake.texts(thread)

    async def files(self, thread: ThreadId, count: int) -> list[tuple[str, bytes]]:
        return [file for post in self.fake.posts.get(thread, {}).values() for file in post.files]

    async def status(self) -> str:
        return self.fake.statuses[-1] if self.fake.statuses else ""

    async def whispers(self) -> list[tuple[str, str]]:
        return self.fake.whispers

    async def breaks(self, what: str, *, after: bool = False) -> None:
        verb = {"open": "opened", "deliver": "delivered"}[what] if after else what
        self.fake.faults.setdefault(verb, []).append(ServiceError("Slack is away."))
