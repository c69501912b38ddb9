"""What a run changed in a thread's files: staged when the run ends, and applied when its step is on record."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.disk import written_whole
from bot.sandbox.descriptors import FileEntry, copy, reading
from bot.sandbox.workspace import Workspace
from bot.thread.files import FileInfo, FileName


@dataclass(frozen=True, slots=True)
class Diff:
    """What a run changed: the files it made or changed, and the paths it deleted, folders with a slash at the end."""

    files: tuple[FileInfo, ...]
    deleted: tuple[FileName, ...]


def stage_diff(workspace: Workspace, run: str, source: int, changes: Sequence[FileEntry]) -> Diff:
    """Copy a run's changes out of an open folder and sync them; the manifest, written last, makes the diff ready to commit."""
    folder = workspace.stages / run
    folder.mkdir()
    files: list[FileInfo] = []
    for number, change in enumerate(c for c in changes if not c.deleted):
        with reading(source, change.name) as original, (folder / str(number)).open("wb") as file:
            copy(original, file.fileno())
            os.fsync(file.fileno())
            files.append(FileInfo(name=change.name, size=os.fstat(file.fileno()).st_size))
    deleted = tuple(c.name for c in changes if c.deleted)
    with written_whole(folder / "manifest.json") as file:
        made = [(info.name, str(number)) for number, info in enumerate(files)]
        file.write(json.dumps({"made": made, "deleted": deleted}).encode())
    return Diff(tuple(files), deleted)


def commit_diff(workspace: Workspace, run: str) -> None:
    """Apply a staged diff; idempotent: files moved before are skipped, and a missing manifest means that all was applied."""
    if not re.fullmatch(r"[0-9a-f]{32}", run) or not (workspace.stages / run / "manifest.json").exists():
        return
    folder = workspace.stages / run
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    for name in manifest["deleted"]:
        workspace.delete(name)
    for name, kept in manifest["made"]:
        if (folder / kept).exists():
            workspace.adopt(folder / kept, FileName(name))
    # The manifest is removed first, so that a half-removed stage is not taken for a whole one.
    (folder / "manifest.json").unlink()
    shutil.rmtree(folder, ignore_errors=True)


def discard_diffs(workspace: Workspace) -> None:
    """Remove the stages of runs that were never put on record."""
    for folder in workspace.stages.iterdir():
        shutil.rmtree(folder, ignore_errors=True)
