"""Turn what Slack sends into a Request, or None when it is not for the bot; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import UserError
from bot.slack.reading import mentioned, plain, uploads, words
from bot.thread.request import Command, Request, ThreadId, Upload
from bot.thread.text import code_to_run, means_stop, named, typed_words

Payload = Mapping[str, Any]
HEARD = {None, "", "file_share", "thread_broadcast"}


def request_from(event: Payload, team: str, bot_user: str, *, shared: bool = False) -> Request | None:
    """Return what an `app_mention`, `message` or `agent_session_stopped` event asks of the bot.

    `team` is the bot's own; `shared` says that the channel is shared with another organization.
    """
    if event.get("type") == "agent_session_stopped":
        thread = ThreadId(team, str(event["channel"]), str(event["thread_ts"]))
        return _stop(thread, str(event.get("event_ts") or thread.ts), str(event.get("user") or ""))
    match event.get("subtype"):
        case "message_changed":
            return _changed(event, team, bot_user, shared)
        case "message_deleted":
            return _deleted(event.get("previous_message") or {}, event, team, bot_user)
        case subtype if subtype not in HEARD:
            return None
    return _message(event, str(event.get("channel") or ""), team, bot_user, shared)


def _message(message: Payload, channel: str, team: str, bot_user: str, shared: bool) -> Request | None:
    user, ts = str(message.get("user") or ""), str(message.get("ts") or "")
    if not (user and ts and channel) or user == bot_user or message.get("bot_id"):
        return None
    raw = str(message.get("text") or "")
    others = mentioned(raw)
    direct = channel.startswith("D") or bot_user in others
    if not direct and (others or not message.get("thread_ts")):
        return None
    thread = ThreadId(team, channel, str(message.get("thread_ts") or ts))
    text, files = plain(raw, bot_user), uploads(message)
    if (thread.ts != ts or channel.startswith("D")) and means_stop(text) and not files:
        return _stop(thread, ts, user)
    code = code_to_run(text) if direct else None
    command = Command(code=code) if code is not None else None
    if direct and (script := _script_to_run(named(text, {}), files)):
        command, files = script
    return Request(
        key=f"msg:{channel}:{ts}", thread=thread, ts=ts, user=user, text=words(message, bot_user), direct=direct, uploads=files,
        command=command, external=_foreign(message, team, shared),
    )  # fmt: skip


def _script_to_run(text: str, files: tuple[Upload, ...]) -> tuple[Command, tuple[Upload, ...]] | None:
    """Return the command of a message `/runpy [name] [args…]` that carries its script, and its uploads, the script first."""
    scripts = [upload for upload in files if upload.name.endswith(".py")]
    try:
        name, *args = (typed_words(text) if scripts else None) or [""]
    except ValueError:
        return None
    if name != "/runpy":
        return None
    script = next((upload for upload in scripts if args and upload.name == args[0]), scripts[0])
    args = args[1:] if args and args[0] == script.name else args
    return Command(target=script.name, args=tuple(args)), (script, *(u for u in files if u.id != script.id))


def _changed(event: Payload, team: str, bot_user: str, shared: bool) -> Request | None:
    """Return a person's edit; one that adds a mention of the bot is a new question, one that unfurls a link is ignored."""
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    channel = str(event.get("channel") or "")
    if message.get("subtype") == "tombstone":
        return _deleted(before or message, event, team, bot_user)
    if message.get("subtype") not in HEARD or message.get("text") == before.get("text") or not message.get("edited"):
        return None
    request = _message(message, channel, team, bot_user, shared)
    if request is None or request.kind != "message":
        return None
    now, then = (bot_user in mentioned(str(m.get("text"))) for m in (message, before))
    if now and not then:
        return request
    edited = str((message.get("edited") or {}).get("ts") or event.get("event_ts") or request.ts)
    return Request(
        key=f"edit:{channel}:{request.ts}:{edited}", thread=request.thread, ts=edited, user=request.user,
        text=request.text, kind="edit", replaces=request.ts,
    )  # fmt: skip


def _deleted(before: Payload, event: Payload, team: str, bot_user: str) -> Request | None:
    """Return a deletion of a person's message, which `before` holds as it was."""
    channel, ts = str(event.get("channel") or ""), str(event.get("deleted_ts") or before.get("ts") or "")
    if not ts or before.get("user") == bot_user or before.get("bot_id"):
        return None
    thread = ThreadId(team, channel, str(before.get("thread_ts") or ts))
    when = str(event.get("event_ts") or event.get("ts") or ts)
    user = str(before.get("user") or "")
    return Request(key=f"delete:{channel}:{ts}", thread=thread, ts=when, user=user, kind="delete", replaces=ts)


def _stop(thread: ThreadId, ts: str, user: str) -> Request:
    return Request(key=f"stop:{thread.channel}:{ts}", thread=thread, ts=ts, user=user, kind="stop", text="stop")


def stop_from(body: Payload, team: str) -> Request | None:
    """Return the stop that a press of the Stop button asks for, or None without a message; `team` is our own, here and below."""
    message, channel = body.get("message") or {}, (body.get("channel") or {}).get("id")
    if not channel or not message.get("ts"):
        return None
    thread = ThreadId(team, str(channel), str(message.get("thread_ts") or message["ts"]))
    actions: Sequence[Payload] = body.get("actions") or ()
    when = next((str(a["action_ts"]) for a in actions if a.get("action_ts")), str(message["ts"]))
    return _stop(thread, when, str((body.get("user") or {}).get("id")))


def command_from(body: Payload, team: str, now: str) -> Request:
    """Parse `/runpy [name | permalink | F-id] [args…]`; raises UserError when its quotes do not match."""
    text = named(plain(str(body.get("text") or ""), ""), {}).strip()
    try:
        target, *args = typed_words(text) or [""]
    except ValueError as error:
        raise UserError(f"I cannot read `{text}`: {str(error).lower()}. Close the quote and try again.") from error
    return _command(body, team, now, str(body["channel_id"]), str(body["user_id"]), Command(target=target, args=tuple(args)))


def shortcut_from(body: Payload, team: str, now: str) -> Request:
    """Return the command of the message shortcut "Run this file"."""
    channel, user = str(body["channel"]["id"]), str(body["user"]["id"])
    message_ts = str(body.get("message_ts") or body["message"]["ts"])
    return _command(body, team, now, channel, user, Command(message_ts=message_ts))


def _command(body: Payload, team: str, now: str, channel: str, user: str, command: Command) -> Request:
    trigger = str(body.get("trigger_id") or now)
    return Request(
        key=f"cmd:{trigger}", thread=ThreadId(team, channel, f"cmd:{trigger}"), ts=now, user=user, kind="command",
        command=command, response_url=body.get("response_url"),
    )  # fmt: skip


def _foreign(message: Payload, team: str, shared: bool) -> bool:
    """Whether the author belongs to another organization; in a shared channel the author's own team decides."""
    homes = [home for home in (message.get("user_team"), message.get("source_team")) if home]
    return bool(homes) and (homes[0] != team if shared else team not in homes)
