"""A thread's files on our disk, and the staged diffs of runs that are not yet committed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.disk import written_whole
from bot.errors import ServiceError, TooLarge
from bot.sandbox.descriptors import FOLDER, FileEntry, copy, opened, parent_of, reading, walk
from bot.sandbox.limits import Limits, size
from bot.thread.files import FileInfo, FileName
from bot.thread.request import ThreadId

CHUNK = 1 << 18
LISTED = 5_000


@dataclass(frozen=True, slots=True)
class Diff:
    """What a run changed: the files it made or changed, and the paths it deleted, folders with a slash at the end."""

    files: tuple[FileInfo, ...]
    deleted: tuple[FileName, ...]


NO_DIFF = Diff((), ())


class Workspace:
    """The folder `files`, which scripts work on, and the folder `stages`, with a diff and its manifest for each uncommitted run.

    `owner` is the uid that owns the files, -1 when that is ours.
    """

    def __init__(self, root: Path, thread: ThreadId, limits: Limits, owner: int) -> None:
        plain = re.sub(r"[^A-Za-z0-9.-]", "_", str(thread))
        home = root / f"{plain[:60]}-{hashlib.sha256(str(thread).encode()).hexdigest()[:12]}"
        self.files, self.stages, self._incoming = home / "files", home / "stages", home / "incoming"
        self._limits = limits
        self.owner = owner

    def prepare(self) -> None:
        """Make the folders, and remove what an earlier process left half-written."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        for folder in (self.files, self.stages, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        if self.owner >= 0:
            os.chown(self.files, self.owner, self.owner)

    async def put(self, name: FileName, chunks: AsyncIterator[bytes]) -> FileInfo:
        """Write a file whole or not at all; raises TooLarge."""
        others = sum(f.size for f in await asyncio.to_thread(self.files_now) if f.name != name)
        path, total = self._incoming / uuid.uuid4().hex, 0
        try:
            with path.open("wb") as file:
                async for chunk in chunks:
                    total += len(chunk)
                    if total > self._limits.file:
                        raise TooLarge(f"{name} is over {size(self._limits.file)}, the most one file may have.")
                    if total + others > self._limits.thread:
                        raise TooLarge(f"The thread's files would be over {size(self._limits.thread)} with {name}.")
                    file.write(chunk)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            self._adopt(path, name)
        except OSError as error:
            raise ServiceError(f"{name} could not be stored: {error.strerror}.") from error
        finally:
            path.unlink(missing_ok=True)
        return FileInfo(name=name, size=total)

    async def open(self, name: FileName) -> AsyncIterator[bytes]:
        """Yield the bytes of a regular file; raises NoSuchFile."""
        with opened(str(self.files), FOLDER) as root, reading(root, name) as descriptor:
            while chunk := await asyncio.to_thread(os.read, descriptor, CHUNK):
                yield chunk

    def files_now(self) -> list[FileEntry]:
        """Return the thread's files as they are."""
        with opened(str(self.files), FOLDER) as root:
            return list(walk(root, LISTED))

    def stage(self, run: str, source: int, changes: Sequence[FileEntry]) -> Diff:
        """Copy a run's changes out of an open folder and sync them; the manifest, written last, makes the diff ready to commit."""
        stage = self.stages / run
        stage.mkdir()
        kept: list[tuple[FileName, str]] = []
        files: list[FileInfo] = []
        for number, change in enumerate(c for c in changes if not c.deleted):
            with reading(source, change.name) as original, (stage / str(number)).open("wb") as file:
                copy(original, file.fileno())
                os.fsync(file.fileno())
                files.append(FileInfo(name=change.name, size=os.fstat(file.fileno()).st_size))
            kept.append((change.name, str(number)))
        deleted = tuple(c.name for c in changes if c.deleted)
        with written_whole(stage / "manifest.json") as file:
            file.write(json.dumps({"made": kept, "deleted": deleted}).encode())
        return Diff(tuple(files), deleted)

    def commit(self, run: str) -> None:
        """Apply a staged diff; idempotent: a part that was applied before is skipped, a stage that is gone was applied whole."""
        if not re.fullmatch(r"[0-9a-f]{32}", run) or not (self.stages / run / "manifest.json").exists():
            return
        stage = self.stages / run
        manifest: dict[str, Any] = json.loads((stage / "manifest.json").read_text())
        for name in manifest["deleted"]:
            self._delete(name)
        for name, kept in manifest["made"]:
            if (stage / kept).exists():
                self._adopt(stage / kept, FileName(name))
        # The manifest is removed first, so that a half-removed stage is not taken for a whole one.
        (stage / "manifest.json").unlink()
        shutil.rmtree(stage, ignore_errors=True)

    def discard_stages(self) -> None:
        """Remove the stages of runs that were never put on record."""
        for stage in self.stages.iterdir():
            shutil.rmtree(stage, ignore_errors=True)

    def _adopt(self, path: Path, name: FileName) -> None:
        """Move a complete file of ours to its place in the workspace, for scripts to read and write."""
        os.chmod(path, 0o644)
        if self.owner >= 0:
            os.chown(path, self.owner, self.owner)
        missing = ServiceError(f"{name} stands in the way of a file.")
        with opened(str(self.files), FOLDER) as root, parent_of(root, name, missing, make=self.owner) as (folder, last):
            _remove(last, folder)
            os.rename(path, last, dst_dir_fd=folder)
            os.fsync(folder)

    def _delete(self, name: str) -> None:
        missing = FileNotFoundError(name)
        with (
            suppress(OSError),
            opened(str(self.files), FOLDER) as root,
            parent_of(root, FileName(name.rstrip("/")), missing) as (folder, last),
        ):
            _remove(last, folder)


def _remove(name: str, folder: int) -> None:
    """Remove a file, or a folder with everything in it, from an open folder; a missing one is no error."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, ignore_errors=True, dir_fd=folder)
