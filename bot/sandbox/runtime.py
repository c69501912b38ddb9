"""Installs the libraries that scripts may import, at pinned versions, once into the data folder."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import shutil
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from uv import find_uv_bin

from bot.disk import lock
from bot.errors import SetupError
from bot.sandbox.tier import Runtime, interpreter

log = logging.getLogger(__name__)
REQUIREMENTS = Path(__file__).parent / "runtime.txt"
NO_RUNTIME = Runtime()
NOBODY = "The bot was told to install nothing (BOT_RUNTIME)."
QUICK = (
    "contourpy", "cycler", "et-xmlfile", "fonttools", "kiwisolver", "matplotlib", "numpy", "openpyxl", "packaging", "pandas",
    "pillow", "pyparsing", "python-dateutil",
)  # fmt: skip
WARM = """
import os, sys
site, cache = sys.argv[1:]
sys.path.insert(0, site)
os.environ["MPLCONFIGDIR"] = cache
import matplotlib.pyplot, numpy, openpyxl, pandas
"""
COMPILE = """
import compileall, sys
compileall.compile_dir(sys.argv[1], quiet=2, workers=2)
"""
_DOWNLOAD = re.compile(r"^\s*(Downloading|Downloaded|Building|Built) (\S+)(?: \(([\d.]+)([KMG])iB\))?")
_MB = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}


class RuntimeBuild:
    """The runtime of a data folder, built or still to be built, in two stages: first what pictures of tables need, then all."""

    def __init__(self, data: Path) -> None:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self._home = data / f"runtime-{python}-{_locked(python, REQUIREMENTS.read_text())}"
        self._quick = data / f"quick-{python}-{_locked(python, chr(10).join(_quick()))}"
        self._failed = NOBODY  # why nothing is being installed now
        self.doing = ""  # how far the installation is, in words
        self._changed = asyncio.Condition()

    def done(self) -> bool:
        """Return whether all is built by now; another process may be building it."""
        return (self._home / "site").is_dir()

    @property
    def current(self) -> Runtime:
        """The libraries that scripts may import now: none, those of the first stage, or all."""
        home = next((home for home in (self._home, self._quick) if (home / "site").is_dir()), None)
        if home is None:
            return NO_RUNTIME
        return Runtime(site=home / "site", fonts=tuple(sorted((home / "fonts").glob("fontlist-*.json"))))

    def has(self, package: str) -> bool:
        """Return whether scripts can import a package now."""
        quick = IMPORTS.get(package) in QUICK and (self._quick / "site").is_dir()
        return package in IMPORTS and (self.done() or quick)

    def begin(self, doing: str) -> None:
        """Say that the libraries are being installed now, and how far that is."""
        self._failed, self.doing = "", doing

    def about(self, module: str) -> str:
        """Return an explanation for a script that could not import a module, named in full."""
        package = module.split(".")[0]
        if self.has(package) or package in sys.stdlib_module_names:
            return f"{package} is here, but {f'it has no module {module}' if '.' in module else 'it was not found'}."
        if package in IMPORTS:
            if self._failed:
                return f"{package} is not installed. {self._failed} Scripts of the standard library run."
            return f"{package} is still being installed; this happens once. Scripts of the standard library run already."
        return f"{package} is not installed, and there is no network to fetch it. There are: {', '.join(packages())}."

    async def wait_for(self, package: str, show: Callable[[str], Awaitable[None]]) -> bool:
        """Wait for a package that is being installed; return whether scripts can import it now.

        `show` hears at each change what is waited for, and how far it is: “is waiting for …”.
        """
        if package not in IMPORTS:
            return False
        said = ""
        async with self._changed:
            while not self.has(package) and not self._failed:
                if said != self.doing:
                    said = self.doing
                    await show(f"is waiting for {package}: {said}…")
                with suppress(TimeoutError):  # another process may be the one that installs it
                    async with asyncio.timeout(0.5):
                        await self._changed.wait()
        return self.has(package)

    async def build(self, progress: Callable[[str], None]) -> None:
        """Build it unless it is built, and report each step; raises SetupError when that fails, and may be called again."""

        def heard(doing: str) -> None:
            self.doing = doing
            progress(doing)

        self.begin("installing the libraries for scripts")
        if self.done():
            await asyncio.to_thread(shutil.rmtree, self._quick, ignore_errors=True)
        try:
            if not self.done() and not (self._quick / "site").is_dir():
                await self._stage(self._quick, _quick(), "numpy, pandas and matplotlib", WARM, heard)
                heard("pictures and tables are ready; the other libraries follow")
            if not self.done():
                await self._stage(self._home, _lines(), f"{len(packages())} libraries for scripts", f"{WARM}{COMPILE}", heard)
            heard("the libraries are ready")
        except SetupError as error:
            self._failed = str(error)
            raise
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _stage(self, home: Path, lines: Sequence[str], what: str, finish: str, progress: Callable[[str], None]) -> None:
        """Build one stage in its folder, and move it there when it is whole."""
        partial = home.with_name(f"{home.name}.partial")
        home.parent.mkdir(parents=True, exist_ok=True)
        with home.with_name(f"{home.name}.lock").open("w") as file:
            while not lock(file):  # noqa: ASYNC110  the lock is another process's
                await asyncio.sleep(0.5)
            if (home / "site").is_dir():
                return
            shutil.rmtree(partial, ignore_errors=True)
            progress(f"installing {what} (once)")
            python, _ = interpreter()
            site, fonts = partial / "site", partial / "fonts"
            fonts.mkdir(parents=True)
            (partial / "requirements.txt").write_text("\n".join(lines))
            polite = () if home == self._quick else ("nice", "-n", "19")  # scripts run meanwhile
            await _check_call(
                *polite, find_uv_bin(), "pip", "install", "--no-deps", "--python", python, "--target", str(site),
                "--link-mode", "copy", "--requirements", str(partial / "requirements.txt"), heard=_Downloads(what, progress).hear,
            )  # fmt: skip
            progress(f"preparing {what}")
            await _check_call(*polite, python, "-I", "-c", finish, str(site), str(fonts))
            for folder in (partial, site, fonts):
                os.chmod(folder, 0o755)  # noqa: S103  scripts run as another user
            partial.rename(home)
        async with self._changed:
            self._changed.notify_all()


class _Downloads:
    """Makes progress of what uv says of its downloads."""

    def __init__(self, what: str, progress: Callable[[str], None]) -> None:
        self._what, self._progress = what, progress
        self._sizes: dict[str, float] = {}
        self._done = 0.0

    def hear(self, line: str) -> None:
        """Read one line of uv's output."""
        if match := _DOWNLOAD.match(line):
            if match[3]:
                self._sizes[match[2]] = float(match[3]) * _MB[match[4]]
            elif match[1] == "Downloaded":
                self._done += self._sizes.get(match[2], 0.0)
            self._progress(f"installing {self._what} (once): {self._done:.0f} of {sum(self._sizes.values()):.0f} MB")


def packages() -> list[str]:
    """Return the names of the packages, in the order of the requirements."""
    return [line.split("==")[0] for line in _lines()]


def _lines() -> list[str]:
    return [line for line in REQUIREMENTS.read_text().splitlines() if re.match(r"\w", line)]


def _quick() -> list[str]:
    return [line for line in _lines() if line.split("==")[0] in QUICK]


def _locked(python: str, requirements: str) -> str:
    return hashlib.sha256(f"{python} {requirements}".encode()).hexdigest()[:12]


async def _check_call(*command: str, heard: Callable[[str], None] = lambda line: None) -> None:
    """Run a command, and pass on each line of its output; raises SetupError with the last ones when it fails.

    It is a process group of its own, which ends as a whole: a worker that is left holds the pipe, and the bot waits for it.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        start_new_session=True, umask=0o022,  # scripts run as another user
    )  # fmt: skip
    assert process.stdout
    said: deque[str] = deque(maxlen=8)
    try:
        async for raw in process.stdout:
            said.append(raw.decode(errors="replace").strip())
            heard(said[-1])
        await process.wait()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    if process.returncode:
        raise SetupError(f"The libraries for scripts could not be installed: {' '.join(said)[-400:]}")


# The package of each name that a script may import or a message may give.
IMPORTS = {
    **{name: package for package in packages() for name in (package, package.replace("-", "_"))},
    "PIL": "pillow", "dateutil": "python-dateutil", "fontTools": "fonttools", "mpl_toolkits": "matplotlib", "pylab": "matplotlib",
    "sklearn": "scikit-learn",
}  # fmt: skip
