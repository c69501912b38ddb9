"""Every attack is contained in every tier, as root and as an ordinary user, and succeeds where there is no sandbox."""

import asyncio
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio

from bot.sandbox.landlock import Landlock
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.tier import UID
from bot.sandbox.watchdog import tree
from bot.thread.files import FileName, chunked
from tests.sandbox.attacks import ATTACKS, BROKEN, DEEP, LINKS
from tests.sandbox.bare import PYTHON, host, run_bare
from tests.sandbox.ordinary import ALL_CALLS, LIMITS, Came, attacks
from tests.sandbox.ordinary import UID as ORDINARY
from tests.sandbox.tiers import THREAD, WAYS, Serving, ran, way
from tests.sandbox.trees import left

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
TOP = Path(__file__).parents[2]
# What a kernel without a feature, or with it switched off, answers; any other error is a mistake of the attack.
UNABLE = ("ENOSYS", "EPERM", "EACCES", "EAFNOSUPPORT", "EOPNOTSUPP", "EIO", "ENOENT")


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=[name for name in WAYS if name != "bwrap, masked"]
)  # it differs from bwrap as the forkserver's does
async def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    """Sandboxes that one attack after the other meets, with a secret in the environment of what started them."""
    data = tmp_path_factory.mktemp("attacks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY_TOKEN", "secret")
        async with way(request.param, data, LIMITS) as sandboxes:
            yield data, sandboxes


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_contained(sandboxes: LinuxSandboxes, attack: str) -> None:
    before = set(tree(os.getpid()))
    ours = standing()

    with host(owner=UID if os.geteuid() == 0 else -1) as outside, inherited(outside / "secret.txt"):
        execution = await ran(sandboxes, ATTACKS[attack].script, str(outside), seconds=ATTACKS[attack].seconds)

    assert BROKEN not in execution.stdout or sandboxes.tier.name in ATTACKS[attack].harmless, execution
    assert execution.outcome in ATTACKS[attack].outcomes, execution
    assert left(before) == set()
    assert standing() == ours


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as a user whom nothing else belongs to")
@pytest.mark.skipif(PYTHON is None, reason="there is no Python that another user may run")
@pytest.mark.parametrize("attack", ATTACKS)
def test_without_a_defence_the_attack_succeeds(attack: str) -> None:
    bare = run_bare(ATTACKS[attack].script, ATTACKS[attack].seconds + 1)

    if not ATTACKS[attack].succeeded(bare) and (denied := re.search(f"DENIED ({'|'.join(UNABLE)}).*", bare.stdout)):
        pytest.skip(f"this kernel refuses it to every ordinary user: {denied[0]}")
    assert ATTACKS[attack].succeeded(bare), bare


async def test_a_script_holds_no_capability_can_gain_none_and_has_a_filter(sandboxes: LinuxSandboxes) -> None:
    execution = await ran(
        sandboxes,
        """
import ctypes, struct
libc, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP, CAPGET = ctypes.CDLL(None), 39, 21, 125
sets = ctypes.create_string_buffer(24)
assert libc.syscall(CAPGET, struct.pack("Ii", 0x20080522, 0), sets) == 0
print(sets.raw == bytes(24), libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0))
""",
    )

    assert (execution.stdout, execution.stderr) == ("True 1 2\n", "")


async def test_what_was_printed_before_a_limit_is_not_lost(sandboxes: LinuxSandboxes) -> None:
    execution = await ran(sandboxes, ATTACKS["allocate 1 GB"].script)

    assert execution.stdout == "before\n"
    assert execution.message == "It used more than 250 MB of memory and was ended."
    assert execution.peak_memory > LIMITS.memory // 2


async def test_links_devices_and_hostile_names_never_come_out(serving: Serving, sandboxes: LinuxSandboxes) -> None:
    execution = await ran(sandboxes, LINKS)

    assert execution.outcome == "succeeded", execution.stderr
    names = {f.name for f in execution.files}
    assert names <= {"ok.txt", "<!channel>", "sparse", "rooted", "n" * 255, "-rf"}
    assert "ok.txt" in names
    assert set_id(serving[0]) == []
    async with sandboxes.open(THREAD) as sandbox:
        listed = {f.name for f in await sandbox.list()}
        assert listed == names | {"script.py"}
        assert b"".join([c async for c in sandbox.open(FileName("ok.txt"))]) == b"mine"


def test_without_a_defence_a_link_brings_out_a_file_of_the_host(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", LINKS], cwd=tmp_path, check=True)

    taken = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert (tmp_path / "link.txt").read_text() == Path("/etc/passwd").read_text()
    assert {"link.txt", "-rf", "new\nline", "rooted"} <= taken
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


def test_without_a_defence_a_deep_tree_breaks_its_reader(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DEEP], cwd=tmp_path, check=True)
    try:
        with pytest.raises((RecursionError, OSError)):
            shutil.rmtree(tmp_path / "d")
    finally:
        subprocess.run(["/bin/rm", "-rf", str(tmp_path / "d")], check=True)


async def test_a_deep_tree_is_passed_over_and_leaves_nothing(sandboxes: LinuxSandboxes) -> None:
    execution = await ran(sandboxes, DEEP)

    assert execution.outcome == "succeeded", execution.stderr
    assert execution.files == ()
    if isinstance(sandboxes.tier, Landlock):
        assert set(os.listdir(sandboxes.tier.shared)) == {"site", "mpl"}


async def test_a_thread_cannot_see_anothers_files(sandboxes: LinuxSandboxes) -> None:
    async with sandboxes.open(replace(THREAD, ts="2.0")) as other:
        await other.put(FileName("secret.txt"), chunked(b"secret"))

    execution = await ran(
        sandboxes,
        """
import os
for base, folders, names in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("proc", "sys")]
    if "secret.txt" in names: print("BROKEN", base)
""",
    )

    assert execution.stdout == ""


async def test_a_cancelled_run_leaves_no_process_and_no_change(sandboxes: LinuxSandboxes) -> None:
    before = set(tree(os.getpid()))
    task = asyncio.create_task(ran(sandboxes, "import time\nopen('x', 'w').write('x')\ntime.sleep(60)"))
    await asyncio.sleep(1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert left(before) == set()
    async with sandboxes.open(THREAD) as sandbox:
        assert [f.name for f in await sandbox.list()] == ["script.py"]


@pytest.fixture(scope="module", params=["forkserver", "bwrap", "landlock"])
def of_an_ordinary_user(request: pytest.FixtureRequest) -> tuple[str, dict[str, Came]]:
    """A tier, and what all attacks came to in it, in one process of a user without any privilege."""
    tier: str = request.param
    with open_folder() as folder, host(ORDINARY) as outside:
        words = ("-m", "tests.sandbox.ordinary", tier, str(folder / "data"), str(outside))
        done = as_an_ordinary_user(*an_ordinary_users_python(), *words, home=folder, cwd=folder)
    if done.returncode == 2:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    return tier, {name: Came(**fields) for name, fields in json.loads(done.stdout).items()}


@only_root
@pytest.mark.parametrize("attack", attacks(""))
def test_an_ordinary_user_is_as_safe(of_an_ordinary_user: tuple[str, dict[str, Came]], attack: str) -> None:
    tier, came = of_an_ordinary_user

    assert BROKEN not in came[attack].stdout
    assert came[attack].outcome in attacks(tier)[attack].outcomes


@only_root
@pytest.mark.parametrize("tier", ["forkserver", "bwrap", "landlock"])
def test_an_ordinary_user_is_as_safe_at_the_command_line(tier: str) -> None:
    with open_folder() as folder, host(ORDINARY) as outside:
        script = folder / "attack.py"
        script.write_text(attacks(tier)[ALL_CALLS].script)
        options = ["--json", "--tier", tier, "--data", str(folder / "data")]
        words = ("-m", "bot", "run", *options, str(script), "--", str(outside))
        done = as_an_ordinary_user(*an_ordinary_users_python(), *words, home=folder, cwd=folder)
    if "No sandbox works" in done.stderr:
        pytest.skip(done.stderr)

    answer = json.loads(done.stdout)

    assert BROKEN not in answer["stdout"]
    assert answer["outcome"] in attacks(tier)[ALL_CALLS].outcomes


def as_an_ordinary_user(*words: str, home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Do what an ordinary user has started, with a secret in its environment."""
    environment = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": f"{TOP}:{sysconfig.get_path('purelib')}", "CANARY_TOKEN": "secret",
        "HOME": str(home), "SANDBOX_MEMORY": str(LIMITS.memory), "SANDBOX_DISK": str(LIMITS.disk),
        "SANDBOX_OUTPUT": str(LIMITS.output), "SANDBOX_SECONDS": str(int(LIMITS.seconds)),
    }  # fmt: skip
    return subprocess.run(
        words, env=environment, cwd=cwd, user=ORDINARY, group=ORDINARY, extra_groups=[], capture_output=True, text=True, check=False
    )


@contextmanager
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="workings-test-", ignore_cleanup_errors=True) as folder:
        os.chown(folder, ORDINARY, ORDINARY)
        yield Path(folder)


@cache
def an_ordinary_users_python() -> list[str]:
    """The Python that an ordinary user may run, if it is of our version and reaches this code; else skips the test."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}."
    if PYTHON is not None:
        code = "import sys, bot.sandbox.sandboxes; print(sys.version)"
        done = as_an_ordinary_user(PYTHON, "-c", code, home=TOP, cwd=Path("/"))
        if done.returncode == 0 and done.stdout.startswith(version):
            return [PYTHON, "-B"]
    pytest.skip("no Python that an ordinary user may run has this version")


def set_id(folder: Path) -> list[Path]:
    """Files that run as their owner."""
    return [path for path in folder.rglob("*") if path.lstat().st_mode & 0o6000]


def standing() -> tuple[str, int, str]:
    """What an attack might have changed about this process: its limits, its priority, how the kernel ranks it."""
    process = Path("/proc/self")
    return (process / "limits").read_text(), os.getpriority(os.PRIO_PROCESS, 0), (process / "oom_score_adj").read_text()


@contextmanager
def inherited(path: Path) -> Iterator[None]:
    """An open file that a careless start of a process would hand on."""
    with path.open("r+b") as file:
        os.set_inheritable(file.fileno(), True)
        yield
