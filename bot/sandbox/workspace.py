"""A thread's files on our disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from bot.disk import make_private, settle
from bot.errors import ServiceError, TooLarge
from bot.sandbox.descriptors import FOLDER, FileEntry, make_folder, opened, parent_of, reading, walk
from bot.sandbox.limits import Limits, size
from bot.thread.files import FileInfo, FileName
from bot.thread.request import ThreadId

CHUNK = 1 << 18
SMALL = 1 << 16  # bytes that may be written even to a full thread: a script that deletes files
LISTED = 10_000_000  # entries of a thread that are read: all of them


class Workspace:
    """The folder `files`, which scripts work on, and the folder `stages`, with the diff of each run that is not yet committed.

    `owner` is the uid that owns the files, -1 when that is ours.
    """

    def __init__(self, root: Path, thread: ThreadId, limits: Limits, owner: int) -> None:
        safe_name = re.sub(r"[^A-Za-z0-9.-]", "_", str(thread))
        home = root / f"{safe_name[:60]}-{hashlib.sha256(str(thread).encode()).hexdigest()[:12]}"
        self.files, self.stages, self._incoming = home / "files", home / "stages", home / "incoming"
        self._limits = limits
        self.owner = owner

    def prepare(self) -> None:
        """Make the folders, and remove what an earlier process left half-written."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        make_private(self.files.parent, passable=True)
        for folder in (self.files, self.stages, self._incoming):
            make_private(folder)
        if self.owner >= 0:
            os.chown(self.files, self.owner, self.owner)

    async def put(self, name: FileName, chunks: AsyncIterator[bytes]) -> FileInfo:
        """Write a file whole or not at all; raises TooLarge."""
        others = sum(f.size for f in await asyncio.to_thread(self.files_now) if f.name != name)
        most = max(self._limits.thread, others + SMALL)
        path, total = self._incoming / uuid.uuid4().hex, 0
        try:
            with path.open("wb") as file:
                async for chunk in chunks:
                    total += len(chunk)
                    if total > self._limits.file:
                        raise TooLarge(
                            f"{name} is over {size(self._limits.file)}, the most one file may have. Attach a part of it."
                        )
                    if total + others > most:
                        raise TooLarge(f"With {name}, this thread would be over {size(self._limits.thread)}. Ask in a new one.")
                    file.write(chunk)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            self.adopt(path, name)
            await asyncio.to_thread(settle, [(self.files / name).parent])
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
            return [f for f in walk(root, LISTED) if not f.left_out and not f.name.endswith("/")]

    def room(self) -> int:
        """Return how many bytes of new files a run may write: enough to delete some, where the thread is full."""
        used = sum(f.size for f in self.files_now())
        return min(self._limits.disk, max(self._limits.thread - used, SMALL))

    def adopt(self, path: Path, name: FileName) -> None:
        """Move a complete file to its place in the workspace, where scripts may read and write it."""
        os.chmod(path, 0o600)
        if self.owner >= 0:
            os.chown(path, self.owner, self.owner)

        def blocked(path: str) -> ServiceError:
            return ServiceError(f"{name} cannot be written: {path} is in the way.")

        with opened(str(self.files), FOLDER) as root, parent_of(root, name, blocked, make=self.owner) as (folder, last):
            _remove(last, folder)
            os.rename(path, last, dst_dir_fd=folder)

    def make(self, name: FileName) -> None:
        """Make a folder, in the place of a file of that name."""
        place = FileName(name.rstrip("/"))
        with opened(str(self.files), FOLDER) as root, parent_of(root, place, OSError, make=self.owner) as (folder, last):
            with suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(last, dir_fd=folder)
            make_folder(last, folder, self.owner)

    def delete(self, name: str) -> None:
        """Remove a file, or a folder with everything in it; a missing one is no error."""
        with (
            suppress(OSError),
            opened(str(self.files), FOLDER) as root,
            parent_of(root, FileName(name.rstrip("/")), FileNotFoundError) as (folder, last),
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
