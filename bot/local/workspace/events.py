"""The events of the Events API that changes of the workspace cause."""

from __future__ import annotations

import re
import secrets

from bot.local.workspace.delivery import Delivery
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Change, Message
from bot.local.workspace.people import APP, BOT_USER, TEAM
from bot.local.workspace.state import Workspace


class Events:
    """Follows the workspace and queues an event for each change that the app has subscribed to and may read."""

    def __init__(self, workspace: Workspace, delivery: Delivery, verification_token: str) -> None:
        self._workspace, self._delivery, self.token = workspace, delivery, verification_token
        workspace.followers.append(self._follow)

    def send(self, event: Json, event_id: str | None = None) -> str:
        """Queue `event` unchanged, whatever the app has subscribed to; return its event id."""
        event_id = event_id or f"Ev0{secrets.token_hex(5).upper()}"
        channel = self._workspace.channels.get(str(event.get("channel")))
        authorization = {"enterprise_id": None, "team_id": TEAM, "user_id": BOT_USER, "is_bot": True}
        authorization |= {"is_enterprise_install": False}
        envelope = {
            "token": self.token, "team_id": TEAM, "context_team_id": TEAM, "context_enterprise_id": None,
            "api_app_id": APP, "event": event, "type": "event_callback", "event_id": event_id,
            "event_time": int(self._workspace.now()), "authorizations": [authorization],
            "is_ext_shared_channel": channel is not None and channel.is_ext_shared,
            "event_context": f"4-{secrets.token_hex(8)}",
        }  # fmt: skip
        self._delivery.event(envelope)
        return event_id

    def offer(self, name: str, event: Json) -> bool:
        """Queue `event` if the app has subscribed to `name`; return whether it has."""
        heard = self._workspace.manifest.hears(name)
        if heard:
            self.send(event)
        return heard

    def _follow(self, change: Change) -> None:
        message = change.message
        if message is None or message.ephemeral_to or not self._workspace.in_channel(BOT_USER, message.channel):
            return
        channel = self._workspace.channels[message.channel]
        where = {"channel": channel.id, "channel_type": channel.kind}
        subscription = f"message.{channel.prefix}"
        match change.kind:
            case "message":
                body = self._said(message)
                self.offer(subscription, body | where | {"event_ts": message.ts})
                is_mention = message.user != BOT_USER and re.search(rf"<@{BOT_USER}[>|]", message.text)
                if is_mention and not channel.is_im:
                    mention = {key: value for key, value in body.items() if key not in {"subtype", "upload"}}
                    mention |= {"type": "app_mention", "channel": channel.id, "event_ts": message.ts}
                    self.offer("app_mention", mention)
            case "changed":
                now = self._said(message)
                self.offer(subscription, self._about("changed", message=now, previous_message=change.previous) | where)
            case "deleted":
                gone = {"previous_message": change.previous, "deleted_ts": message.ts}
                self.offer(subscription, self._about("deleted", **gone) | where)

    def _said(self, message: Message) -> Json:
        body = self._workspace.to_slack(message, metadata=self._workspace.manifest.hears("message.metadata"))
        if message.files:
            # Slack's events about files lack the team, which a streamed answer to them would need.
            body.pop("team")
        return body

    def _about(self, what: str, **parts: Json | str | None) -> Json:
        ts = self._workspace.next_ts()
        return {"type": "message", "subtype": f"message_{what}", "hidden": True, "ts": ts, "event_ts": ts, **parts}
