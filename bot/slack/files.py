"""Stream files from and to Slack; no file is ever whole in memory."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError, Refused, ServiceError, TooLarge, UserError
from bot.ports import Attachment, Uploaded
from bot.slack.calls import TRIES, Busy, Calls, NoAnswer, answer, busy
from bot.thread.files import UNUSABLE, chunked
from bot.thread.request import ThreadId, Upload

log = logging.getLogger(__name__)
CHUNK = 256 * 1024
_Bytes = tuple[str, int, Callable[[], AsyncIterator[bytes]]]  # a name, a size, and what gives the bytes
SMALLER = "Attach a part of it, or pack it with gzip."
_REFUSED = {
    "file_deleted": "it was deleted.", "file_not_found": "Slack does not find it; upload it again.",
    "access_denied": "Slack does not let me see it; share it in this channel.",
}  # fmt: skip


class _NotYet(ServiceError):
    """Slack has the file, but not yet what is needed to fetch it."""


class SlackFiles:
    """Downloads what people upload and uploads what runs produce, over one client and its session."""

    def __init__(
        self, client: AsyncWebClient, session: aiohttp.ClientSession, *, token: str, max_bytes: int, calls: Calls | None = None
    ) -> None:
        self._client = client
        self.calls = calls or Calls()
        self.session = session
        self._token = token
        self._max = max_bytes

    async def info(self, file_id: str) -> dict[str, Any]:
        """Return Slack's file object; raises UserError when Slack will not give it."""
        try:
            file = (await self.calls.repeat(self._client.files_info, file=file_id)).get("file")
        except Refused as error:
            raise UserError(_REFUSED.get(error.code, str(error))) from error
        if not isinstance(file, dict):
            raise NoAnswer
        return file

    async def download(self, upload: Upload) -> AsyncIterator[bytes]:
        """Yield an upload's bytes; the text of a UserError, TooLarge or ServiceError follows "could not be taken: ".

        A download that breaks off goes on where it broke, and a file that has no address yet is asked for again.
        """
        received, broken = 0, 0
        while True:
            url, size, mimetype = await self.calls.retried(lambda: self._located(upload.id), again=(_NotYet,))
            try:
                async for chunk in self._stream(url, received, size, mimetype):
                    received += len(chunk)
                    if received > self._max:
                        raise TooLarge(f"it has more than {self._max:,} bytes. {SMALLER}")
                    broken = 0
                    yield chunk
                if size and received != size:
                    raise ServiceError(f"Slack sent {received:,} of its {size:,} bytes; try again.")
                return
            except (NoAnswer, Busy) as error:
                broken += 1
                await self.calls.wait(broken, error)

    async def _located(self, file_id: str) -> tuple[str, int, str]:
        """Return a file's address, its size in bytes and its media type."""
        file = await self.info(file_id)
        if file.get("mode") in {"tombstone", "hidden_by_limit"}:
            raise UserError("Slack does not have it any more.")
        if file.get("is_external") or file.get("mode") == "external":
            raise UserError("it lives outside Slack; upload the file itself.")
        if file.get("mode") in {"quip", "canvas"} or file.get("filetype") in {"quip", "canvas", "list"}:
            raise UserError("it is a canvas or a list of Slack, which I cannot read; attach what it holds as a file.")
        access = file.get("file_access")
        if access == "check_file_info":  # in a shared channel, until Slack has the other organization's file
            raise _NotYet("Slack does not have it yet; try again in a moment.")
        if access in _REFUSED:
            raise UserError(_REFUSED[str(access)])
        size = int(file.get("size") or 0)
        if size > self._max:
            raise TooLarge(f"it has {size:,} bytes; I take files up to {self._max:,}. {SMALLER}")
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if not url:
            raise _NotYet("Slack gives no address for it; upload it again.")
        if not self._trusted(url):
            raise UserError("Slack gives no address of its own for it; upload the file itself.")
        return url, size, str(file.get("mimetype") or "")

    async def _stream(self, url: str, start: int, size: int, mimetype: str) -> AsyncIterator[bytes]:
        """Yield the bytes at an address from `start` on; raises NoAnswer or Busy when there may be more of them."""
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            # A redirect could carry the token to another host; Slack's own downloads need none.
            async with self.session.get(url, headers=headers, allow_redirects=False) as response:
                _check(response)
                if response.status != 200:
                    raise UserError(f"Slack answered {response.status} instead of the file; share it in this channel.")
                if response.content_type == "text/html" and mimetype != "text/html":
                    raise UserError("Slack sent a sign-in page instead of the file; invite me to the channel.")
                length = None if "Content-Encoding" in response.headers else response.content_length
                if size and length not in (None, size):  # what a machine between Slack and us says instead
                    raise NoAnswer(f"Slack sent {length:,} of its {size:,} bytes; try again.")
                passed = 0
                async for chunk in response.content.iter_chunked(CHUNK):
                    passed += len(chunk)
                    if passed > start:
                        yield chunk[start - passed :]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer("the download from Slack broke off; try again.") from error

    def _trusted(self, url: str) -> bool:
        """Whether a URL is Slack's own; the token is sent to no other host."""
        target, home = urlsplit(url), urlsplit(self._client.base_url)
        if (target.scheme, target.netloc) == (home.scheme, home.netloc):
            return True
        host = target.hostname or ""
        return (home.hostname or "").endswith("slack.com") and target.scheme == "https" and host.endswith(".slack.com")

    async def upload(self, files: Sequence[Attachment], snippets: Sequence[tuple[str, str]]) -> Uploaded:
        """Send the bytes of files and snippets to Slack; raises ServiceError when Slack does not answer."""
        ids: list[str] = []
        problems: list[str] = []
        texts = [(name, text.encode(errors="replace")) for name, text in snippets]
        everything: list[_Bytes] = [(name, len(data), partial(chunked, data)) for name, data in texts]
        for name, size, chunks in [*everything, *((f.name, f.size, f.chunks) for f in files)]:
            shown = safe_name(name)
            try:
                if not size:
                    problems.append(f"`{shown}` is empty, and Slack takes no empty files.")
                else:
                    again = (NoAnswer, Busy)  # a second address leaves the first one unused, and nobody sees it
                    ids.append(await self.calls.retried(partial(self._send, shown, size, chunks), again=again))
            except Refused as error:
                problems.append(f"`{shown}` was refused by Slack: {error.code}.")
            except UserError as error:
                problems.append(f"`{shown}` could not be read: {error}")
        return Uploaded(ids=tuple(ids), problem=" ".join(problems))

    async def _send(self, name: str, size: int, chunks: Callable[[], AsyncIterator[bytes]]) -> str:
        """Send one file's bytes and return its id."""
        alt = f"Image {name}" if re.search(r"\.(png|jpe?g|gif|webp)$", name, re.I) else None
        target = await answer(self._client.files_getUploadURLExternal, filename=name, length=size, alt_txt=alt)
        url, file_id = target.get("upload_url"), target.get("file_id")
        if not isinstance(url, str) or not isinstance(file_id, str):
            raise NoAnswer
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        unread: list[BotError] = []  # why the file, and not the connection, is at fault

        async def read() -> AsyncIterator[bytes]:
            try:
                async for chunk in chunks():
                    yield chunk
            except BotError as error:
                unread.append(error)
                raise

        try:
            async with self.session.post(url, data=read(), headers=headers) as response:
                _check(response)
                if response.status != 200:
                    raise Refused("Slack did not take the bytes.", f"status {response.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise (unread[0] if unread else NoAnswer()) from error
        return file_id

    async def share(self, thread: ThreadId, ids: Sequence[str], *, again: bool) -> str:
        """Put uploaded files into the thread in one message, and with `again` only those that are not there yet.

        Returns "" or in words what Slack refused; raises ServiceError when Slack does not answer.
        """
        left = list(ids)
        for number in count(1):
            unsure = again or number > 1
            if unsure:
                left = [i for i in left if await self._is_missing(i)]
            if not left:
                break
            try:
                await self.calls.once(
                    self._client.files_completeUploadExternal, files=[{"id": i} for i in left], channel_id=thread.channel,
                    thread_ts=thread.ts,
                )  # fmt: skip
                break
            except Refused as error:
                # What an earlier try completed is refused until its message stands in the thread, some moments later.
                if number == TRIES or not unsure:
                    return f"Slack did not take the files: {error.code}."
                await self.calls.wait(number, error)
            except NoAnswer as error:
                await self.calls.wait(number, error)
        return ""

    async def _is_missing(self, file_id: str) -> bool:
        """Whether an uploaded file stands in no thread yet; one that was deleted since is not missed."""
        try:
            return not (await self.info(file_id)).get("shares")
        except UserError:
            return False


def _check(response: aiohttp.ClientResponse) -> None:
    """Raise Busy or NoAnswer when a response says that Slack, or what stands before it, failed."""
    if response.status == 429:
        raise busy(response)
    if response.status >= 500:
        raise NoAnswer


def safe_name(name: str) -> str:
    """Return a file name without control and direction characters and without what Slack would interpret."""
    return re.sub(r"[<>&]", "_", UNUSABLE.sub("", name.replace("/", "-")))[:200] or "file"
