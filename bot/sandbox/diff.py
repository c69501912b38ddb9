"""What a run changed in a thread's files: staged when the run ends, and applied when its step is on record."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from bot.disk import settle, written_whole
from bot.sandbox.descriptors import FileEntry, copy, reading
from bot.sandbox.workspace import Workspace
from bot.thread.files import FileInfo, FileName


@dataclass(frozen=True, slots=True)
class Diff:
    """What a run changed: the files it made or changed, what it deleted, folders with a slash at the end, and what is not kept."""

    files: tuple[FileInfo, ...] = ()
    deleted: tuple[FileName, ...] = ()
    left_out: tuple[str, ...] = ()  # a name, and why


def stage_diff(workspace: Workspace, run: str, source: int, changes: Sequence[FileEntry]) -> Diff:
    """Copy a run's changes out of an open folder and sync them; the manifest, written last, makes the diff ready to commit."""
    folder = workspace.stages / run
    folder.mkdir()
    kept = [c for c in changes if not c.deleted and not c.left_out]
    made = [c.name for c in kept if not c.name.endswith("/")]
    files: list[FileInfo] = []
    for number, name in enumerate(made):
        with reading(source, name, names=True) as original, (folder / str(number)).open("wb") as file:
            copy(original, file.fileno())
            files.append(FileInfo(name=name, size=os.fstat(file.fileno()).st_size))
    settle(folder / str(number) for number in range(len(made)))
    deleted = tuple(c.name for c in changes if c.deleted)
    with written_whole(folder / "manifest.json") as file:
        folders = [c.name for c in kept if c.name.endswith("/")]
        file.write(json.dumps({"deleted": deleted, "folders": folders, "made": made}).encode())
    return Diff(tuple(files), deleted, tuple(f"{c.name} ({c.left_out})" for c in changes if c.left_out))


def commit_diff(workspace: Workspace, run: str) -> None:
    """Apply a staged diff; doing it again, also after a kill at any point, goes on where it was. Without a manifest all is applied.

    Nothing is deleted once the first file was moved: what had been deleted may stand there anew.
    """
    folder = workspace.stages / run
    if not re.fullmatch(r"[0-9a-f]{32}", run) or not (folder / "manifest.json").exists():
        return
    manifest = json.loads((folder / "manifest.json").read_text())
    made = [name if isinstance(name, str) else name[0] for name in manifest["made"]]  # the second is how 0.1 wrote it
    if not (folder / "deleted").exists():
        for name in manifest["deleted"]:
            workspace.delete(name)
        with written_whole(folder / "deleted"):
            pass
    for name in manifest.get("folders", ()):
        workspace.make(FileName(name))
    for number, name in enumerate(made):
        if (folder / str(number)).exists():
            workspace.adopt(folder / str(number), FileName(name))
    settle({(workspace.files / name).parent for name in made})
    # The manifest is removed first, so that a half-removed stage is not taken for a whole one.
    (folder / "manifest.json").unlink()
    shutil.rmtree(folder, ignore_errors=True)


def discard_diffs(workspace: Workspace) -> None:
    """Remove the stages of runs that were never put on record."""
    for folder in workspace.stages.iterdir():
        shutil.rmtree(folder, ignore_errors=True)
