"""Installs the libraries that scripts may import, at pinned versions, once into the data folder."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from uv import find_uv_bin

from bot.disk import lock
from bot.errors import SetupError
from bot.sandbox.tier import Runtime, interpreter

log = logging.getLogger(__name__)
REQUIREMENTS = Path(__file__).parent / "runtime.txt"
NO_RUNTIME = Runtime()
FINISH = """
import compileall, os, sys
site, cache = sys.argv[1:]
sys.path.insert(0, site)
compileall.compile_dir(site, quiet=2, workers=2)
os.environ["MPLCONFIGDIR"] = cache
import matplotlib.font_manager
"""


class RuntimeBuild:
    """The runtime of a data folder, built or still to be built."""

    def __init__(self, data: Path) -> None:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        locked = hashlib.sha256(f"{python} {REQUIREMENTS.read_text()}".encode()).hexdigest()[:12]
        self._home = data / f"runtime-{python}-{locked}"

    def done(self) -> bool:
        """Return whether it is built by now; another process may be building it."""
        return (self._home / "site").is_dir()

    @property
    def current(self) -> Runtime:
        """The libraries that scripts may import now: none until all are installed."""
        if not self.done():
            return NO_RUNTIME
        return Runtime(site=self._home / "site", fonts=tuple(sorted((self._home / "fonts").glob("fontlist-*.json"))))

    def about(self, package: str) -> str:
        """Return an explanation for a script that could not import a package."""
        if not self.done() and package in IMPORTS:
            return (
                f"{package} is still being installed; this happens once. Scripts of the standard library run already."
            )
        return f"{package} is not installed, and there is no network to fetch it. There are: {', '.join(packages())}."

    async def build(self, progress: Callable[[str], None]) -> None:
        """Build it unless it is built, and report each step; raises SetupError when that fails, and may be called again."""
        if self.done():
            return
        partial = self._home.with_name(f"{self._home.name}.partial")
        self._home.parent.mkdir(parents=True, exist_ok=True)
        with self._home.with_name(f"{self._home.name}.lock").open("w") as file:
            while not lock(file):  # noqa: ASYNC110  the lock is another process's
                await asyncio.sleep(0.5)
            if self.done():
                return
            shutil.rmtree(partial, ignore_errors=True)
            progress(f"installing {len(packages())} libraries for scripts (once)")
            python, _ = interpreter()
            site, fonts = partial / "site", partial / "fonts"
            await _check_call(
                find_uv_bin(), "pip", "install", "--quiet", "--python", python, "--target", str(site), "--link-mode", "copy",
                "--requirements", str(REQUIREMENTS),
            )  # fmt: skip
            progress("preparing the libraries")
            fonts.mkdir()
            await _check_call(python, "-I", "-c", FINISH, str(site), str(fonts))
            for folder in (partial, site, fonts):
                os.chmod(folder, 0o755)  # noqa: S103  scripts run as another user
            partial.rename(self._home)
            progress("the libraries are ready")


def packages() -> list[str]:
    """Return the names of the packages, in the order of the requirements."""
    return [line.split("==")[0] for line in REQUIREMENTS.read_text().splitlines() if re.match(r"\w", line)]


async def _check_call(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        last = output.decode(errors="replace").strip()[-400:]
        raise SetupError(f"The libraries for scripts could not be installed: {last}")


IMPORTS = frozenset(packages()) | {"sklearn", "PIL", "dateutil"}
