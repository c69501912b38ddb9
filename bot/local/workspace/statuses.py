"""The status lines and agent sessions with which the app shows that it is at work."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bot.local.workspace.messages import Change
from bot.local.workspace.people import BOT_USER
from bot.local.workspace.state import Workspace

STATUS_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Status:
    channel: str
    thread_ts: str
    text: str
    loading_messages: tuple[str, ...]
    since: float


@dataclass(slots=True)
class Session:
    channel: str
    thread_ts: str
    status: str
    title: str = ""


class Statuses:
    """One status line per thread; it disappears after two minutes, or when the app posts there."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._journal = workspace, workspace.journal
        self._lines: dict[tuple[str, str], Status] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        for body in self._journal.all("session").values():
            self.sessions[body["channel"], body["thread_ts"]] = Session(**body)
        workspace.followers.append(self._follow)

    def show(self, channel: str, thread_ts: str, text: str, loading_messages: tuple[str, ...] = ()) -> None:
        """Set the status line of a thread; an empty text clears it."""
        key = channel, thread_ts
        if text:
            self._lines[key] = Status(channel, thread_ts, text, loading_messages, self._workspace.now())
        elif self._lines.pop(key, None) is None:
            return
        self._workspace.tell(Change("status", channel, thread_ts=thread_ts, text=text))

    def current(self) -> list[Status]:
        """Return the status lines that are still shown."""
        ended = [s for s in self._lines.values() if s.since + STATUS_SECONDS <= self._workspace.now()]
        for status in ended:
            self.show(status.channel, status.thread_ts, "")
        return list(self._lines.values())

    def session(self, channel: str, thread_ts: str, status: str, title: str | None = None) -> Session:
        """Set the state of the app's session in a thread; while it is `processing`, a status line is shown."""
        session = self.sessions.setdefault((channel, thread_ts), Session(channel, thread_ts, status))
        session.status = status
        if title is not None:
            session.title = title
        self._journal.put("session", f"{channel}:{thread_ts}", asdict(session))
        self.show(channel, thread_ts, "is working…" if status == "processing" else "")
        return session

    def _follow(self, change: Change) -> None:
        message = change.message
        if change.kind == "message" and message and message.user == BOT_USER and not message.streaming:
            self.show(message.channel, message.root, "")
