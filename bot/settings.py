"""Every setting: its environment variable, its type, its default and what it is for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import SetupError
from bot.sandbox.limits import Limits
from bot.sandbox.runtime import RuntimeBuild

Effort = Literal["none", "minimal", "low", "medium", "high", "max", ""]
Names = Annotated[frozenset[str], NoDecode]
ENV = Path(".env")  # in the working directory


def default_data(root: bool | None = None) -> Path:
    """Return the default data folder; `root` says whether the bot runs as root, by default found out.

    A folder of the project's earlier name is used as long as there is no new one.
    """
    if os.geteuid() == 0 if root is None else root:
        base = Path("/var/lib")  # the user that a root bot runs scripts as cannot enter root's home
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    new, earlier = base / "workings", base / "codebot"
    return earlier if earlier.is_dir() and not new.exists() else new


class Settings(BaseSettings):
    """The settings, read from the environment and from a `.env` file in the working directory if there is one."""

    model_config = SettingsConfigDict(env_file=ENV, extra="ignore", frozen=True, env_ignore_empty=True)

    slack_bot_token: SecretStr | None = Field(None, description="Bot token (`xoxb-…`), from OAuth & Permissions.")
    slack_app_token: SecretStr | None = Field(None, description="App token (`xapp-…`) with `connections:write`.")
    slack_api_url: str = Field("https://slack.com/api/", description="Where Slack's Web API is.")

    openai_api_key: SecretStr | None = Field(None, description="Key of the model's service.")
    openai_base_url: str | None = Field(None, description="A compatible service other than OpenAI's.")
    openai_api: Literal["responses", "chat"] | None = Field(
        None, description="The wire: `responses` or `chat`; by default `responses` for OpenAI, `chat` with a base URL."
    )
    openai_model: str = Field("gpt-6.1-sol", description="The CodeAssistant's model.")
    openai_proxy_model: str = Field("gpt-6-luna", description="The UserProxy's model.")
    openai_effort: Effort = Field("", description="The CodeAssistant's reasoning effort; empty for the model's own.")
    openai_proxy_effort: Effort = Field("none", description="The UserProxy's reasoning effort.")
    openai_fallback_model: str | None = Field(None, description="Model to ask when the first does not answer.")
    openai_timeout: float = Field(180.0, gt=0, description="Seconds to wait for one answer of a model.")

    bot_data: Path = Field(default_factory=default_data, description="Folder of the store, the workspaces and the runtime.")
    bot_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged.")
    bot_turn_calls: int = Field(30, ge=2, description="Model calls that one turn may use.")
    bot_turn_tokens: int = Field(500_000, ge=1_000, description="Tokens that one turn may use.")
    bot_turn_seconds: float = Field(900.0, gt=0, description="Seconds that one turn may take.")
    bot_max_upload: int = Field(1_000_000_000, ge=1, description="Bytes of one file taken from Slack.")
    bot_runtime: bool = Field(True, description="Whether to install the libraries of scripts in the background.")
    bot_health_port: int | None = Field(None, ge=1, le=65535, description="Port of `/healthz` and `/readyz`; none by default.")
    bot_health_host: str = Field("127.0.0.1", description="Address of that port; `0.0.0.0` for a kubelet.")

    bot_allow_external: bool = Field(False, description="Whether people of other organizations and guests may ask.")
    bot_allowed_users: Names = Field(frozenset(), description="User ids that may ask, comma-separated; empty: everybody.")
    bot_allowed_channels: Names = Field(frozenset(), description="Channel ids to work in, comma-separated; empty: all.")
    bot_contact: str = Field("whoever installed me here", description="Who helps people who may not ask, as in “ask …”.")
    bot_daily_tokens_user: int = Field(2_000_000, ge=0, description="Tokens of one person in 24 hours; 0: no cap.")
    bot_daily_tokens_team: int = Field(20_000_000, ge=0, description="Tokens of the workspace in 24 hours; 0: no cap.")

    sandbox_tier: Literal["auto", "forkserver", "bwrap", "landlock"] = Field(
        "auto", description="The sandbox's tier; `auto` takes the best that passes its self-test."
    )
    sandbox_seconds: float = Field(60.0, gt=0, description="Wall-clock seconds of one run.")
    sandbox_memory: int = Field(1_000_000_000, ge=64_000_000, description="Bytes of memory of a run, its whole tree.")
    sandbox_processes: int = Field(64, ge=1, description="Processes and threads of one run.")
    sandbox_disk: int = Field(128_000_000, ge=1_000_000, description="Bytes of new files of one run.")
    sandbox_output: int = Field(1_000_000, ge=1_000, description="Bytes of output of one run.")
    sandbox_thread_disk: int = Field(2_000_000_000, ge=1_000_000, description="Bytes of all files of a thread.")

    @field_validator("bot_allowed_users", "bot_allowed_channels", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(filter(None, (v.strip() for v in value.split(",")))) if isinstance(value, str) else value


def load(**given: object) -> Settings:
    """Return the settings; `given` values replace the environment's. Raises SetupError naming every variable that is wrong."""
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg'].lower()}" for e in error.errors())
        raise SetupError(f"Settings are wrong. {wrong}.") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{ENV.absolute()} cannot be read: it is not UTF-8. Save it as UTF-8.") from error
    except OSError as error:
        raise SetupError(f"{ENV.absolute()} cannot be read: {error.strerror}.") from error


def limits(settings: Settings) -> Limits:
    """Return the limits of one run and of a thread's files."""
    return Limits(
        seconds=settings.sandbox_seconds, memory=settings.sandbox_memory, processes=settings.sandbox_processes,
        disk=settings.sandbox_disk, output=settings.sandbox_output, file=settings.bot_max_upload,
        thread=settings.sandbox_thread_disk,
    )  # fmt: skip


def runtime_folder(data: Path, built_in: Path = Path(sys.prefix)) -> Path:
    """Return the folder of the scripts' libraries: beside the bot's own if an image brings them, else the data folder."""
    return built_in if RuntimeBuild(built_in).done() else data
