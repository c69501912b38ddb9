"""`workings setup`: what a person answers is checked at once, and kept in .env for this person alone."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from bot.errors import SetupError
from bot.local.workspace.server import running
from bot.settings import Settings, load
from bot.setup import link, set_up
from tests.wire import ScriptedModel


async def answered(env: Path, settings: Settings, *answers: str) -> list[str]:
    """Everything that is said to a person who answers so."""
    said: list[str] = []
    left: Iterator[str] = iter(answers)

    def ask(prompt: str) -> str:
        said.append(prompt)
        answer = next(left, None)
        if answer is None:
            raise EOFError
        return answer

    await set_up(env, settings, ask, said.append)
    return said


async def test_wrong_tokens_are_asked_for_again_and_right_ones_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("OTHER=1\nSLACK_BOT_TOKEN=old\n")
    env.chmod(0o644)
    async with running(tmp_path / "workspace") as slack, ScriptedModel([]) as model:
        settings = load(slack_api_url=slack.api_url, openai_base_url=model.url, bot_data=tmp_path / "data")
        bot, app = slack.bot_token, slack.app_token

        said = await answered(env, settings, app, "xoxb-wrong", f" '{bot}' ", "", app, "")

    assert (
        "   no: SLACK_BOT_TOKEN does not begin with xoxb-; one that begins with xapp- belongs into the other variable."
        in (said[2].split(" Run")[0])
    )
    assert "Slack says invalid_auth" in said[4]
    assert said[6].startswith("   ok: Local workspace as workings")
    assert not any(bot in line or app in line for line in said)
    assert env.read_text() == f"OTHER=1\nSLACK_BOT_TOKEN='{bot}'\nSLACK_APP_TOKEN='{app}'\n"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


async def test_nothing_is_written_when_the_input_ends(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"The input ended before SLACK_BOT_TOKEN was given. Nothing was written."):
        await answered(tmp_path / ".env", load(bot_data=tmp_path))

    assert not (tmp_path / ".env").exists()


async def test_what_is_set_already_can_be_kept(tmp_path: Path) -> None:
    async with running(tmp_path / "workspace") as slack, ScriptedModel([]) as model:
        settings = load(
            slack_api_url=slack.api_url, openai_base_url=model.url, bot_data=tmp_path / "data",
            slack_bot_token=SecretStr(slack.bot_token), slack_app_token=SecretStr(slack.app_token),
        )  # fmt: skip
        await answered(tmp_path / ".env", settings, "", "", "")

    assert slack.bot_token in (tmp_path / ".env").read_text()


def test_the_link_opens_slacks_form_with_our_manifest() -> None:
    address, _, manifest = link().partition("&manifest_yaml=")

    assert address == "https://api.slack.com/apps?new_app=1"
    assert unquote(manifest) == (Path(__file__).parents[1] / "manifest.yml").read_text()
