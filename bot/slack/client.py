"""The Chat port over Slack's Web API."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused, ServiceError
from bot.ports import Attachment, Overheard, Person, SharedScript, Task, Uploaded
from bot.slack.calls import NoAnswer, answer
from bot.slack.files import SlackFiles
from bot.slack.find import Finder
from bot.slack.reading import overheard
from bot.slack.render import Part, fallback, is_long, parts, working
from bot.thread.entries import Reply
from bot.thread.request import Request, ThreadId, Upload

log = logging.getLogger(__name__)
EVENT = "workings_turn"  # the type of the metadata by which a post of ours is found again
EVENTS = {EVENT, "codebot_turn"}  # the second is that of posts before 0.2
OUTPUT = "output.txt"
HOUR = 3600.0
MOMENT = 2.0  # seconds that an answer waits for an update of its message which is on its way
_GONE = {"thread_not_found", "message_not_found", "cant_update_message", "edit_window_closed"}
_REJECTED = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_arguments"}


class SlackChat:
    """Slack in the core's words, over one client and one session; every post carries metadata that names its turn."""

    def __init__(self, client: AsyncWebClient, files: SlackFiles, *, bot_user: str, pace: float = 3.0) -> None:
        """Update a message at most once in `pace` seconds."""
        self._client = client
        self._files = files
        self._calls = files.calls
        self._finder = Finder(client, files)
        self._bot_user = bot_user
        self._pace = pace
        self._latest: dict[str, Part] = {}
        self._updating: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._statuses: dict[ThreadId, str] = {}
        self._setting: dict[ThreadId, asyncio.Task[None]] = {}
        self._people: dict[str, tuple[float, Person]] = {}

    async def status(self, thread: ThreadId, text: str) -> None:
        """Show the status line of the thread, in the background: nothing waits for it."""
        if thread.ts.startswith("cmd:"):
            return
        self._statuses[thread] = text
        if thread not in self._setting:
            self._setting[thread] = asyncio.create_task(self._set_status(thread))

    async def _set_status(self, thread: ThreadId) -> None:
        """Set the thread's latest status until there is no newer one."""
        sent: str | None = None
        try:
            while (text := self._statuses[thread]) != sent:
                sent = text
                await _attempt(
                    answer(self._client.assistant_threads_setStatus, channel_id=thread.channel, thread_ts=thread.ts, status=text)
                )
                if text:
                    await asyncio.sleep(self._pace)
        finally:
            del self._setting[thread], self._statuses[thread]

    async def open(self, thread: ThreadId, turn: str, *, again: bool) -> str:
        """Post the turn's one message, or with `again` find the one that was posted."""
        if again and (ts := (await self._posted(thread, turn, "")).get(0)):
            return ts
        return await self._post(thread, turn, 0, working([Task(title="Reading", state="running")]))

    async def show(self, thread: ThreadId, ts: str, tasks: Sequence[Task]) -> None:
        """Update the message with the latest tasks, now or when the pace allows it."""
        part = working(tasks)
        if ts in self._latest and self._latest[ts].text == part.text:
            return
        self._latest[ts] = part
        if ts not in self._updating:
            over = asyncio.Event()
            self._updating[ts] = asyncio.create_task(self._update(thread, ts, over)), over

    async def _update(self, thread: ThreadId, ts: str, over: asyncio.Event) -> None:
        """Send the latest part until there is no newer one, or until `over` is set."""
        sent: Part | None = None
        while (part := self._latest.get(ts, sent)) is not sent and part is not None:
            sent = part
            await _attempt(
                answer(self._client.chat_update, channel=thread.channel, ts=ts, text=part.text, blocks=list(part.blocks))
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace):
                    await over.wait()
        self._updating.pop(ts, None)

    async def _quiet(self, ts: str) -> bool:
        """Start no other update of a message; return whether the running one was given up, and may still arrive."""
        self._latest.pop(ts, None)
        if not (updating := self._updating.pop(ts, None)):
            return False
        task, over = updating
        over.set()
        await asyncio.wait([task], timeout=MOMENT)
        return task.cancel()

    async def close(self) -> None:
        """End what runs in the background."""
        for ts in list(self._updating):
            await self._quiet(ts)
        setting = list(self._setting.values())
        for task in setting:
            task.cancel()
        await asyncio.gather(*setting, return_exceptions=True)

    async def deliver(
        self,
        thread: ThreadId,
        turn: str,
        ts: str,
        reply: Reply,
        files: Sequence[Attachment],
        *,
        again: bool,
        sent: Uploaded | None = None,
        keep: Callable[[Uploaded], Awaitable[None]] | None = None,
    ) -> str:
        """Turn the message into the answer, post what does not fit, then upload all files at once."""
        overtaken = await self._quiet(ts)
        posted = await self._posted(thread, turn, ts) if again else {}
        messages = parts(reply)
        for number, part in enumerate(messages):
            if number == 0:
                ts = await self._become(thread, turn, posted.get(0, ts), part)
            elif number not in posted:
                await self._post(thread, turn, number, part)
        snippets = [(OUTPUT, reply.output)] if reply.output and is_long(reply.output) else []
        problem = ""
        if files or snippets:
            uploaded = sent or await self._files.upload(files, snippets)
            if keep and not sent:
                await keep(uploaded)
            problem = " ".join(filter(None, (uploaded.problem, await self._files.share(thread, uploaded.ids, again=again))))
        if problem and len(messages) not in posted:
            await self._post(thread, turn, len(messages), Part(f"Not everything could be delivered. {problem}", ()))
        if overtaken:  # by an update that was on its way for long, and that may have undone the answer
            await self._become(thread, turn, ts, messages[0])
        return problem

    async def remove(self, thread: ThreadId, ts: str) -> None:
        """Delete the turn's message."""
        await self._quiet(ts)
        try:
            await self._calls.repeat(self._client.chat_delete, channel=thread.channel, ts=ts)
        except Refused as error:
            log.warning("a message was not deleted: %s", error)

    async def whisper(self, request: Request, text: str) -> None:
        """Tell only the person who asked; a command's response URL works even where the bot is not a member."""
        if request.response_url:
            body = {"response_type": "ephemeral", "text": text}
            try:
                async with self._files.session.post(request.response_url, json=body) as response:
                    response.raise_for_status()
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("a whisper was not delivered: %s", error)
            return
        thread_ts = None if request.thread.ts.startswith("cmd:") else request.thread.ts
        channel, user = request.thread.channel, request.user
        whispered = self._calls.repeat(self._client.chat_postEphemeral, channel=channel, user=user, text=text, thread_ts=thread_ts)
        await _attempt(whispered)

    async def history(self, thread: ThreadId, before: str) -> Sequence[Overheard]:
        """Return what others said in the thread before a ts, oldest first."""
        messages = await self._replies(thread, latest=before)
        return [overheard(m) for m in messages if m["ts"] < before and m.get("user") != self._bot_user]

    def download(self, upload: Upload) -> AsyncIterator[bytes]:
        """Yield an upload's bytes."""
        return self._files.download(upload)

    async def find_upload(self, request: Request) -> SharedScript | Sequence[Upload]:
        """Return the script that a command means, or the candidates."""
        return await self._finder.find(request)

    async def person(self, user: str) -> Person:
        """Return what kind of person this is, from `users.info`, which is asked once an hour."""
        asked, person = self._people.get(user, (0.0, None))
        if person is None or time.monotonic() - asked > HOUR:
            if len(self._people) > 10_000:
                self._people.clear()
            person = await self._person(user)
            self._people[user] = time.monotonic(), person
        return person

    async def _person(self, user: str) -> Person:
        try:
            info = (await self._calls.repeat(self._client.users_info, user=user)).get("user")
        except Refused as error:
            if error.code == "user_not_found":
                return Person(user=user, external=True)
            raise ServiceError(f"Slack does not tell me who you are ({error.code}).") from error
        if not isinstance(info, dict):
            raise NoAnswer
        return Person(
            user=user,
            external=bool(info.get("is_stranger")),
            guest=bool(info.get("is_restricted") or info.get("is_ultra_restricted")),
            bot=bool(info.get("is_bot")),
        )

    async def _become(self, thread: ThreadId, turn: str, ts: str, part: Part) -> str:
        """Turn our message into a part of the answer; where the message is gone, post the part anew. Return its ts."""

        def update(text: str, blocks: list[Any]) -> Awaitable[dict[str, Any]]:
            return self._calls.repeat(self._client.chat_update, channel=thread.channel, ts=ts, text=text, blocks=blocks)

        try:
            await _with_fallback(part, update)
        except Refused as error:
            if error.code not in _GONE:
                raise
            return await self._post(thread, turn, 0, part)
        return ts

    async def _post(self, thread: ThreadId, turn: str, number: int, part: Part) -> str:
        """Post part `number` of a turn's answer; return its ts."""
        mark = {"event_type": EVENT, "event_payload": {"turn": turn, "part": number}}

        def post(text: str, blocks: list[Any]) -> Awaitable[dict[str, Any]]:
            return self._calls.once(
                self._client.chat_postMessage, channel=thread.channel, thread_ts=thread.ts, text=text, blocks=blocks or None,
                metadata=mark, unfurl_links=False, unfurl_media=False,
            )  # fmt: skip

        ts = (await _with_fallback(part, post)).get("ts")
        if not isinstance(ts, str):
            raise NoAnswer
        return ts

    async def _posted(self, thread: ThreadId, turn: str, known: str) -> dict[int, str]:
        """Return the ts of each part of a turn's answer in the thread, by its number; delete what stands there twice.

        Of two first parts, the one at ts `known` stays.
        """
        posted: dict[int, str] = {}
        for message in await self._replies(thread):
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") not in EVENTS or payload.get("turn") != turn:
                continue
            number, ts = int(payload["part"]), str(message["ts"])
            if number in posted:
                ts, second = (ts, posted[number]) if ts == known else (posted[number], ts)
                await self.remove(thread, second)
            posted[number] = ts
        return posted

    async def _replies(self, thread: ThreadId, *, latest: str | None = None) -> list[dict[str, Any]]:
        """Return the thread's messages, all pages of them, up to a ts if one is given."""
        messages: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._calls.repeat(
                self._client.conversations_replies, channel=thread.channel, ts=thread.ts, latest=latest,
                include_all_metadata=True, limit=200, cursor=cursor,
            )  # fmt: skip
            messages += page.get("messages") or []
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return messages


async def _attempt(call: Awaitable[object]) -> None:
    """Make a call that the answer does not depend on; a failure is logged."""
    try:
        await call
    except ServiceError as error:
        log.warning("a call was not answered: %s", error)


async def _with_fallback(part: Part, send: Callable[[str, list[Any]], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Send a part, without its blocks if Slack rejects them: it would drop the whole message."""
    try:
        return await send(part.text, list(part.blocks))
    except Refused as error:
        if not part.blocks or error.code not in _REJECTED:
            raise
        log.warning("blocks were rejected: %s", error.code)
        whole = next((str(b["text"]) for b in part.blocks if b["type"] == "markdown"), part.text)
        return await send(fallback(whole), [])
