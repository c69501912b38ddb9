"""Stream files from and to Slack; no file is ever whole in memory."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ServiceError, TooLarge, UserError
from bot.ports import Attachment
from bot.thread.files import chunked
from bot.thread.request import ThreadId, Upload

log = logging.getLogger(__name__)
CHUNK = 256 * 1024
_REFUSED = {
    "file_deleted": "it was deleted.",
    "file_not_found": "Slack does not find it; upload it again.",
    "access_denied": "Slack does not let me see it; share it in this channel.",
    "missing_scope": "I lack the scope files:read; an admin must add it and install me again.",
}


class SlackFiles:
    """Downloads what people upload and uploads what runs produce, over one client and its session."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession, *, token: str, max_bytes: int) -> None:
        self._client = client
        self.session = session
        self._token = token
        self._max = max_bytes

    async def info(self, file_id: str) -> dict[str, Any]:
        """Return Slack's file object; raises UserError when Slack will not give it."""
        try:
            response = await self._client.files_info(file=file_id)
        except SlackApiError as error:
            raise UserError(_REFUSED.get(error.response["error"], f"Slack says {error.response['error']}.")) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceError("Slack did not answer; try again.") from error
        file: dict[str, Any] = response["file"]
        return file

    async def download(self, upload: Upload) -> AsyncIterator[bytes]:
        """Yield an upload's bytes; the text of a UserError, TooLarge or ServiceError follows "could not be taken: "."""
        file = await self.info(upload.id)
        if file.get("mode") in {"tombstone", "hidden_by_limit"}:
            raise UserError("Slack does not have it any more.")
        if file.get("is_external") or file.get("mode") == "external":
            raise UserError("it lives outside Slack; upload the file itself.")
        if (access := file.get("file_access")) in _REFUSED:
            raise UserError(_REFUSED[str(access)])
        size = int(file.get("size") or 0)
        if size > self._max:
            raise TooLarge(f"it has {size:,} bytes; I take files up to {self._max:,}.")
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if not url or not self._trusted(url):
            raise UserError("Slack gives no address of its own for it; upload the file itself.")
        async for chunk in self._stream(url, size, str(file.get("mimetype") or "")):
            yield chunk

    async def _stream(self, url: str, size: int, mimetype: str) -> AsyncIterator[bytes]:
        received = 0
        try:
            # A redirect could carry the token to another host; Slack's own downloads need none.
            async with self.session.get(url, headers={"Authorization": f"Bearer {self._token}"}, allow_redirects=False) as response:
                if response.status != 200:
                    raise UserError(f"Slack answered {response.status} instead of the file; share it in this channel.")
                if response.content_type == "text/html" and mimetype != "text/html":
                    raise UserError("Slack sent a sign-in page instead of the file; invite me to the channel.")
                async for chunk in response.content.iter_chunked(CHUNK):
                    received += len(chunk)
                    if received > self._max:
                        raise TooLarge(f"it has more than {self._max:,} bytes.")
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceError("the download from Slack broke off; try again.") from error
        if size and received != size:
            raise ServiceError(f"Slack sent {received:,} of its {size:,} bytes; try again.")

    def _trusted(self, url: str) -> bool:
        """Whether a URL is Slack's own; the token is sent to no other host."""
        target, home = urlsplit(url), urlsplit(self._client.base_url)
        if (target.scheme, target.netloc) == (home.scheme, home.netloc):
            return True
        host = target.hostname or ""
        return (home.hostname or "").endswith("slack.com") and target.scheme == "https" and host.endswith(".slack.com")

    async def upload(self, thread: ThreadId, files: Sequence[Attachment], snippets: Sequence[tuple[str, str]]) -> str:
        """Upload files and snippets as one message of the thread; returns "" or, in words, what could not be delivered."""
        sent: list[dict[str, str | None]] = []
        problems: list[str] = []
        for name, text in snippets:
            data = text.encode(errors="replace")
            await self._send(safe_name(name), len(data), chunked(data), sent, problems)
        for file in files:
            if file.size:
                await self._send(safe_name(file.name), file.size, file.chunks, sent, problems)
            else:
                problems.append(f"`{file.name}` is empty, and Slack takes no empty files.")
        if sent:
            try:
                await self._client.files_completeUploadExternal(files=sent, channel_id=thread.channel, thread_ts=thread.ts)
            except SlackApiError as error:
                problems.append(f"Slack did not take the files: {error.response['error']}.")
            except (aiohttp.ClientError, TimeoutError) as error:
                raise ServiceError("Slack did not answer while files were uploaded.") from error
        return " ".join(problems)

    async def _send(
        self, name: str, size: int, chunks: AsyncIterator[bytes], sent: list[dict[str, str | None]], problems: list[str]
    ) -> None:
        """Send one file's bytes; it joins `sent`, or what went wrong joins `problems`."""
        alt = f"Image {name}" if re.search(r"\.(png|jpe?g|gif|webp)$", name, re.I) else None
        try:
            target = await self._client.files_getUploadURLExternal(filename=name, length=size, alt_txt=alt)
            headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
            async with self.session.post(target["upload_url"], data=chunks, headers=headers) as response:
                if response.status != 200:
                    problems.append(f"`{name}` was refused by Slack ({response.status}).")
                    return
        except SlackApiError as error:
            problems.append(f"`{name}` was refused by Slack: {error.response['error']}.")
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("upload of a file failed: %s", error)
            problems.append(f"`{name}` could not be uploaded: the connection to Slack broke off.")
        else:
            sent.append({"id": str(target["file_id"]), "title": name})


def safe_name(name: str) -> str:
    """Return a file name without control and direction characters and without what Slack would interpret."""
    printable = "".join(c for c in name.replace("/", "-") if c.isprintable())
    return re.sub(r"[<>&]", "_", printable)[:200] or "file"
