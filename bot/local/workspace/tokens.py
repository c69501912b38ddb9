"""The secrets of a local workspace, created once per data folder and readable by its owner alone."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.disk import written_whole


@dataclass(frozen=True, slots=True)
class Tokens:
    """The secrets that a bot needs; the signing secret is for signed HTTP."""

    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str


def open_tokens(path: Path) -> Tokens:
    """Return the tokens in `path`, created on the first call (mode 0600)."""
    if path.exists():
        return Tokens(**json.loads(path.read_text()))
    tokens = Tokens(
        bot_token=f"xoxb-local-{secrets.token_hex(16)}",
        app_token=f"xapp-local-{secrets.token_hex(16)}",
        signing_secret=secrets.token_hex(16),
        verification_token=secrets.token_hex(12),
    )
    with written_whole(path) as file:
        file.write(json.dumps(asdict(tokens)).encode())
    return tokens
