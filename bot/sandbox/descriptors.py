"""Reads and removes the files that a sandboxed program left, after its processes are dead.

It opens them only through directory descriptors, and never follows a link. It sees only regular files with one name, bounded in
count and depth, whose names are text.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bot.errors import NoSuchFile, UnsafeFileName
from bot.thread.files import FileName, file_name

DEPTH = 8
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Caches and settings that libraries write are no results of a run.
LITTER = frozenset({"__pycache__", ".cache", ".config", ".local", ".matplotlib", ".ipython", ".tmp", ".logs"})


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A regular file of a tree, or a path that an overlay's upper layer deletes; `stamp` is the time of its last change in ns."""

    name: FileName
    size: int
    deleted: bool = False
    stamp: int = 0


@contextmanager
def opened(path: str | bytes, flags: int, at: int | None = None) -> Iterator[int]:
    """Open a path, below the folder `at` if given, and close the descriptor at the end."""
    descriptor = os.open(path, flags, dir_fd=at)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def walk(root: int, limit: int, *, layer: bool = False) -> Iterator[FileEntry]:
    """Yield the regular files below an open folder, at most `limit`; with `layer`, an overlay's upper layer, also its deletions.

    A file that breaks one of the module's rules is skipped, as if it did not exist.
    """
    remaining = [limit]
    yield from _walk(root, "", 0, remaining, layer)


def _walk(folder: int, prefix: str, depth: int, remaining: list[int], layer: bool) -> Iterator[FileEntry]:
    with suppress(OSError):
        os.fchmod(folder, 0o700)  # a script may have closed its own folder to us
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name in LITTER:
            continue
        try:
            name = file_name(f"{prefix}{entry.name}")
            info = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
            regular = stat.S_ISREG(info.st_mode) and info.st_nlink == 1
            if regular and not info.st_mode & stat.S_IRUSR:  # a script may have closed its own file to us
                os.chmod(entry.name, 0o600, dir_fd=folder)
        except (UnsafeFileName, OSError):
            continue
        if remaining[0] <= 0:
            return
        if regular:
            remaining[0] -= 1
            yield FileEntry(name, info.st_size, stamp=info.st_ctime_ns)
        elif stat.S_ISDIR(info.st_mode):
            if depth + 1 < DEPTH:
                with suppress(OSError), opened(entry.name, FOLDER, folder) as inner:
                    if layer and _opaque(inner):
                        yield FileEntry(FileName(f"{name}/"), 0, deleted=True)
                    yield from _walk(inner, f"{name}/", depth + 1, remaining, layer)
        elif layer:
            # A whiteout, or something that may not leave the sandbox and has replaced a file of the thread.
            remaining[0] -= 1
            yield FileEntry(name, 0, deleted=True)


def _opaque(folder: int) -> bool:
    """Return whether a folder of an upper layer is opaque: it was deleted and made anew, and hides the one below it."""
    with suppress(OSError):
        return os.getxattr(folder, b"user.overlay.opaque") == b"y"
    return False


@contextmanager
def reading(root: int, name: FileName) -> Iterator[int]:
    """Open a regular file below an open folder; raises NoSuchFile."""
    missing = NoSuchFile(f"There is no file {name} in this thread.")
    with parent_of(root, name, lambda _: missing) as (folder, last):
        try:
            descriptor = os.open(last, FILE, dir_fd=folder)
        except OSError as error:
            raise missing from error
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode) or info.st_nlink > 1:
                raise missing
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def parent_of(
    root: int, name: FileName, missing: Callable[[str], Exception], *, make: int | None = None
) -> Iterator[tuple[int, str]]:
    """Open the parent of `name`, else raise `missing(the path that is no folder)`; with `make`, make it for that uid (-1: us)."""
    *folders, last = name.split("/")
    folder = os.dup(root)
    try:
        for number, part in enumerate(folders, 1):
            if make is not None:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=folder)
                    if make >= 0:
                        os.chown(part, make, make, dir_fd=folder, follow_symlinks=False)
            try:
                inner = os.open(part, FOLDER, dir_fd=folder)
            except OSError as error:
                raise missing("/".join(folders[:number])) from error
            os.close(folder)
            folder = inner
        yield folder, last
    finally:
        os.close(folder)


def remove(path: str) -> None:
    """Remove a folder of any depth, without recursion: the contents of each subfolder are moved up before it is removed."""
    with opened(path, FOLDER) as top:
        while names := os.listdir(top):
            for name in names:
                if not _is_folder(name, top):
                    os.unlink(name, dir_fd=top)
                    continue
                os.chmod(name, 0o700, dir_fd=top)
                with opened(name, FOLDER, top) as folder:
                    for inner in os.listdir(folder):
                        if _is_folder(inner, folder):
                            os.chmod(inner, 0o700, dir_fd=folder)
                        os.rename(inner, uuid.uuid4().hex, src_dir_fd=folder, dst_dir_fd=top)
                os.rmdir(name, dir_fd=top)
    os.rmdir(path)


def _is_folder(name: str, at: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)


def copy(source: int, target: int) -> None:
    """Copy a file to another within the kernel."""
    copied = 1
    while copied:
        copied = os.sendfile(target, source, None, 1 << 24)
