"""What is worked out from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.runtime import RuntimeBuild
from bot.settings import default_data, runtime_folder


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
