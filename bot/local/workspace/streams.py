"""Streamed messages: they are started, appended to and stopped, or end by themselves after their lifetime."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.blocks import check_blocks
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Message
from bot.local.workspace.state import Workspace

MARKDOWN_LIMIT = 12_000
FIELD_LIMIT = 256
LIFETIME_SECONDS = 300.0
_STATES = ("pending", "in_progress", "complete", "error")


@dataclass(slots=True)
class Stream:
    """The content streamed into one message so far: pieces of Markdown, task cards and blocks, in order."""

    channel: str
    ts: str
    started: float
    display: str = "timeline"
    title: str = ""
    pieces: list[Json] = field(default_factory=list)
    stopped_by_user: bool = False

    def fill(self, message: Message, chunks: list[Json]) -> None:
        """Append valid chunks, and give the message all that was streamed so far."""
        for chunk in chunks:
            self._add(chunk)
        message.text = "\n".join(piece["text"] for piece in self.pieces if piece["type"] == "markdown")
        message.blocks = self.blocks()

    def _add(self, chunk: Json) -> None:
        match chunk["type"]:
            case "markdown_text":
                if self.pieces and self.pieces[-1]["type"] == "markdown":
                    self.pieces[-1]["text"] += chunk["text"]
                elif chunk["text"]:
                    self.pieces.append({"type": "markdown", "text": chunk["text"]})
            case "plan_update":
                self.title = chunk["title"]
            case "task_update":
                self._task(chunk)
            case _:
                self.pieces += chunk["blocks"]

    def _task(self, chunk: Json) -> None:
        tasks = (p for p in self.pieces if p["type"] == "task_card" and p["task_id"] == chunk["id"])
        task = next(tasks, None)
        if task is None:
            task = {"type": "task_card", "task_id": chunk["id"]}
            self.pieces.append(task)
        task |= {"title": chunk["title"], "status": chunk["status"]}
        if chunk.get("details"):
            before = task["details"]["elements"][0]["elements"][0]["text"] if "details" in task else ""
            task["details"] = rich_text(before + chunk["details"])
        if chunk.get("output"):
            task["output"] = rich_text(chunk["output"])
        if chunk.get("sources"):
            task["sources"] = chunk["sources"]

    def blocks(self) -> list[Json]:
        """Return the message so far; with display `plan` all task cards stand in one plan, where the first one came."""
        if self.display != "plan":
            return [dict(piece) for piece in self.pieces]
        tasks = [dict(piece) for piece in self.pieces if piece["type"] == "task_card"]
        plan: Json = {"type": "plan", "title": self.title or "Plan", "tasks": tasks}
        blocks: list[Json] = []
        for piece in self.pieces:
            if piece["type"] != "task_card":
                blocks.append(dict(piece))
            elif plan not in blocks:
                blocks.append(plan)
        return blocks


class Streams:
    """The open streams; each ends by itself five minutes after it was started."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._journal = workspace, workspace.journal
        self._streams: dict[tuple[str, str], Stream] = {}
        for body in self._journal.all("stream").values():
            self._streams[body["channel"], body["ts"]] = Stream(**body)

    def open(self) -> list[Stream]:
        """End the streams whose lifetime is over, and return those that can still be appended to."""
        for stream in list(self._streams.values()):
            if not stream.stopped_by_user and stream.started + LIFETIME_SECONDS <= self._workspace.now():
                self._end(stream)
        return [stream for stream in self._streams.values() if not stream.stopped_by_user]

    def start(self, message: Message, display: str, chunks: list[Json]) -> None:
        """Start a stream into a message that was just posted."""
        stream = Stream(message.channel, message.ts, self._workspace.now(), display)
        self._streams[message.channel, message.ts] = stream
        self._grow(stream, message, chunks)

    def append(self, message: Message, chunks: list[Json]) -> None:
        """Append to a stream; raises `ApiError` if it has ended."""
        self._grow(self._writable(message), message, chunks)

    def stop(self, message: Message, chunks: list[Json], blocks: list[Json], metadata: Json | None) -> None:
        """Append the last chunks and end the stream."""
        stream = self._writable(message)
        stream.fill(message, chunks)
        message.metadata = metadata or message.metadata
        message.blocks += blocks
        self._end(stream)

    def stop_by_user(self, channel: str, root: str) -> list[str]:
        """End the streams of a thread whose Stop button a person pressed; return their messages' ts."""
        stopped = []
        for stream in self.open():
            message = self._workspace.message(stream.channel, stream.ts)
            if message and (message.channel, message.root) == (channel, root):
                stream.stopped_by_user = True
                self._keep(stream)
                self._workspace.edit(message, mark=False, streaming=False)
                stopped.append(stream.ts)
        return stopped

    def _writable(self, message: Message) -> Stream:
        self.open()
        stream = self._streams.get((message.channel, message.ts))
        if stream is None:
            raise ApiError("message_not_in_streaming_state")
        if stream.stopped_by_user:
            raise ApiError("stopped_by_user")
        return stream

    def _grow(self, stream: Stream, message: Message, chunks: list[Json]) -> None:
        stream.fill(message, chunks)
        self._keep(stream)
        self._workspace.refresh(message)

    def _end(self, stream: Stream) -> None:
        del self._streams[stream.channel, stream.ts]
        self._journal.drop("stream", f"{stream.channel}:{stream.ts}")
        if message := self._workspace.message(stream.channel, stream.ts):
            self._workspace.edit(message, mark=False, streaming=False)

    def _keep(self, stream: Stream) -> None:
        self._journal.put("stream", f"{stream.channel}:{stream.ts}", asdict(stream))


def read_chunks(arguments: Json) -> list[Json]:
    """Return the chunks of a call, its `markdown_text` first; raises `ApiError` on one that Slack refuses."""
    chunks: list[Json] = []
    if text := arguments.get("markdown_text"):
        chunks.append({"type": "markdown_text", "text": text})
    given = arguments.get("chunks") or []
    if not isinstance(given, list):
        raise ApiError("invalid_chunks")
    chunks += given
    for index, chunk in enumerate(chunks):
        if problem := _problem(chunk):
            raise ApiError("invalid_chunks", f"{problem} [json-pointer:/chunks/{index}]")
    if sum(len(c["text"]) for c in chunks if c["type"] == "markdown_text") > MARKDOWN_LIMIT:
        raise ApiError("msg_too_long")
    if sum(len(c["blocks"]) for c in chunks if c["type"] == "blocks") > 50:
        raise ApiError("msg_blocks_too_many")
    return chunks


def _problem(chunk: Any) -> str | None:
    if not isinstance(chunk, dict):
        return "must be an object"
    match chunk.get("type"):
        case "markdown_text":
            return None if isinstance(chunk.get("text"), str) else "missing required field: text"
        case "plan_update" | "task_update" as kind:
            needed = ("title",) if kind == "plan_update" else ("id", "title", "status")
            missing = [name for name in needed if not isinstance(chunk.get(name), str)]
            if missing:
                return f"missing required field: {missing[0]}"
            if kind == "task_update" and chunk["status"] not in _STATES:
                return f"must be one of {', '.join(_STATES)}: status"
            texts = [name for name in ("title", "details", "output") if len(chunk.get(name) or "") > FIELD_LIMIT]
            return f"must be less than {FIELD_LIMIT + 1} characters: {texts[0]}" if texts else None
        case "blocks":
            check_blocks(chunk.get("blocks"))
            return None
        case unknown:
            return f"unsupported type: {unknown}"


def rich_text(text: str) -> Json:
    """Return `text` as the rich text that task cards hold."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}
