"""The files of the workspace: their records in the journal and their bytes on disk."""

from __future__ import annotations

import asyncio
import mimetypes
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from bot.disk import written_whole
from bot.local.workspace.journal import Journal, Json
from bot.local.workspace.people import TEAM

MEGABYTE = 1 << 20
SNIPPET_LIMIT = MEGABYTE
UPLOAD_LIMIT = 1 << 30

# Slack's names of file types; any other type is named by its suffix.
_FILETYPES = {"py": "python", "txt": "text", "log": "text", "md": "markdown", "js": "javascript", "jpeg": "jpg"}
_MIMETYPES = {"csv": "text/csv", "py": "text/x-python", "md": "text/markdown", "log": "text/plain"}
_SNIPPETS = {"python", "text", "markdown", "javascript", "csv", "json", "xml", "yaml", "sql", "html", "shell"}
_ELSEWHERE = {"canvas": "quip", "gdoc": "external", "gsheet": "external"}  # modes of files whose bytes Slack gives to no app
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"),
          (b"GIF89a", "image/gif"))  # fmt: skip


class TooLarge(ValueError):
    """A file with more bytes than the limit."""


@dataclass(slots=True)
class File:
    """A file; `shares` has, by channel, the messages that carry it, and `ready` is set once its bytes have arrived."""

    id: str
    name: str
    title: str
    user: str
    created: int
    size: int = 0
    alt_txt: str | None = None
    snippet: bool = False
    ticket: str = ""
    ready: bool = False
    completed: bool = False
    shares: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix.lower().lstrip(".")

    @property
    def filetype(self) -> str:
        return _FILETYPES.get(self.suffix, self.suffix or "binary")

    @property
    def mimetype(self) -> str:
        guess = _MIMETYPES.get(self.suffix) or mimetypes.guess_type(self.name)[0]
        return guess or ("text/plain" if self.snippet else "application/octet-stream")

    @property
    def mode(self) -> str:
        if self.suffix in _ELSEWHERE:
            return _ELSEWHERE[self.suffix]
        text = self.snippet or self.filetype in _SNIPPETS
        return "snippet" if text and self.size <= SNIPPET_LIMIT else "hosted"

    def to_slack(self, base_url: str) -> Json:
        """Return the file object of messages and `files.info`, without its shares."""
        name = quote(self.name)
        private = f"{base_url}files-pri/{TEAM}-{self.id}"
        body: Json = {
            "id": self.id, "created": self.created, "timestamp": self.created, "name": self.name,
            "title": self.title, "mimetype": self.mimetype, "filetype": self.filetype,
            "pretty_type": self.filetype.capitalize(), "user": self.user, "user_team": TEAM,
            "editable": self.mode == "snippet", "size": self.size, "mode": self.mode, "is_public": True,
            **dict.fromkeys(("public_url_shared", "display_as_bot", "has_rich_preview"), False),
            "is_external": self.mode == "external",
            **dict.fromkeys(("external_type", "username"), ""), "url_private": f"{private}/{name}",
            "url_private_download": f"{private}/download/{name}",
            "permalink": f"{base_url}files/{self.user}/{self.id}/{name}", "file_access": "visible",
        }  # fmt: skip
        if self.alt_txt:
            body["alt_txt"] = self.alt_txt
        return body


class Files:
    """Every file of the workspace; bytes are streamed to disk and never held in memory."""

    def __init__(self, folder: Path, journal: Journal, limit: int = UPLOAD_LIMIT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob("*.draft"):
            unfinished.unlink()
        self._folder = folder
        self._journal = journal
        self.limit = limit
        self._files = {key: File(**body) for key, body in journal.all("file").items()}

    def get(self, file_id: str) -> File | None:
        return self._files.get(file_id)

    def all(self) -> Iterator[File]:
        """Return every file whose bytes have arrived, oldest first."""
        return iter(sorted((f for f in self._files.values() if f.ready), key=lambda f: f.created))

    def announce(self, name: str, user: str, created: float, **details: Any) -> File:
        """Create a file whose bytes will follow; whoever has its ticket may send them."""
        key = f"F0{secrets.token_hex(4).upper()}"
        file = File(key, name, name, user, int(created), ticket=f"{key}-{secrets.token_hex(16)}", **details)
        self.keep(file)
        return file

    def of_ticket(self, ticket: str) -> File | None:
        """Return the file that this ticket still allows to upload, or None."""
        file = self._files.get(ticket.partition("-")[0])
        return file if file and not file.completed and secrets.compare_digest(file.ticket, ticket) else None

    def keep(self, file: File) -> None:
        self._files[file.id] = file
        self._journal.put("file", file.id, asdict(file))

    def path(self, file: File) -> Path:
        return self._folder / file.id

    @contextmanager
    def writing(self, file: File) -> Iterator[IO[bytes]]:
        """Open the file for writing; its bytes are kept only if the block ends without an error."""
        with written_whole(self.path(file)) as target:
            yield target
            file.size = target.tell()
        file.ready = True
        self.keep(file)

    async def receive(self, file: File, chunks: AsyncIterator[bytes]) -> None:
        """Stream `chunks` into the file; raises `TooLarge` and keeps nothing beyond the limit."""
        size = 0
        with self.writing(file) as target:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.limit:
                    raise TooLarge(f"Files can have up to {self.limit} bytes.")
                await asyncio.to_thread(target.write, chunk)

    def image_type(self, file: File) -> str | None:
        """Return the media type of a picture that a browser may show, judged by its first bytes, or None."""
        with self.path(file).open("rb") as source:
            head = source.read(12)
        if head[:4] == b"RIFF" and head[8:] == b"WEBP":
            return "image/webp"
        return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)

    def share(self, file: File, channel: str, ts: str, thread_ts: str | None) -> None:
        """Record that a message carries the file."""
        share: Json = {"ts": ts, "channel_name": channel, "team_id": TEAM, "share_user_id": file.user}
        if thread_ts:
            share["thread_ts"] = thread_ts
        file.shares.setdefault(channel, []).append(share)
        self.keep(file)

    def unshare(self, file: File, channel: str, ts: str) -> None:
        """Record that a message which carried the file was deleted."""
        others = [share for share in file.shares.pop(channel, []) if share["ts"] != ts]
        if others:
            file.shares[channel] = others
        self.keep(file)
