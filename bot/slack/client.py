"""The Chat port over Slack's Web API."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused
from bot.ports import Attachment, Overheard, Person, SharedScript, Task, Uploaded
from bot.slack.calls import Busy, NoAnswer, answer
from bot.slack.files import SlackFiles
from bot.slack.find import Finder
from bot.slack.people import People
from bot.slack.reading import overheard, upload_from
from bot.slack.render import Part, fallback, is_long, parts, working
from bot.slack.showing import Posts, Showing, Updates, attempt
from bot.thread.entries import Reply
from bot.thread.request import Request, ThreadId, Upload

log = logging.getLogger(__name__)
EVENT = "workings_turn"  # the type of the metadata by which a post of ours is found again
EVENTS = {EVENT, "codebot_turn"}  # the second is that of posts before 0.2
OUTPUT = "output.txt"
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
        self._people = People(client, files.calls)
        self._posts, self._updates = Posts(), Updates()
        self._showing = Showing(client, self._updates, pace=pace)

    async def status(self, thread: ThreadId, text: str) -> None:
        """Show the status line of the thread, in the background: nothing waits for it."""
        if not thread.ts.startswith("cmd:"):
            self._showing.status(thread, text)

    async def open(self, thread: ThreadId, turn: str, *, again: bool) -> str:
        """Post the turn's one message, or with `again` find the one that was posted."""
        if again and (ts := (await self._posted(thread, turn, "")).get(0)):
            return ts
        return await self._post(thread, turn, 0, working([Task(title="Reading", state="running")]))

    async def show(self, thread: ThreadId, ts: str, tasks: Sequence[Task]) -> None:
        self._showing.progress(thread, ts, working(tasks))

    async def close(self) -> None:
        """End what runs in the background."""
        await self._showing.close()

    async def deliver(
        self, thread: ThreadId, turn: str, ts: str, reply: Reply, files: Sequence[Attachment], *, again: bool,
        sent: Uploaded | None = None, keep: Callable[[Uploaded], Awaitable[None]] | None = None,
    ) -> str:  # fmt: skip
        """Turn the message into the answer, post what does not fit, then upload all files at once."""
        overtaken = await self._showing.quiet(ts)
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
        await self._showing.quiet(ts)
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
        # In a thread without replies Slack shows it to nobody: https://docs.slack.dev/reference/methods/chat.postEphemeral
        alone = request.thread.ts.startswith("cmd:") or request.thread.ts == request.ts
        to = {"channel": request.thread.channel, "user": request.user, "thread_ts": None if alone else request.thread.ts}
        await attempt(self._calls.repeat(self._client.chat_postEphemeral, text=text, **to))

    async def history(self, thread: ThreadId, before: str, *, since: str = "") -> Sequence[Overheard]:
        """Return what others said in the thread between two ts, oldest first; the root comes with every page, so it is filtered."""
        messages = await self._replies(thread, oldest=since or None, latest=before)
        return [overheard(m) for m in messages if since < m["ts"] < before and m.get("user") != self._bot_user]

    async def file_name(self, upload: Upload) -> str:
        return upload.name if upload.name != upload.id else upload_from(await self._files.info(upload.id)).name

    def download(self, upload: Upload) -> AsyncIterator[bytes]:
        return self._files.download(upload)

    async def find_upload(self, request: Request) -> SharedScript | Sequence[Upload]:
        return await self._finder.find(request)

    async def person(self, user: str) -> Person:
        return await self._people.person(user)

    async def _become(self, thread: ThreadId, turn: str, ts: str, part: Part) -> str:
        """Turn our message into a part of the answer; where the message is gone, post the part anew. Return its ts."""

        def update(text: str, blocks: list[Any]) -> Awaitable[dict[str, Any]]:
            self._updates.take()
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
            once = partial(
                answer, self._client.chat_postMessage, channel=thread.channel, thread_ts=thread.ts, text=text,
                blocks=blocks or None, metadata=mark, unfurl_links=False, unfurl_media=False,
            )  # fmt: skip
            return self._calls.retried(partial(self._posts.send, thread.channel, once), again=(Busy,))

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

    async def _replies(self, thread: ThreadId, *, oldest: str | None = None, latest: str | None = None) -> list[dict[str, Any]]:
        """Return the thread's messages, all pages of them, from a ts and up to a ts if one is given."""
        messages: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._calls.repeat(
                self._client.conversations_replies, channel=thread.channel, ts=thread.ts, oldest=oldest, latest=latest,
                include_all_metadata=True, limit=200, cursor=cursor,
            )  # fmt: skip
            messages += page.get("messages") or []
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return messages


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
