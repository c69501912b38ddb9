"""`workings setup`: from nothing to a bot in Slack; makes the app's link, asks for the tokens, checks each, writes `.env`."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from bot.disk import written_whole
from bot.doctor import Finding, examine_app_token, examine_bot_token, examine_model
from bot.errors import SetupError
from bot.settings import Settings

MANIFESTS = (Path(__file__).parent / "manifest.yml", Path(__file__).parents[1] / "manifest.yml")  # of a wheel, of a clone
STEPS = """\
1. Open this link, choose your workspace, and press Create:

   {link}

2. Press “Install to Workspace”. Under “OAuth & Permissions” copy the bot token (xoxb-…).
3. Under “Basic Information”, “App-Level Tokens”, make one with the scope connections:write (xapp-…).
"""
Ask = Callable[[str], str]
Say = Callable[[str], None]


async def set_up(env: Path, settings: Settings, ask: Ask, say: Say) -> None:
    """Ask for what the bot needs, check each answer at once, and write it into `env`; raises SetupError when input ends."""
    say(STEPS.format(link=link()))
    values: dict[str, str] = {}
    for name, what, check in (
        ("SLACK_BOT_TOKEN", "Bot token (xoxb-…)", examine_bot_token), ("SLACK_APP_TOKEN", "App token (xapp-…)", examine_app_token),
        ("OPENAI_API_KEY", "Key of OpenAI or a compatible service (empty: none yet)", _examine_key),
    ):  # fmt: skip
        values[name] = await _asked(name, what, check, settings, ask, say)
        settings = settings.model_copy(update={name.lower(): SecretStr(values[name]) if values[name] else None})
    write_env(env, {name: value for name, value in values.items() if value})
    say(f"Written to {env}, readable by you alone. Start with `workings serve`, and in a channel: /invite @workings")


def link() -> str:
    """Return the address of Slack's form for a new app, filled in with our manifest."""
    manifest = next((path for path in MANIFESTS if path.is_file()), None)
    if manifest is None:
        raise SetupError("manifest.yml is missing beside the package.")
    return f"https://api.slack.com/apps?new_app=1&manifest_yaml={quote(manifest.read_text(encoding='utf-8'), safe='')}"


def write_env(env: Path, values: dict[str, str]) -> None:
    """Put values into a `.env` file of mode 0600, and keep its other lines; raises SetupError when it cannot be written."""
    try:
        lines = env.read_text(encoding="utf-8").splitlines() if env.exists() else []
        kept = [line for line in lines if not re.match(rf"\s*(?:export\s+)?(?:{'|'.join(values)})\s*=", line)]
        text = "\n".join([*kept, *(f"{name}='{value}'" for name, value in values.items()), ""])
        with written_whole(env) as file:
            file.write(text.encode())
    except OSError as error:
        raise SetupError(f"{env} cannot be written: {error.strerror}.") from error


async def _asked(
    name: str, what: str, check: Callable[[Settings], Awaitable[Finding]], settings: Settings, ask: Ask, say: Say
) -> str:
    """Ask until the answer passes its check; an empty one keeps what is set already, or skips the key."""
    kept = getattr(settings, name.lower())
    while True:
        try:
            said = ask(f"{what}{' (empty: keep the present one)' if kept else ''}: ")
        except EOFError:
            raise SetupError(f"The input ended before {name} was given. Nothing was written.") from None
        given = re.sub(r"\s+", "", said).strip("'\"“”‘’") or (kept.get_secret_value() if kept else "")
        if not given and name == "OPENAI_API_KEY":
            say("   Without a key only /runpy and code blocks work. Set OPENAI_API_KEY or OPENAI_BASE_URL later.")
            return ""
        found = await check(settings.model_copy(update={name.lower(): SecretStr(given)})) if given else None
        if found and found.ok:
            say(f"   ok: {found.state}")
            return given
        say(f"   no: {found.state.rstrip('.')}. {found.advice}" if found else f"   {name} is needed.")
        kept = None


async def _examine_key(settings: Settings) -> Finding:
    return await examine_model(settings, datetime.now(UTC).date())


def ask(prompt: str) -> str:
    """Ask in the terminal without showing what is typed, or take a line of an input that is no terminal; raises EOFError."""
    if sys.stdin.isatty():
        earlier = signal.signal(signal.SIGINT, signal.default_int_handler)  # an event loop would act on Ctrl-C after the answer
        try:
            return getpass(prompt)
        finally:
            signal.signal(signal.SIGINT, earlier)
    print(prompt, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def default_env() -> Path:
    """Return the `.env` file that the settings are read from: that of the working directory."""
    return Path(os.getcwd()) / ".env"
