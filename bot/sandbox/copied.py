"""A run where namespaces are denied: on a copy of the thread's files, whose growth is measured from outside."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from bot.execution import FileInfo, FileName
from bot.sandbox import tiers
from bot.sandbox.descriptors import FOLDER, Found, opened, remove, walk
from bot.sandbox.limits import Limits
from bot.sandbox.process import Ended, carry_out, spawned
from bot.sandbox.watchdog import nameless
from bot.sandbox.workspace import Workspace

log = logging.getLogger(__name__)
Made = tuple[Ended, tuple[FileInfo, ...], tuple[FileName, ...]]


async def run_in_copy(
    workspace: Workspace,
    limits: Limits,
    runtime: tiers.Runtime,
    run: str,
    launched: tiers.Launch,
    stdin: str,
    seconds: float,
) -> Made:
    """Run a script, or the log toolkit, on a copy of the thread's files: how it ended, what it made and what it deleted."""
    owner = workspace.owner
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="codebot-"))
        stack.callback(_removed, str(home))
        os.chmod(home, 0o755)  # noqa: S103  a root bot's scripts run as another user
        work, scratch = home / "data", home / "tmp"
        await asyncio.to_thread(shutil.copytree, workspace.files, work, symlinks=True)
        scratch.mkdir()
        (home / "site").mkdir(mode=0o755)
        shutil.copy(tiers.INSIDE / "site/sitecustomize.py", home / "site")
        shutil.copytree(tiers.PACKAGE / "logs", home / "site/logs")
        for font in runtime.fonts:
            shutil.copy(font, scratch)
        if owner >= 0:
            for path in (work, *work.rglob("*"), scratch, *scratch.iterdir()):
                os.chown(path, owner, owner, follow_symlinks=False)
        root = stack.enter_context(opened(str(work), FOLDER))
        before = await asyncio.to_thread(_files, root)
        start = sum(f.size for f in before.values())
        entries = len((await asyncio.to_thread(_entries, work, scratch))[0])
        walking = threading.Lock()  # a walk whose run is over goes on in its thread; the next one waits for it

        def measured(pids: Sequence[int]) -> tuple[int, bool]:
            with walking:
                used, (found, whole) = nameless(pids), _entries(work, scratch)
                for entry in found:
                    with suppress(OSError):  # it was removed since we saw it
                        used += entry.stat(follow_symlinks=False).st_blocks * 512
            too_many = len(found) - entries > limits.inodes
            return 0, used - start > limits.disk or too_many or not whole

        async def disk(pids: Sequence[int]) -> tuple[int, bool]:
            return await asyncio.to_thread(measured, pids)

        def command(status: int) -> list[str]:
            launch = replace(launched, files=work, scratch=scratch, status=status)
            return tiers.landlock(launch, limits, runtime)

        ended = await carry_out(spawned(command), limits, stdin=stdin, seconds=seconds, disk=disk)
        after = await asyncio.to_thread(_files, root)
        changes = [f for f in after.values() if before.get(f.name) != f][: limits.collected]
        changes += [Found(n, 0, deleted=True) for n in before.keys() - after.keys()]
        made = await asyncio.to_thread(workspace.stage, run, root, changes)
    return ended, made, tuple(c.name for c in changes if c.deleted)


def _files(root: int) -> dict[FileName, Found]:
    return {f.name: f for f in walk(root, 100_000)}


def _removed(folder: str) -> None:
    try:
        remove(folder)
    except OSError as error:
        log.warning("%s could not be removed: %s", folder, error.strerror)


def _entries(*folders: Path) -> tuple[list[os.DirEntry[str]], bool]:
    """What is in the folders, and whether that is all: a script may hide files where the host cannot look."""
    found: list[os.DirEntry[str]] = []
    waiting: list[str] = [str(f) for f in folders]
    whole = True
    while waiting and len(found) < 100_000:
        try:
            for entry in os.scandir(waiting.pop()):
                found.append(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it was removed since we saw it
        except OSError:
            whole = False
    return found, whole
