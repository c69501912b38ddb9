"""What a bot without a sandbox would do: run the script as its own, ordinary user. Here that is a user nobody else has.

A stand-in plays the bot: it holds a secret, an open file and a few soft limits, and starts the script. The net around both
keeps the machine whole, and is wider than the sandbox's limits: an attack has room to succeed.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

PYTHON = shutil.which("python3", path="/usr/bin")  # the bot's own may be closed to other users
# One user for each run: what is still dying of the last one would count towards the next one's processes. A hundred of them for
# each worker of a session.
SLOT = os.getppid() + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
UIDS = count(62_000 + SLOT % 35 * 100)
OUTPUT = 2_000_000
NET = {"NPROC": 400, "AS": 4 << 30, "FSIZE": 256 << 20, "CPU": 30, "CORE": 0}

STAND_IN = f"""
import os, resource, subprocess, sys
for name, value in {NET}.items(): resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
resource.setrlimit(resource.RLIMIT_NOFILE, (512, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
with open("/proc/self/oom_score_adj", "w") as score: score.write("500")
os.dup2(os.open(sys.argv[1] + "/secret.txt", os.O_RDWR), 9)
subprocess.run([sys.executable, "script.py", sys.argv[1]], close_fds=False, stdin=subprocess.DEVNULL)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """How a script fared without a sandbox, before anything of it was ended."""

    stdout: str
    late: bool
    """It ran longer than a sandbox would have let it."""
    stubborn: bool
    """It was still there after SIGTERM."""
    left: bool
    """A process of it was still there when it was over."""
    killed_bot: bool


@contextmanager
def host(owner: int) -> Iterator[Path]:
    """A folder of the host that a script shall not reach, open to its user: a secret, a module, a socket."""
    with (
        tempfile.TemporaryDirectory(prefix="workings-host-", ignore_cleanup_errors=True) as name,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
    ):
        folder = Path(name)
        (folder / "secret.txt").write_text("secret")
        (folder / "module.py").write_text("")
        listening.bind(str(folder / "socket"))
        for path in (folder, *folder.iterdir()):
            os.chmod(path, 0o777)
            os.chown(path, owner, owner)
        yield folder


def run_bare(script: str, seconds: float) -> Bare:
    """Run a script without a sandbox for at most so long, and leave nothing of it behind."""
    assert PYTHON
    uid = next(UIDS)
    assert not _processes(uid)
    with host(uid) as outside, tempfile.TemporaryDirectory(prefix="workings-bare-") as name, open(f"{name}/out", "w+b") as out:
        work = Path(name, "work")
        for folder in (Path(name), work, work / "tmp"):
            folder.mkdir(exist_ok=True)
            os.chown(folder, uid, uid)
        (work / "script.py").write_text(script)
        environment = {
            "PATH": "/usr/bin:/bin", "TMPDIR": str(work / "tmp"), "CANARY_TOKEN": "secret", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        bot = subprocess.Popen(
            [PYTHON, "-c", STAND_IN, str(outside)], cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            user=uid, group=uid, extra_groups=[], start_new_session=True,
        )  # fmt: skip
        try:
            started = time.monotonic()
            while bot.poll() is None and time.monotonic() - started < seconds and os.fstat(out.fileno()).st_size < OUTPUT:
                time.sleep(0.02)
            late = bot.poll() is None and time.monotonic() - started >= seconds
            left = bot.poll() is not None and _remains(uid)
            killed_bot = bot.poll() == -signal.SIGKILL
            with suppress(ProcessLookupError):
                os.killpg(bot.pid, signal.SIGTERM)
            stubborn = late and _remains(uid)
        finally:
            _end(uid)
            bot.wait()
        out.seek(0)
        said = out.read(OUTPUT).decode(errors="replace")
    return Bare(stdout=said, late=late, stubborn=stubborn, left=left, killed_bot=killed_bot)


def _remains(uid: int) -> bool:
    """Whether any process of the user outlasts a moment's patience."""
    patience = time.monotonic() + 0.5
    while (found := bool(_processes(uid))) and time.monotonic() < patience:
        time.sleep(0.02)
    return found


def _end(uid: int) -> None:
    """Kill what the throwaway user has: nobody but a script can have started it."""
    while found := _processes(uid):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _processes(uid: int) -> list[int]:
    """The user's processes, the dead that nobody has waited for left out."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError, StopIteration):
            lines = Path("/proc", name, "status").read_text().splitlines()
            state = next(line for line in lines if line.startswith("State:"))
            uids = next(line for line in lines if line.startswith("Uid:"))
            if int(uids.split()[1]) == uid and state.split()[1] not in "ZX":
                found.append(int(name))
    return found
