"""What is worked out from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import SetupError
from bot.sandbox.limits import Limits
from bot.sandbox.runtime import RuntimeBuild
from bot.settings import default_data, limits, load, runtime_folder


def test_libraries_that_an_image_brings_are_used_whatever_the_data_folder_holds(tmp_path: Path) -> None:
    data, image = tmp_path / "data", tmp_path / "image"
    assert runtime_folder(data, image) == data

    (RuntimeBuild(image)._home / "site").mkdir(parents=True)

    assert runtime_folder(data, image) == image


def test_data_of_the_earlier_name_is_still_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data(root=False) == tmp_path / "workings"

    (tmp_path / "codebot").mkdir()
    assert default_data(root=False) == tmp_path / "codebot"

    (tmp_path / "workings").mkdir()
    assert default_data(root=False) == tmp_path / "workings"


def test_the_limits_of_a_run_are_what_the_settings_say() -> None:
    settings = load(
        sandbox_seconds=1.0, sandbox_memory=64_000_001, sandbox_processes=2, sandbox_disk=1_000_002,
        sandbox_output=1_003, bot_max_upload=4, sandbox_thread_disk=1_000_005,
    )  # fmt: skip

    assert limits(settings) == Limits(
        seconds=1.0, memory=64_000_001, processes=2, disk=1_000_002, output=1_003, file=4, thread=1_000_005
    )


def test_every_setting_that_is_wrong_is_named() -> None:
    with pytest.raises(SetupError) as raised:
        load(bot_turn_calls=1, openai_api="smoke signals")

    assert str(raised.value) == (
        "Settings are wrong. OPENAI_API: input should be 'responses' or 'chat'; "
        "BOT_TURN_CALLS: input should be greater than or equal to 2."
    )
