"""The manifest is one that Slack takes, and what the project says of the app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from bot.local.workspace.manifest import read_manifest

MANIFEST = Path(__file__).parents[1] / "manifest.yml"
SCHEMA = Path(__file__).parents[2] / "shared/data/manifest.schema.2.0.0.json"


@pytest.mark.skipif(not SCHEMA.exists(), reason="Slack's schema is not here")
def test_slack_takes_the_manifest() -> None:
    schema = json.loads(SCHEMA.read_text())

    problems = [error.message for error in Draft7Validator(schema).iter_errors(yaml.safe_load(MANIFEST.read_text()))]

    assert problems == []


def test_the_manifest_declares_what_people_invoke() -> None:
    manifest = read_manifest(MANIFEST)

    assert list(manifest.commands) == ["/runpy"]
    assert [(s.callback_id, s.name, s.type) for s in manifest.shortcuts.values()] == [
        ("run_file", "Run this file", "message")
    ]
    assert len(manifest.prompts) == 4


def test_every_subscribed_event_may_be_heard() -> None:
    manifest = read_manifest(MANIFEST)

    assert {event for event in manifest.events if not manifest.hears(event)} == set()
