"""assistant.threads.* and agents.sessions.*: status and titles."""

from __future__ import annotations

from dataclasses import dataclass

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import STATUS
from bot.local.workspace.methods.access import Access
from bot.local.workspace.statuses import Statuses

SESSION_STATES = ("active", "processing", "suspended", "closed")
_LOOK = "icon_emoji icon_url username"
_STATUS = f"channel_id! thread_ts! status loading_messages:list {_LOOK}"
_SESSION = f"channel_id! thread_ts status! title initiator_user_id {_LOOK}"
_WRITE = ("chat:write",)
_ASSIST = ("assistant:write",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """assistant.threads.* and agents.sessions.*: status and titles."""

    access: Access
    statuses: Statuses

    def methods(self) -> dict[str, Method]:
        return {
            "assistant.threads.setStatus": Method(self.set_status, _STATUS, (*_WRITE, *_ASSIST), STATUS),
            "agents.sessions.setStatus": Method(self.set_session, _SESSION, _WRITE),
        }

    def _thread(self, arguments: Json) -> tuple[str, str]:
        channel = self.access.joined_channel(arguments["channel_id"])
        given = arguments.get("thread_ts")
        if given is None and channel.is_im:
            return channel.id, ""
        root = self.access.thread_root(channel, given)
        if root is None:
            raise ApiError("invalid_thread_ts")
        return channel.id, root

    async def set_status(self, arguments: Json) -> Json:
        channel, root = self._thread(arguments)
        loading = arguments.get("loading_messages") or []
        if len(loading) > 10:
            raise ApiError("invalid_arguments", "no more than 10 items allowed [json-pointer:/loading_messages]")
        self.statuses.show(channel, root, arguments.get("status", ""), tuple(loading))
        return {}

    async def set_session(self, arguments: Json) -> Json:
        if not self.access.workspace.manifest.is_agent:
            raise ApiError("not_allowed")
        self.access.need_scope("assistant:write")
        if arguments["status"] not in SESSION_STATES:
            raise ApiError("invalid_arguments", f"must be one of {', '.join(SESSION_STATES)}: status")
        if len(arguments.get("title", "")) > 200:
            raise ApiError("invalid_arguments", "must be less than 201 characters: title")
        channel, root = self._thread(arguments)
        session = self.statuses.session(channel, root, arguments["status"], arguments.get("title"))
        answer: Json = {"status": session.status, "agent_status": session.status, "title": session.title}
        if not self.access.workspace.manifest.hears("agent_session_stopped"):
            answer["warning"] = "missing_agent_session_stopped_event_subscription"
        return answer
