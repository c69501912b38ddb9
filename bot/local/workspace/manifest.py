"""The app as `manifest.yml` declares it: its scopes, events, commands and shortcuts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# What Slack refuses to deliver without the scope, whatever the subscription says.
_SCOPE_OF_EVENT = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """An app: its bot's name, granted scopes, subscribed events, commands, names of message shortcuts and prompts."""

    name: str
    bot_name: str
    scopes: frozenset[str]
    events: frozenset[str]
    commands: Mapping[str, Mapping[str, str]]
    message_shortcuts: Mapping[str, str]
    prompts: tuple[dict[str, str], ...]
    is_agent: bool
    interactive: bool

    def hears(self, event: str) -> bool:
        """Whether `event`, named as in the manifest (`message.im`), is both subscribed and permitted."""
        scope = _SCOPE_OF_EVENT.get(event)
        return event in self.events and (scope is None or scope in self.scopes)


def read_manifest(path: Path) -> Manifest:
    """Parse a manifest file; raises `OSError` or `ValueError`, which says what is wrong."""
    document: Any = yaml.safe_load(path.read_text())
    if not isinstance(document, dict) or "display_information" not in document:
        raise ValueError(f"{path} is not a Slack app manifest.")
    features = document.get("features", {})
    settings = document.get("settings", {})
    agent = features.get("agent_view")
    name = document["display_information"]["name"]
    return Manifest(
        name=name,
        bot_name=features.get("bot_user", {}).get("display_name", name.lower()),
        scopes=frozenset(document.get("oauth_config", {}).get("scopes", {}).get("bot", ())),
        events=frozenset(settings.get("event_subscriptions", {}).get("bot_events", ())),
        commands={
            c["command"]: {"description": c["description"], "usage_hint": c.get("usage_hint", "")}
            for c in features.get("slash_commands", ())
        },
        message_shortcuts={s["callback_id"]: s["name"] for s in features.get("shortcuts", ()) if s["type"] == "message"},
        prompts=tuple(agent.get("suggested_prompts", ())) if agent else (),
        is_agent=agent is not None,
        interactive=bool(settings.get("interactivity", {}).get("is_enabled")),
    )
