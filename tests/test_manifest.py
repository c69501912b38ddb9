"""The manifest is one that Slack takes, and asks for what the bot uses and no more."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from bot.doctor import SCOPES
from bot.local.workspace.manifest import read_manifest
from bot.slack.listeners import REMOVALS, REQUESTS

TOP = Path(__file__).parents[1]
MANIFEST = TOP / "manifest.yml"
REDUCED = Path(__file__).with_name("manifest.schema.json")
WHOLE = TOP.parent / "shared/data/manifest.schema.2.0.0.json"  # Slack's own; ours stands in for it where it is not
# A connection is opened by the app token; messages are read by the scope of their channel, as their events are, and
# channels are listed by a scope for each kind.
SCOPE_OF_METHOD = {
    **dict.fromkeys(("apps_connections_open", "auth_test")),
    **dict.fromkeys(("conversations_history", "conversations_replies", "users_conversations")),
    **dict.fromkeys(
        ("assistant_threads_setStatus", "chat_delete", "chat_postEphemeral", "chat_postMessage", "chat_update"), "chat:write"
    ),
    **dict.fromkeys(("files_completeUploadExternal", "files_getUploadURLExternal"), "files:write"),
    **dict.fromkeys(("files_info", "files_list"), "files:read"), "users_info": "users:read",
}  # fmt: skip
SCOPE_OF_EVENT = {f"message.{kind}": f"{kind}:history" for kind in ("channels", "groups", "im", "mpim")} | {
    "app_mention": "app_mentions:read"
}
DELETED = object()
WRONG: dict[str, tuple[Sequence[str | int], Any]] = {
    "no display information": (["display_information"], DELETED), "no name": (["display_information", "name"], DELETED),
    "a name too long": (["display_information", "name"], "Workings " * 4),
    "a long description that is short": (["display_information", "long_description"], "Writes Python."),
    "an unknown key": (["features", "agent_views"], {}), "a flag in words": (["settings", "socket_mode_enabled"], "yes"),
    "a bot without a name": (["features", "bot_user", "display_name"], ""),
    "a command without a slash": (["features", "slash_commands", 0, "command"], "runpy"),
    "a command without a description": (["features", "slash_commands", 0, "description"], DELETED),
    "a shortcut's name too long": (["features", "shortcuts", 0, "name"], "Run this Python file here"),
    "a shortcut of no known type": (["features", "shortcuts", 0, "type"], "file"),
    "five prompts": (["features", "agent_view", "suggested_prompts"], [{"title": "a", "message": "b"}] * 5),
    "an event twice": (["settings", "event_subscriptions", "bot_events"], ["app_mention", "app_mention"]),
    "interactivity that is neither on nor off": (["settings", "interactivity"], {}),
    "a scope that is no text": (["oauth_config", "scopes", "bot"], [1]),
}  # fmt: skip


OURS = Draft7Validator(json.loads(REDUCED.read_text()))
SLACKS = Draft7Validator(json.loads(WHOLE.read_text())) if WHOLE.exists() else OURS


def changed(path: Sequence[str | int], value: Any) -> Any:
    """The manifest with one thing in it changed."""
    manifest = copy.deepcopy(yaml.safe_load(MANIFEST.read_text()))
    place = manifest
    for key in path[:-1]:
        place = place[key]
    if value is DELETED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return manifest


def test_slack_takes_the_manifest() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())

    assert [error.message for schema in (OURS, SLACKS) for error in schema.iter_errors(manifest)] == []


@pytest.mark.parametrize("wrong", WRONG)
def test_our_schema_and_slacks_refuse_a_manifest_with(wrong: str) -> None:
    manifest = changed(*WRONG[wrong])

    assert (OURS.is_valid(manifest), SLACKS.is_valid(manifest)) == (False, False)


@pytest.mark.parametrize(
    ("where", "word"),
    [
        (["oauth_config", "scopes", "bot"], "chat:writes"),
        (["settings", "event_subscriptions", "bot_events"], "app_mentions"),
        (["display_information", "background_color"], "blue"),
    ],
)
def test_our_schema_also_refuses_a_misspelled_name_that_slacks_own_lets_pass(where: list[str], word: str) -> None:
    assert not OURS.is_valid(changed(where, word if where[-1] == "background_color" else [word]))


def test_the_manifest_declares_what_people_invoke() -> None:
    manifest = read_manifest(MANIFEST)

    assert list(manifest.commands) == ["/runpy"]
    assert manifest.message_shortcuts == {"run_file": "Run this file"}
    assert len(manifest.prompts) == 4


def test_every_subscribed_event_may_be_heard() -> None:
    manifest = read_manifest(MANIFEST)

    assert {event for event in manifest.events if not manifest.hears(event)} == set()


def test_every_subscribed_event_has_a_listener_and_every_listener_an_event() -> None:
    manifest = read_manifest(MANIFEST)

    assert {event.split(".")[0] for event in manifest.events} == {*REQUESTS, *REMOVALS}


def test_the_manifest_asks_for_the_scopes_of_what_the_bot_calls_and_hears_and_no_others() -> None:
    manifest = read_manifest(MANIFEST)
    source = "".join(path.read_text() for path in sorted((TOP / "bot/slack").glob("*.py")))
    methods = set(re.findall(r"(?<!handler\.)client\.([a-z]+_\w+)[(,]", source))

    listed = {f"{kind}:read" for kind in ("channels", "groups", "im", "mpim") if "users_conversations" in methods}
    scopes = {SCOPE_OF_METHOD[method] for method in methods} | {SCOPE_OF_EVENT.get(event) for event in manifest.events} | listed

    assert manifest.scopes == (scopes - {None}) | {"commands", "assistant:write"}  # an agent's view has the last one


def test_the_doctor_looks_for_the_scopes_that_the_manifest_asks_for() -> None:
    assert read_manifest(MANIFEST).scopes == SCOPES
