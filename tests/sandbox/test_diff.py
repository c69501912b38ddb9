"""A run's diff: staged whole, applied once, and applied to its end though the bot was killed in the middle."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.errors import ServiceError, TooLarge
from bot.sandbox.descriptors import FOLDER, FileEntry, opened
from bot.sandbox.diff import Diff, commit_diff, discard_diffs, stage_diff
from bot.sandbox.limits import Limits
from bot.sandbox.workspace import Workspace
from bot.thread.files import FileInfo, FileName, chunked
from bot.thread.request import ThreadId

RUN = "0" * 32
NEW = {"a.txt": b"new", "folder/b.txt": b"b", "was_folder": b"file now"}
CHANGES = (*(FileEntry(FileName(name), len(data)) for name, data in NEW.items()), FileEntry(FileName("gone.txt"), 0, deleted=True))
AFTER = {**NEW, "kept.txt": b"kept"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A thread's files, and beside them what a run has left."""
    workspace = Workspace(tmp_path / "threads", ThreadId("T", "C", "1"), Limits(), -1)
    workspace.prepare()
    lay(workspace.files, {"a.txt": b"old", "gone.txt": b"g", "kept.txt": b"kept", "was_folder/x.txt": b"x"})
    lay(tmp_path / "layer", NEW)
    return workspace


def lay(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def staged(workspace: Workspace, layer: Path, changes: Sequence[FileEntry] = CHANGES) -> Diff:
    with opened(str(layer), FOLDER) as source:
        return stage_diff(workspace, RUN, source, changes)


def files(workspace: Workspace) -> dict[str, bytes]:
    return {str(p.relative_to(workspace.files)): p.read_bytes() for p in workspace.files.rglob("*") if p.is_file()}


def test_a_diff_is_applied_whole_when_it_is_committed_and_not_before(workspace: Workspace, tmp_path: Path) -> None:
    before = files(workspace)

    diff = staged(workspace, tmp_path / "layer")

    assert diff == Diff(tuple(FileInfo(name=FileName(name), size=len(data)) for name, data in NEW.items()), (FileName("gone.txt"),))
    assert files(workspace) == before
    commit_diff(workspace, RUN)
    assert files(workspace) == AFTER
    assert list(workspace.stages.iterdir()) == []


def test_what_was_committed_is_not_applied_again_and_what_was_never_is_forgotten(workspace: Workspace, tmp_path: Path) -> None:
    staged(workspace, tmp_path / "layer")
    commit_diff(workspace, RUN)
    (workspace.files / "a.txt").write_bytes(b"the user's")
    commit_diff(workspace, RUN)
    staged(workspace, tmp_path / "layer")

    discard_diffs(workspace)
    commit_diff(workspace, RUN)

    assert files(workspace) == {**AFTER, "a.txt": b"the user's"}


async def test_a_file_in_the_way_of_a_folder_is_named(workspace: Workspace) -> None:
    with pytest.raises(ServiceError, match=r"^was_folder/x\.txt/y/z\.txt cannot be written: was_folder/x\.txt is in the way\.$"):
        await workspace.put(FileName("was_folder/x.txt/y/z.txt"), chunked(b"z"))


def test_a_stage_without_its_manifest_is_no_diff(workspace: Workspace, tmp_path: Path) -> None:
    before = files(workspace)
    staged(workspace, tmp_path / "layer")
    (workspace.stages / RUN / "manifest.json").unlink()

    commit_diff(workspace, RUN)

    assert files(workspace) == before


async def test_the_files_of_a_thread_have_a_bound_together(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, ThreadId("T", "C", "1"), Limits(thread=250_000), -1)
    workspace.prepare()
    for name in ("a", "b"):
        await workspace.put(FileName(name), chunked(b"x" * 100_000))

    with pytest.raises(TooLarge):
        await workspace.put(FileName("c"), chunked(b"x" * 100_000))

    await workspace.put(FileName("a"), chunked(b"x" * 150_000))  # in the place of what it was
    assert {name: len(data) for name, data in files(workspace).items()} == {"a": 150_000, "b": 100_000}
