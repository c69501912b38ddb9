"""Folders for the while that a process lives, which the next process removes when this one is killed."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.disk import lock
from bot.sandbox.descriptors import FOLDER, opened, remove

log = logging.getLogger(__name__)


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Yield a new folder that nobody else may enter, and remove it afterwards; first remove what killed processes have left.

    A folder in use is locked by its process. Raises OSError when there is no room for one.
    """
    prefix = f"workings-{purpose}-"
    _sweep(Path(tempfile.gettempdir()), prefix)
    new = Path(tempfile.mkdtemp(prefix="workings-new-"))
    descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY)
    try:
        lock(descriptor)
        folder = new.rename(new.with_name(new.name.replace("workings-new-", prefix)))  # which nobody sees unlocked
        try:
            yield folder
        finally:
            _remove(folder)
    finally:
        os.close(descriptor)


def _sweep(among: Path, prefix: str) -> None:
    """Remove our folders of this prefix that no process holds."""
    for folder in among.glob(f"{prefix}*"):
        try:
            with opened(str(folder), FOLDER) as descriptor:
                if os.fstat(descriptor).st_uid == os.geteuid() and lock(descriptor):
                    _remove(folder)
        except OSError as error:
            log.debug("%s stays: %s", folder, error)  # it is gone, no folder, or somebody else's


def _remove(folder: Path) -> None:
    try:
        remove(str(folder))
    except OSError as error:
        log.warning("%s could not be removed: %s", folder, error.strerror)
