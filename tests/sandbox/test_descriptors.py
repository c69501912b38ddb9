"""What comes out of a folder that a hostile script has filled: regular files with one name, and nothing that it points to."""

import os
from pathlib import Path

import pytest

from bot.errors import NoSuchFile
from bot.sandbox.descriptors import FOLDER, TooMany, opened, reading, remove, walk
from bot.sandbox.tier import UID
from bot.thread.files import DEEPEST, FileName


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two good files, and beside it a secret."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/s.txt").write_text("secret")
    (folder / "ok.txt").write_text("ok")
    (folder / "sub/ok.txt").write_text("mine")
    return folder


def names(folder: Path, most: int = 100, *, layer: bool = False) -> list[str]:
    with opened(str(folder), FOLDER) as root:
        return [f"{'-' if e.deleted else '?' if e.left_out else ''}{e.name}" for e in walk(root, most, layer=layer)]


def spoil(folder: Path) -> None:
    """Add what must not leave."""
    os.link(folder.parent / "secret.txt", folder / "hard.txt")
    (folder / "soft.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "soft").symlink_to(folder.parent / "secrets")
    os.mkfifo(folder / "fifo")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/x.pyc").write_text("litter")
    (folder / "-rf").write_text("a name like an option")
    deep = folder / "/".join("d" * DEEPEST)
    deep.mkdir(parents=True)
    (deep / "deep.txt").write_text("deep")


DEEP = ["/".join("d" * n) + "/" for n in range(1, DEEPEST + 1)] + ["?" + "/".join("d" * DEEPEST) + "/deep.txt"]


@pytest.mark.parametrize("layer", [False, True])
def test_what_may_not_leave_is_left_out_and_never_a_deletion(folder: Path, layer: bool) -> None:
    spoil(folder)

    assert names(folder, layer=layer) == ["-rf", *DEEP, "?fifo", "?hard.txt", "ok.txt", "?soft", "?soft.txt", "sub/", "sub/ok.txt"]
    with pytest.raises(TooMany):
        names(folder, 5)


def test_a_file_whose_names_are_all_here_is_seen_under_each(folder: Path) -> None:
    os.link(folder / "ok.txt", folder / "sub/twin.txt")

    assert names(folder) == ["ok.txt", "sub/", "sub/ok.txt", "sub/twin.txt"]
    with opened(str(folder), FOLDER) as root, reading(root, FileName("sub/twin.txt"), names=True) as file:
        assert os.read(file, 9) == b"ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_file_that_cannot_be_opened_to_us_is_left_out_and_nothing_else(folder: Path) -> None:
    (folder / "sub/closed.txt").write_text("somebody else's")
    (folder / "sub/closed.txt").chmod(0)

    with opened(str(folder), FOLDER) as root:
        os.seteuid(UID)
        try:
            seen = [(entry.name, entry.left_out) for entry in walk(root, 100)]
        finally:
            os.seteuid(0)

    assert seen == [("ok.txt", ""), ("sub/", ""), ("sub/closed.txt", "it cannot be opened"), ("sub/ok.txt", "")]


@pytest.mark.parametrize("name", ["hard.txt", "soft.txt", "soft/s.txt", "fifo", "sub", "none.txt"])
def test_nothing_else_can_be_opened(folder: Path, name: str) -> None:
    spoil(folder)

    with opened(str(folder), FOLDER) as root, pytest.raises(NoSuchFile), reading(root, FileName(name)):
        raise AssertionError(name)


def test_a_tree_is_removed_and_what_its_links_point_to_stays(folder: Path) -> None:
    spoil(folder)

    remove(str(folder))

    assert sorted(path.name for path in folder.parent.iterdir()) == ["secret.txt", "secrets"]
    assert (folder.parent / "secret.txt").read_text() == (folder.parent / "secrets/s.txt").read_text() == "secret"
