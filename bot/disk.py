"""Locks between processes, files that are written whole or not at all, and what other users of the machine cannot read."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

MARK = 256_000_000  # bytes of room below which there is too little to work with


def lock(opened: int | IO[str] | IO[bytes]) -> bool:
    """Take the exclusive lock on an open file or folder; return False when somebody else holds it.

    The lock is held until the file is closed, and released by the system when the process dies. Raises OSError where the
    file system has no locks.
    """
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Yield a draft beside `path` which replaces it, synced to disk, when the block ends without an error.

    Nobody but us can read it. After an error `path` is as it was. One writer at a time: all drafts of a path bear the same name,
    so that the draft of a killed process is overwritten by the next.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # a draft of a killed process may be wider
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def settle(paths: Iterable[Path]) -> None:
    """Sync files and folders to disk; where there are many, everything at once."""
    if len(paths := list(paths)) > 100:
        os.sync()
        return
    for descriptor in [os.open(path, os.O_RDONLY) for path in paths]:
        os.fsync(descriptor)
        os.close(descriptor)


def make_private(folder: Path, *, passable: bool = False) -> None:
    """Make a folder that is closed to other users of the machine, and close one that is there; raises OSError.

    With `passable` the user that a root bot runs scripts as can pass through to what it knows by name, and lists nothing.
    An existing folder of somebody else stays as it is.
    """
    folder.mkdir(0o700, parents=True, exist_ok=True)
    _restrict(folder, 0o711 if passable and os.geteuid() == 0 else 0o700)


def make_private_database(path: Path) -> None:
    """Make a file for SQLite that other users of the machine cannot read, and close what is there of it; raises OSError.

    SQLite gives the files that it makes beside it the mode of the first.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}.lock"):
        if (file := path.with_name(name)).exists():
            _restrict(file, 0o600)


def _restrict(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        with suppress(PermissionError):  # it is not ours
            path.chmod(mode)


def lacks_room(folder: Path) -> str:
    """Return in words how little room there is for files in a folder when that is below the mark, "" when it is not."""
    found = os.statvfs(folder)
    if (free := found.f_bavail * found.f_frsize) < MARK:
        return f"{free / 1e6:,.0f} MB are free at {folder}, fewer than {MARK / 1e6:,.0f}"
    if found.f_files and found.f_favail < 1_000:
        return f"{found.f_favail} more files are possible at {folder}, fewer than 1,000"
    return ""
