"""What people do besides writing: commands, shortcuts, buttons, the Stop button, opening the app."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.local.arguments import ApiError
from bot.local.journal import Json
from bot.local.messages import Message
from bot.local.methods.chat import POST_LIMIT, content
from bot.local.people import APP, BOT_USER, TEAM, User
from bot.local.site import SITE, Site

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 1800.0
RESPONSE_USES = 5


class Refused(Exception):
    """Something a person cannot do here, in words for them."""


@dataclass(slots=True)
class _Response:
    """A response URL: where and to whom it answers, what it was offered on, and what is left of it."""

    channel: str
    user: str
    message: Message | None
    expires: float
    uses: int = RESPONSE_USES


class Interactions:
    """Turns what people do into the payloads of `slash_commands` and `interactive` envelopes."""

    def __init__(self) -> None:
        self._triggers: dict[str, float] = {}
        self._responses: dict[str, _Response] = {}
        self._site: Site | None = None

    @property
    def site(self) -> Site:
        if self._site is None:
            raise RuntimeError("bind() comes first")
        return self._site

    def bind(self, site: Site) -> None:
        self._site = site

    async def command(self, channel_id: str, user: User, command: str, text: str) -> None:
        """Invoke a slash command; what the app answers at once is shown to this person."""
        site = self.site
        if command in {"/invite", "/remove"}:
            self._membership(channel_id, user, command)
            return
        if command not in site.manifest.commands:
            raise Refused(f"{command} is not a valid command.")
        channel = site.workspace.channels[channel_id]
        names = {"im": "directmessage", "group": "privategroup"}
        answer = await site.delivery.ask(
            "slash_commands",
            {
                "token": site.tokens.verification_token,
                "team_id": TEAM,
                "team_domain": "local",
                "channel_id": channel_id,
                "channel_name": names.get(channel.kind, channel.name),
                "user_id": user.id,
                "user_name": user.name,
                "command": command,
                "text": text,
                "api_app_id": APP,
                "is_enterprise_install": "false",
                "response_url": self._response_url(channel_id, user, None),
                "trigger_id": self._trigger(),
            },
            accepts_response=True,
        )
        if answer is None:
            site.workspace.note(channel_id, user.id, f"{command} failed because the app did not respond.")
        elif answer:
            self._respond(_Response(channel_id, user.id, None, 0.0), answer)

    async def shortcut(self, message: Message, user: User, callback_id: str) -> None:
        """Invoke a message shortcut on a message."""
        site = self.site
        shortcut = site.manifest.shortcuts.get(callback_id)
        if shortcut is None or shortcut.type != "message" or "commands" not in site.manifest.scopes:
            raise Refused(f"There is no message shortcut {callback_id}.")
        payload = self._payload("message_action", message, user) | {
            "action_ts": site.workspace.next_ts(),
            "callback_id": callback_id,
            "message_ts": message.ts,
            "message": site.workspace.to_slack(message),
        }
        await self._interact(payload, message, user)

    async def action(self, message: Message, user: User, action_id: str, value: str | None) -> None:
        """Press a button, or choose from a menu, of a message."""
        site = self.site
        found = _find_element(message.blocks, action_id, value)
        if found is None:
            raise Refused(f"The message has nothing to press called {action_id}.")
        if not site.manifest.interactive:
            raise Refused("The app has not switched interactivity on.")
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.ephemeral_to is not None,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = self._payload("block_actions", message, user) | {
            "container": container,
            "enterprise": None,
            "state": {"values": {}},
            "actions": [_action(found, value) | {"action_ts": site.workspace.next_ts()}],
        }
        if not message.ephemeral_to:
            payload["message"] = site.workspace.to_slack(message)
        await self._interact(payload, message, user)

    def stop(self, channel: str, user: User, thread_ts: str) -> list[str]:
        """Press Stop in a thread: its streams end here and now, the rest is the app's; return their ts."""
        site = self.site
        stopped = site.streams.stop_by_user(channel, thread_ts)
        site.events.offer(
            "agent_session_stopped",
            {
                "type": "agent_session_stopped",
                "channel": channel,
                "thread_ts": thread_ts,
                "user": user.id,
                "streaming_message_ts": stopped,
                "event_ts": site.workspace.next_ts(),
            },
        )
        return stopped

    def open_home(self, channel: str, user: User) -> None:
        """Open the direct messages with the app."""
        ts = self.site.workspace.next_ts()
        event = {"type": "app_home_opened", "user": user.id, "channel": channel, "tab": "messages", "event_ts": ts}
        self.site.events.offer("app_home_opened", event)

    def use_trigger(self, trigger_id: str) -> str | None:
        """Spend a trigger; return Slack's error if it is unknown, used or too old."""
        expires = self._triggers.pop(trigger_id, None)
        if expires is None:
            return "invalid_trigger_id"
        return "expired_trigger_id" if expires < self.site.workspace.now() else None

    async def answer(self, request: web.Request) -> web.Response:
        """Take a POST to a response URL."""
        response = self._responses.get(request.match_info["id"])
        if response is None or response.uses == 0:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        if response.expires < self.site.workspace.now():
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        try:
            body = await request.json() if request.content_type == "application/json" else {}
        except json.JSONDecodeError:
            body = {}
        if not isinstance(body, dict) or not body:
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        response.uses -= 1
        try:
            self._respond(response, body)
        except ApiError as error:
            return web.json_response({"ok": False, "error": error.error, **error.details}, status=400)
        return web.json_response({"ok": True})

    def _respond(self, response: _Response, body: Json) -> None:
        workspace, original = self.site.workspace, response.message
        if original and original.ts not in {m.ts for m in workspace.messages(original.channel)}:
            original = None
        if body.get("delete_original"):
            if original:
                workspace.delete(original)
            return
        fields = content(body, POST_LIMIT)
        if not fields.get("text") and not fields.get("blocks") and not fields.get("attachments"):
            raise ApiError("no_text")
        if body.get("replace_original") and original:
            workspace.edit(original, mark=False, **({"blocks": []} | fields))
            return
        thread = body.get("thread_ts") or (original.thread_ts if original else None)
        fields["thread_ts"] = thread
        if body.get("response_type", "ephemeral") != "in_channel":
            fields["ephemeral_to"] = response.user
        workspace.post(response.channel, BOT_USER, fields.pop("text", ""), **fields)

    async def _interact(self, payload: Json, message: Message, user: User) -> None:
        answer = await self.site.delivery.ask("interactive", payload)
        if answer is None:
            name = self.site.manifest.name
            self.site.workspace.note(message.channel, user.id, f"{name} did not respond.", message.thread_ts)

    def _payload(self, kind: str, message: Message, user: User) -> Json:
        channel = self.site.workspace.channels[message.channel]
        return {
            "type": kind,
            "token": self.site.tokens.verification_token,
            "trigger_id": self._trigger(),
            "response_url": self._response_url(message.channel, user, message),
            "api_app_id": APP,
            "team": {"id": TEAM, "domain": "local"},
            "is_enterprise_install": False,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        }

    def _trigger(self) -> str:
        trigger = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[trigger] = self.site.workspace.now() + TRIGGER_SECONDS
        return trigger

    def _response_url(self, channel: str, user: User, message: Message | None) -> str:
        key = secrets.token_hex(16)
        self._responses[key] = _Response(channel, user.id, message, self.site.workspace.now() + RESPONSE_SECONDS)
        return f"{self.site.base_url}response/{key}"

    def _membership(self, channel_id: str, user: User, command: str) -> None:
        workspace = self.site.workspace
        channel = workspace.channels[channel_id]
        if channel.is_im:
            raise Refused(f"{command} does not work in direct messages.")
        inside, name = BOT_USER in channel.members, self.site.manifest.bot_name
        if command == "/invite" and not inside:
            workspace.join(channel_id, BOT_USER)
            workspace.post(channel_id, BOT_USER, f"<@{BOT_USER}> has joined the channel", subtype="channel_join")
        elif command == "/remove" and inside:
            workspace.leave(channel_id, BOT_USER)
            workspace.note(channel_id, user.id, f"@{name} was removed.")
        else:
            workspace.note(channel_id, user.id, f"@{name} is {'already' if inside else 'not'} here.")


async def respond(request: web.Request) -> web.Response:
    """POST to a response URL."""
    return await request.app[SITE].interactions.answer(request)


def elements(blocks: Any) -> list[tuple[str, Json]]:
    """Every interactive element of a message's blocks, with the id of its block."""
    found: list[tuple[str, Json]] = []
    for index, block in enumerate(blocks or ()):
        block_id = str(block.get("block_id") or f"b{index}")
        here = [*(block.get("elements") or ()), block.get("accessory")]
        found += [(block_id, element) for element in here if isinstance(element, dict) and element.get("action_id")]
        found += elements(block.get("child_blocks"))
    return found


def _find_element(blocks: list[Json], action_id: str, value: str | None) -> tuple[str, Json] | None:
    named = [(block_id, element) for block_id, element in elements(blocks) if element["action_id"] == action_id]
    exact = (pair for pair in named if value is not None and pair[1].get("value") == value)
    return next(exact, named[0] if named else None)


def _action(found: tuple[str, Json], value: str | None) -> Json:
    block_id, element = found
    action = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id}
    match element["type"]:
        case "button":
            action |= {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        case "feedback_buttons":
            buttons = (element.get("positive_button") or {}, element.get("negative_button") or {})
            action |= next((b for b in buttons if b.get("value") == value), buttons[0])
        case "icon_button":
            action["value"] = element.get("value", "")
        case _:
            options = element.get("options") or []
            action["selected_option"] = next((o for o in options if o.get("value") == value), {"value": value})
    return action
