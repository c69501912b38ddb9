"""What is worked out from the settings."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.runtime import RuntimeBuild
from bot.settings import runtime_folder


def test_libraries_that_an_image_brings_are_used_whatever_the_data_folder_holds(tmp_path: Path) -> None:
    data, image = tmp_path / "data", tmp_path / "image"
    assert runtime_folder(data, image) == data

    (RuntimeBuild(image)._home / "site").mkdir(parents=True)

    assert runtime_folder(data, image) == image
