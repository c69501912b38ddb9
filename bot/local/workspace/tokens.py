"""The secrets of one local workspace: made once per data directory, readable by its owner alone."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.disk import written_whole


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a bot needs to talk to this workspace; the signing secret is for the signed HTTP mode."""

    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str


def open_tokens(path: Path) -> Tokens:
    """Return the tokens kept in `path`, making them the first time (mode 0600)."""
    if path.exists():
        return Tokens(**json.loads(path.read_text()))
    tokens = Tokens(
        bot_token=f"xoxb-local-{secrets.token_hex(16)}",
        app_token=f"xapp-local-{secrets.token_hex(16)}",
        signing_secret=secrets.token_hex(16),
        verification_token=secrets.token_hex(12),
    )
    with written_whole(path, mode=0o600) as file:
        file.write(json.dumps(asdict(tokens)).encode())
    return tokens
