"""Locks between processes, and files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bot.disk import lock, written_whole


def test_a_lock_is_held_by_one_until_it_closes_the_file(tmp_path: Path) -> None:
    first, second = os.open(tmp_path, os.O_RDONLY), os.open(tmp_path, os.O_RDONLY)

    assert [lock(first), lock(second)] == [True, False]
    os.close(first)
    assert lock(second)
    os.close(second)


def test_a_file_is_replaced_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with written_whole(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_whose_writing_failed_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(TypeError), written_whole(path) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_of_a_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file.draft").write_bytes(b"much more than the next one writes")

    with written_whole(tmp_path / "file") as file:
        file.write(b"secret")

    assert (tmp_path / "file").read_bytes() == b"secret"


def test_a_file_that_holds_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    with written_whole(tmp_path / "file") as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
