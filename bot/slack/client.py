"""The Chat port over Slack's Web API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ServiceError
from bot.ports import Attachment, Overheard, Person, SharedScript, Task
from bot.slack.events import plain, upload_from
from bot.slack.files import SlackFiles, safe_name
from bot.slack.find import INVITE, Finder
from bot.slack.render import Part, fallback, is_long, parts, working
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
        self._finder = Finder(client, files)
        self._bot_user = bot_user
        self._pace = pace
        self._latest: dict[str, Part] = {}
        self._updating: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}

    async def status(self, thread: ThreadId, text: str) -> None:
        """Show the status line of the thread."""
        if thread.ts.startswith("cmd:"):
            return
        await self._attempt(self._client.assistant_threads_setStatus(channel_id=thread.channel, thread_ts=thread.ts, status=text))

    async def open(self, thread: ThreadId, turn: str, *, again: bool) -> str:
        """Post the turn's one message, or with `again` find the one that was posted."""
        if again and (ts := (await self._posted(thread, turn)).get(0)):
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
            await self._attempt(self._client.chat_update(channel=thread.channel, ts=ts, text=part.text, blocks=list(part.blocks)))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace):
                    await over.wait()
        self._updating.pop(ts, None)

    async def _quiet(self, ts: str) -> None:
        """Wait for the running update of a message, and start no other."""
        self._latest.pop(ts, None)
        if updating := self._updating.pop(ts, None):
            task, over = updating
            over.set()
            await task

    async def close(self) -> None:
        """End the updates that run in the background."""
        for ts in list(self._updating):
            await self._quiet(ts)

    async def deliver(self, thread: ThreadId, turn: str, ts: str, reply: Reply, files: Sequence[Attachment], *, again: bool) -> str:
        """Turn the message into the answer, post what does not fit, then upload all files at once."""
        await self._quiet(ts)
        posted = await self._posted(thread, turn) if again else {}
        messages = parts(reply)
        for number, part in enumerate(messages):
            if number == 0:
                await self._become(thread, turn, posted.get(0, ts), part)
            elif number not in posted:
                await self._post(thread, turn, number, part)
        snippets = [(OUTPUT, reply.output)] if reply.output and is_long(reply.output) else []
        if not (files or snippets) or (again and await self._uploaded(thread, ts, files, snippets)):
            return ""
        problem = await self._files.upload(thread, files, snippets)
        if problem:
            note = f"Not everything could be delivered. {problem}"
            await self._attempt(self._post(thread, turn, len(messages), Part(note, ())))
        return problem

    async def remove(self, thread: ThreadId, ts: str) -> None:
        """Delete the turn's message."""
        await self._quiet(ts)
        await self._attempt(self._client.chat_delete(channel=thread.channel, ts=ts))

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
        await self._attempt(
            self._client.chat_postEphemeral(channel=request.thread.channel, user=request.user, text=text, thread_ts=thread_ts)
        )

    async def history(self, thread: ThreadId, before: str) -> Sequence[Overheard]:
        """Return what others said in the thread before a ts, oldest first."""
        messages = await self._replies(thread, latest=before)
        return [_overheard(m) for m in messages if m["ts"] < before and m.get("user") != self._bot_user]

    def download(self, upload: Upload) -> AsyncIterator[bytes]:
        """Yield an upload's bytes."""
        return self._files.download(upload)

    async def find_upload(self, request: Request) -> SharedScript | Sequence[Upload]:
        """Return the script that a command means, or the candidates."""
        return await self._finder.find(request)

    async def person(self, user: str) -> Person:
        """Return what kind of person this is, from `users.info`."""
        with _answering():
            try:
                info = (await self._client.users_info(user=user))["user"]
            except SlackApiError as error:
                if error.response["error"] == "user_not_found":
                    return Person(user=user, external=True)
                raise ServiceError(f"Slack does not tell me who you are ({error.response['error']}).") from error
        return Person(
            user=user,
            external=bool(info.get("is_stranger")),
            guest=bool(info.get("is_restricted") or info.get("is_ultra_restricted")),
            bot=bool(info.get("is_bot")),
        )

    async def _become(self, thread: ThreadId, turn: str, ts: str, part: Part) -> None:
        """Turn our message into a part of the answer; where the message is gone, post the part anew."""

        def update(text: str, blocks: list[Any]) -> Any:
            return self._client.chat_update(channel=thread.channel, ts=ts, text=text, blocks=blocks)

        with _answering():
            try:
                await self._with_fallback(part, update)
            except SlackApiError as error:
                if error.response["error"] not in _GONE:
                    raise
                await self._post(thread, turn, 0, part)

    async def _post(self, thread: ThreadId, turn: str, number: int, part: Part) -> str:
        """Post part `number` of a turn's answer; return its ts."""
        mark = {"event_type": EVENT, "event_payload": {"turn": turn, "part": number}}

        def post(text: str, blocks: list[Any]) -> Any:
            return self._client.chat_postMessage(
                channel=thread.channel, thread_ts=thread.ts, text=text, blocks=blocks or None, metadata=mark,
                unfurl_links=False, unfurl_media=False,
            )  # fmt: skip

        with _answering():
            return str((await self._with_fallback(part, post))["ts"])

    async def _with_fallback(self, part: Part, send: Callable[[str, list[Any]], Any]) -> Any:
        """Send a part, without its blocks if Slack rejects them: it would drop the whole message."""
        try:
            return await send(part.text, list(part.blocks))
        except SlackApiError as error:
            if not part.blocks or error.response["error"] not in _REJECTED:
                raise
            log.warning("blocks were rejected: %s", error.response["error"])
            whole = next((str(b["text"]) for b in part.blocks if b["type"] == "markdown"), part.text)
            return await send(fallback(whole), [])

    async def _posted(self, thread: ThreadId, turn: str) -> dict[int, str]:
        """Return the ts of each part of a turn's answer in the thread, by its number."""
        posted: dict[int, str] = {}
        for message in await self._replies(thread):
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") in EVENTS and payload.get("turn") == turn:
                posted.setdefault(int(payload["part"]), str(message["ts"]))
        return posted

    async def _uploaded(self, thread: ThreadId, ts: str, files: Sequence[Attachment], snippets: Sequence[tuple[str, str]]) -> bool:
        """Whether a message of ours after `ts` already carries exactly these files."""
        wanted = {safe_name(f.name) for f in files if f.size} | {name for name, _ in snippets}
        for message in await self._replies(thread):
            names = {str(f.get("name")) for f in message.get("files") or ()}
            if message.get("user") == self._bot_user and message["ts"] > ts and names == wanted:
                return True
        return False

    async def _replies(self, thread: ThreadId, *, latest: str | None = None) -> list[dict[str, Any]]:
        """Return the thread's messages, all pages of them, up to a ts if one is given."""
        messages: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            with _answering():
                page = await self._client.conversations_replies(
                    channel=thread.channel,
                    ts=thread.ts,
                    latest=latest,
                    include_all_metadata=True,
                    limit=200,
                    cursor=cursor,
                )
            messages += page["messages"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return messages

    async def _attempt(self, call: Any) -> None:
        """Make a call that the answer does not depend on; a failure is logged."""
        try:
            await call
        except (SlackApiError, ServiceError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("Slack refused a call: %s", error.response["error"] if isinstance(error, SlackApiError) else error)


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what Slack's client raises into a ServiceError in the user's words."""
    try:
        yield
    except SlackApiError as error:
        raise ServiceError(_words(error)) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServiceError("Slack did not answer.") from error


def _overheard(message: dict[str, Any]) -> Overheard:
    """Return a message of the thread, with the text of its attachments, where other bots write."""
    texts = [str(message.get("text") or "")]
    texts += [str(a.get("text") or a.get("fallback") or "") for a in message.get("attachments") or ()]
    return Overheard(
        ts=str(message["ts"]),
        user=str(message.get("user") or message.get("bot_id") or "somebody"),
        text=plain("\n".join(filter(None, texts)), ""),
        uploads=tuple(upload_from(f) for f in message.get("files") or ()),
    )


def _words(error: SlackApiError) -> str:
    match error.response["error"]:
        case "not_in_channel" | "channel_not_found":
            return INVITE
        case "is_archived":
            return "This channel is archived."
        case other:
            return f"Slack refused ({other})."
