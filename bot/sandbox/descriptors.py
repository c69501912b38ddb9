"""Reads and removes the files that a sandboxed program left, after its processes are dead.

It opens them only through directory descriptors, and never follows a link. What is no regular file or folder, or has a name that is
no text, cannot be kept, and is said to be left out; it never stands for a deletion.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from bot.errors import NoSuchFile, UnsafeFileName
from bot.thread.files import FileName, file_name

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Caches that libraries write are no results of a run.
LITTER = frozenset({"__pycache__", ".cache", ".matplotlib", ".ipython", ".ipynb_checkpoints", ".tmp", ".logs"})
LITTER_PATHS = frozenset({".config/matplotlib", ".local"})
KINDS = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device"}


class TooMany(Exception):
    """A tree with more entries than may be read."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What stands in a tree: a file with its size in bytes and its last change in ns, or a folder, whose name ends in a slash.

    `deleted` is a path that an overlay's upper layer deletes. What cannot be kept says why in `left_out`.
    """

    name: FileName
    size: int = 0
    deleted: bool = False
    stamp: int = 0
    left_out: str = ""


@contextmanager
def opened(path: str | bytes, flags: int, at: int | None = None) -> Iterator[int]:
    """Open a path, below the folder `at` if given, and close the descriptor at the end."""
    descriptor = os.open(path, flags, dir_fd=at)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def walk(root: int, most: int, *, layer: bool = False) -> list[FileEntry]:
    """Return what is below an open folder, folders before what they hold; with `layer`, an overlay's upper layer, deletions too.

    A file with several names is returned under each, unless one of them is not below the folder. Raises TooMany beyond `most`.
    """
    found: list[tuple[FileEntry, os.stat_result]] = []
    with suppress(OSError):
        os.fchmod(root, 0o700)  # a script may have closed its own folder to us
    for entry in _walk(root, "", layer):
        found.append(entry)
        if len(found) > most:
            raise TooMany
    names = Counter((info.st_dev, info.st_ino) for _, info in found)
    astray = {id(e) for e, info in found if stat.S_ISREG(info.st_mode) and info.st_nlink > names[info.st_dev, info.st_ino]}
    return [replace(e, left_out="it has a name elsewhere") if id(e) in astray else e for e, _ in found]


def _walk(folder: int, prefix: str, layer: bool) -> Iterator[tuple[FileEntry, os.stat_result]]:
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        path = f"{prefix}{entry.name}"
        if entry.name in LITTER or path in LITTER_PATHS:
            continue
        info = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
        whiteout = layer and stat.S_ISCHR(info.st_mode) and info.st_rdev == 0
        why = KINDS.get(stat.S_IFMT(info.st_mode), "")
        try:
            name = file_name(path)
            needed = 0o700 if stat.S_ISDIR(info.st_mode) else 0o600
            if not why and info.st_mode & needed != needed:  # a script may have closed its own file to us
                if not layer and stat.S_ISREG(info.st_mode) and info.st_nlink > 1:  # it may be another's, of a name elsewhere
                    raise PermissionError
                os.chmod(entry.name, needed, dir_fd=folder)
        except UnsafeFileName:
            name, why = FileName(ascii(path)[1:-1]), "such a name cannot be kept"
        except OSError:
            why = "it cannot be opened"
        if whiteout or why:
            yield FileEntry(name, deleted=whiteout, left_out="" if whiteout else why), info
        elif stat.S_ISREG(info.st_mode):
            yield FileEntry(name, info.st_size, stamp=info.st_ctime_ns), info
        elif stat.S_ISDIR(info.st_mode):
            with opened(entry.name, FOLDER, folder) as inner:
                if layer and _opaque(inner):
                    yield FileEntry(FileName(f"{name}/"), deleted=True), info
                yield FileEntry(FileName(f"{name}/")), info
                yield from _walk(inner, f"{path}/", layer)


def _opaque(folder: int) -> bool:
    """Return whether a folder of an upper layer is opaque: it was deleted and made anew, and hides the one below it."""
    with suppress(OSError):
        return os.getxattr(folder, b"user.overlay.opaque") == b"y"
    return False


@contextmanager
def reading(root: int, name: FileName, *, names: bool = False) -> Iterator[int]:
    """Open a regular file below an open folder, with `names` one that may have several; raises NoSuchFile."""
    missing = NoSuchFile(f"There is no file {name} in this thread.")
    with parent_of(root, name, lambda _: missing) as (folder, last):
        try:
            descriptor = os.open(last, FILE, dir_fd=folder)
        except OSError as error:
            raise missing from error
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode) or (info.st_nlink > 1 and not names):
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
                make_folder(part, folder, make)
            try:
                inner = os.open(part, FOLDER, dir_fd=folder)
            except OSError as error:
                raise missing("/".join(folders[:number])) from error
            os.close(folder)
            folder = inner
        yield folder, last
    finally:
        os.close(folder)


def make_folder(name: str, at: int, owner: int) -> None:
    """Make a folder for a uid (-1: us) below an open one; one that stands already is left as it is."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=at)
        if owner >= 0:
            os.chown(name, owner, owner, dir_fd=at, follow_symlinks=False)


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
