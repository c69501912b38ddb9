"""What people do besides writing: commands, shortcuts, buttons, Stop, and opening the app."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.buttons import press
from bot.local.workspace.delivery import Delivery
from bot.local.workspace.events import Events
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Message
from bot.local.workspace.people import APP, BOT_USER, SLACKBOT, TEAM, User
from bot.local.workspace.responses import Responses
from bot.local.workspace.state import Workspace
from bot.local.workspace.streams import Streams

TRIGGER_SECONDS = 3.0
INVITE, IGNORE = "slackbot_invite", "slackbot_ignore"


def _button(text: str, action_id: str, **more: str) -> Json:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action_id, **more}


class Refused(Exception):
    """An act that is not possible here, with a message for the person."""


@dataclass(slots=True, kw_only=True)
class Interactions:
    """Sends people's acts to the app as payloads of `slash_commands` and `interactive` envelopes."""

    workspace: Workspace
    delivery: Delivery
    events: Events
    streams: Streams
    responses: Responses
    _triggers: dict[str, float] = field(default_factory=dict)

    async def command(self, channel_id: str, user: User, command: str, text: str) -> None:
        """Invoke a slash command, and show the person what the app answers in its acknowledgement."""
        if command in {"/invite", "/remove"}:
            self._membership(channel_id, user, command)
            return
        if command not in self.workspace.manifest.commands or "commands" not in self.workspace.manifest.scopes:
            raise Refused(f"{command} is not a valid command.")
        channel = self.workspace.channels[channel_id]
        names = {"im": "directmessage", "group": "privategroup"}
        payload: Json = {
            "token": self.events.token, "team_id": TEAM, "team_domain": "local", "channel_id": channel_id,
            "channel_name": names.get(channel.kind, channel.name), "user_id": user.id, "user_name": user.name,
            "command": command, "text": text, "api_app_id": APP, "is_enterprise_install": "false",
            "response_url": self.responses.url(channel_id, user.id), "trigger_id": self._trigger(),
        }  # fmt: skip
        answer = await self.delivery.ask("slash_commands", payload, accepts_response=True)
        if answer is None:
            self.workspace.note(channel_id, user.id, f"{command} failed because the app did not respond.")
        elif answer.get("text") or answer.get("blocks"):
            try:
                self.responses.show(channel_id, user.id, answer)
            except ApiError as error:
                note = f"{command} failed with the error {error.error}."
                self.workspace.note(channel_id, user.id, note)

    async def shortcut(self, message: Message, user: User, callback_id: str) -> None:
        """Invoke a message shortcut on a message."""
        manifest = self.workspace.manifest
        if callback_id not in manifest.message_shortcuts or "commands" not in manifest.scopes:
            raise Refused(f"There is no message shortcut {callback_id}.")
        payload = self._payload("message_action", message, user) | {
            "action_ts": self.workspace.next_ts(),
            "callback_id": callback_id,
            "message_ts": message.ts,
            "message": self.workspace.to_slack(message),
        }
        await self._interact(payload, message, user)

    async def action(self, message: Message, user: User, action_id: str, value: str | None) -> None:
        """Press a button, or choose from a menu, of a message."""
        if message.user == SLACKBOT and action_id in {INVITE, IGNORE}:
            if action_id == INVITE:
                self._membership(message.channel, user, "/invite")
            self.workspace.delete(message)
            return
        action = press(message.blocks, action_id, value)
        if action is None:
            raise Refused(f"The message has nothing to press called {action_id}.")
        container: Json = {
            "type": "message", "message_ts": message.ts, "channel_id": message.channel,
            "is_ephemeral": message.ephemeral_to is not None,
        }  # fmt: skip
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = self._payload("block_actions", message, user) | {
            "container": container,
            "enterprise": None,
            "state": {"values": {}},
            "actions": [action | {"action_ts": self.workspace.next_ts()}],
        }
        if not message.ephemeral_to:
            payload["message"] = self.workspace.to_slack(message)
        await self._interact(payload, message, user)

    def offer_invitation(self, message: Message) -> None:
        """Offer to invite the app when a message mentions it where it is no member; as in Slack, it never hears of that message."""
        if f"<@{BOT_USER}>" not in message.text or self.workspace.in_channel(BOT_USER, message.channel):
            return
        text = f"You mentioned <@{BOT_USER}>, who is not in this channel. Invite them, then ask again."
        buttons = [_button("Invite them", INVITE, style="primary"), _button("Do nothing", IGNORE)]
        blocks: list[Json] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": text}},
            {"type": "actions", "elements": buttons},
        ]
        self.workspace.note(message.channel, message.user, text, message.thread_ts, blocks)

    def stop(self, channel: str, user: User, thread_ts: str) -> list[str]:
        """Press Stop in a thread: end its streams and tell the app; return the streams' ts."""
        stopped = self.streams.stop_by_user(channel, thread_ts)
        where = {"type": "agent_session_stopped", "channel": channel, "thread_ts": thread_ts, "user": user.id}
        self.events.offer("agent_session_stopped", where | {"streaming_message_ts": stopped, "event_ts": self.workspace.next_ts()})
        return stopped

    def use_trigger(self, trigger_id: str) -> None:
        """Use up a trigger id; raises `ApiError` if it is unknown, used or expired."""
        expires = self._triggers.pop(trigger_id, None)
        if expires is None or expires < self.workspace.now():
            raise ApiError("invalid_trigger_id" if expires is None else "expired_trigger_id")

    async def _interact(self, payload: Json, message: Message, user: User) -> None:
        if not self.workspace.manifest.interactive:
            raise Refused("The app has not switched interactivity on.")
        if await self.delivery.ask("interactive", payload) is None:
            note = f"{self.workspace.manifest.name} did not respond."
            self.workspace.note(message.channel, user.id, note, message.thread_ts)

    def _payload(self, kind: str, message: Message, user: User) -> Json:
        channel = self.workspace.channels[message.channel]
        return {
            "type": kind, "token": self.events.token, "trigger_id": self._trigger(),
            "response_url": self.responses.url(message.channel, user.id, message.ts), "api_app_id": APP,
            "team": {"id": TEAM, "domain": "local"}, "is_enterprise_install": False,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        }  # fmt: skip

    def _trigger(self) -> str:
        now = self.workspace.now()
        self._triggers = {trigger: expires for trigger, expires in self._triggers.items() if expires > now - 60}
        trigger = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[trigger] = now + TRIGGER_SECONDS
        return trigger

    def _membership(self, channel_id: str, user: User, command: str) -> None:
        workspace = self.workspace
        channel = workspace.channels[channel_id]
        if channel.is_im:
            raise Refused(f"{command} does not work in direct messages.")
        inside, name = BOT_USER in channel.members, self.workspace.manifest.bot_name
        if command == "/invite" and not inside:
            workspace.join(channel_id, BOT_USER)
            workspace.post(channel_id, BOT_USER, f"<@{BOT_USER}> has joined the channel", subtype="channel_join")
        elif command == "/remove" and inside:
            workspace.leave(channel_id, BOT_USER)
            workspace.note(channel_id, user.id, f"@{name} was removed.")
        else:
            workspace.note(channel_id, user.id, f"@{name} is {'already' if inside else 'not'} here.")
