"""Every attack is contained in every tier, as root and as an ordinary user, and some are shown to work without a sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.execution import Execution, FileName, chunked
from bot.request import ThreadId
from bot.sandbox.limits import Limits
from bot.sandbox.sandboxes import LocalSandboxes, open_sandboxes, probe
from bot.sandbox.watchdog import tree
from tests.sandbox.attacks import ATTACKS, LINKS

LIMITS = Limits(seconds=4, memory=250_000_000, disk=20_000_000, output=100_000, inodes=2_000)
THREAD = ThreadId("T1", "C1", "1.0")
TOP = Path(__file__).parents[2]


@pytest.fixture(params=["bwrap", "landlock"])
async def sandboxes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalSandboxes]:
    if not (found := await probe(request.param, LIMITS)).works:
        pytest.skip(f"{request.param} does not work on this machine: {found.why}")
    async with open_sandboxes(tmp_path, LIMITS, tier=request.param) as sandboxes:
        yield sandboxes


async def ran(sandboxes: LocalSandboxes, script: str) -> Execution:
    async with sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("script.py"), chunked(script.encode()))
        execution = await sandbox.run(FileName("script.py"))
        await sandbox.commit(execution)
        return execution


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_contained(sandboxes: LocalSandboxes, attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_TOKEN", "secret")
    before = set(tree(os.getpid()))
    ours = standing()

    execution = await ran(sandboxes, ATTACKS[attack].script)

    assert "BROKEN" not in execution.stdout
    assert execution.outcome in ATTACKS[attack].outcomes, execution
    assert set(tree(os.getpid())) - before == set()
    assert standing() == ours


@pytest.mark.parametrize("attack", [name for name, attack in ATTACKS.items() if attack.bare])
def test_the_same_attack_succeeds_without_the_sandbox(attack: str, tmp_path: Path) -> None:
    if os.geteuid() != 0 and attack in {"write outside"}:
        pytest.skip("an ordinary user may not write there anyway")
    script = tmp_path / "script.py"
    script.write_text(ATTACKS[attack].script)

    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "CANARY_TOKEN": "x"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "BROKEN" in done.stdout


async def test_what_was_printed_before_a_limit_is_not_lost(sandboxes: LocalSandboxes) -> None:
    execution = await ran(sandboxes, ATTACKS["allocate 4 GB"].script)

    assert execution.stdout == "before\n"
    assert execution.message == "It used more than 250 MB of memory and was ended."
    assert execution.peak_memory > LIMITS.memory // 2


async def test_links_devices_and_hostile_names_never_come_out(sandboxes: LocalSandboxes) -> None:
    execution = await ran(sandboxes, LINKS)

    assert execution.outcome == "succeeded", execution.stderr
    names = {f.name for f in execution.files}
    assert names <= {"ok.txt", "<!channel>", "sparse"}
    assert "ok.txt" in names
    async with sandboxes.open(THREAD) as sandbox:
        listed = {f.name for f in await sandbox.list()}
        assert listed == names | {"script.py"}
        assert b"".join([c async for c in sandbox.open(FileName("ok.txt"))]) == b"mine"


async def test_a_thread_cannot_see_anothers_files(sandboxes: LocalSandboxes) -> None:
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


async def test_a_cancelled_run_leaves_no_process_and_no_change(sandboxes: LocalSandboxes) -> None:
    before = set(tree(os.getpid()))
    task = asyncio.create_task(ran(sandboxes, "import time\nopen('x', 'w').write('x')\ntime.sleep(60)"))
    await asyncio.sleep(1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert set(tree(os.getpid())) - before == set()
    async with sandboxes.open(THREAD) as sandbox:
        assert [f.name for f in await sandbox.list()] == ["script.py"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("tier", ["bwrap", "landlock"])
def test_an_ordinary_user_is_as_safe(tier: str, open_folder: Path) -> None:
    """The same attacks through `bot run`, as a user without any privilege."""
    python = shutil.which("python3", path="/usr/bin")
    packages = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python is None or not _reaches(python, packages, version):
        pytest.skip("no Python that an ordinary user may run has this version")
    broken = {}
    for name, attack in ATTACKS.items():
        script = open_folder / "script.py"
        script.write_text(attack.script)
        limits = {
            "SANDBOX_MEMORY": "250000000",
            "SANDBOX_DISK": "20000000",
            "SANDBOX_OUTPUT": "100000",
            "SANDBOX_SECONDS": "4",
        }
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{TOP}:{packages}",
            "CANARY_TOKEN": "x",
            "HOME": str(open_folder),
            **limits,
        }
        command = [
            python,
            "-m",
            "bot",
            "run",
            "--json",
            "--tier",
            tier,
            "--data",
            str(open_folder / "data"),
            str(script),
        ]
        done = subprocess.run(
            command, env=environment, cwd=open_folder, user=61_001, group=61_001, extra_groups=[], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if "does not work" in done.stderr or "No sandbox works" in done.stderr:
            pytest.skip(done.stderr)
        said = json.loads(done.stdout)
        if "BROKEN" in said["stdout"] or said["outcome"] not in attack.outcomes:
            broken[name] = said

    assert broken == {}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="codebot-test-", ignore_cleanup_errors=True) as folder:
        os.chown(folder, 61_001, 61_001)
        yield Path(folder)


def _reaches(python: str, packages: Path, version: str) -> bool:
    code = f"import sys; sys.path[:0] = [{str(TOP)!r}, {str(packages)!r}]; import bot.sandbox.sandboxes; print(sys.version)"
    done = subprocess.run(
        [python, "-c", code], user=61_001, group=61_001, extra_groups=[], capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and done.stdout.startswith(version)


def standing() -> tuple[str, int, str]:
    """What an attack might have changed about this process: its limits, its priority, how the kernel ranks it."""
    process = Path("/proc/self")
    return (process / "limits").read_text(), os.getpriority(os.PRIO_PROCESS, 0), (process / "oom_score_adj").read_text()
