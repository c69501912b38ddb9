"""Runs as a user sees them, in every real tier."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from bot.sandbox.landlock import shared_folder
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.watchdog import tree
from bot.thread.files import FileName, chunked
from bot.thread.outcomes import Outcome
from bot.thread.request import ThreadId
from tests.sandbox.tiers import THREAD, WAYS, Serving, ran, way


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=WAYS)
async def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    data = tmp_path_factory.mktemp("runs")
    async with way(request.param, data, Limits(seconds=20)) as sandboxes:
        yield data, sandboxes


async def test_a_run_that_is_ended_keeps_what_it_printed(serving: Serving) -> None:
    _, sandboxes = serving
    async with sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("endless.py"), chunked(b"print('begun')\nwhile True: pass\n"))
        running = asyncio.create_task(sandbox.run(FileName("endless.py")))
        await asyncio.sleep(1)

        assert sandbox.end_run()
        execution = await running

        assert (execution.outcome, execution.stdout, execution.message) == (
            Outcome.INTERRUPTED, "begun\n", "It was stopped.",
        )  # fmt: skip
        assert not sandbox.end_run()


async def test_a_script_has_its_arguments_and_input(sandboxes: LinuxSandboxes) -> None:
    grown = "\ntry: open('/proc/self/fd/0', 'r+b').write(bytes(9_000_000)); print('grown')\nexcept OSError: pass\n"
    execution = await ran(sandboxes, f"import sys; print(sys.argv[1:], sys.stdin.read()){grown}", "a b", "é", stdin="typed")

    assert (execution.exit_code, execution.stdout, execution.stderr) == (0, "['a b', 'é'] typed\n", "")


async def test_a_traceback_shows_the_scripts_lines_and_none_of_ours(sandboxes: LinuxSandboxes) -> None:
    execution = await ran(sandboxes, "def f():\n    return {}['x']\n\nf()\n")

    assert "return {}['x']" in execution.stderr
    assert "KeyError: 'x'" in execution.stderr
    assert "launcher" not in execution.stderr
    assert "exec(compile" not in execution.stderr


async def test_the_threads_own_modules_do_not_hide_the_standard_library(sandboxes: LinuxSandboxes) -> None:
    execution = await ran(
        sandboxes, "import json, helper; print(json.dumps({}), helper.x)", files={"json.py": b"1/0", "helper.py": b"x = 5"},
    )  # fmt: skip

    assert execution.stdout == "{} 5\n", execution.stderr


async def test_a_missing_library_and_missing_input_are_answered_with_what_to_do(sandboxes: LinuxSandboxes) -> None:
    missing, asks = [(await ran(sandboxes, script)).message for script in ("import nonsense", "input('name? ')")]

    assert "There" in missing or "not here" in missing
    assert "asked for input" in asks


async def test_a_script_in_a_folder_finds_its_neighbours(sandboxes: LinuxSandboxes) -> None:
    async with sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("folder/near.py"), chunked(b"x = 5"))
        await sandbox.put(FileName("folder/a.py"), chunked(b"import near; print(near.x)"))

        assert (await sandbox.run(FileName("folder/a.py"))).stdout == "5\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_script_that_asks_for_it_gets_a_fresh_interpreter(sandboxes: LinuxSandboxes, end: str) -> None:
    asks = "# /// script\n# dependencies = []\n#\n# [tool.workings]\n# fresh = true\n# ///\nprint(1)\n".replace("\n", end)

    execution = await ran(sandboxes, asks + "import sys; print('site' in sys.argv)")
    earlier = await ran(sandboxes, asks.replace("workings", "codebot"))
    usual = await ran(sandboxes, asks.replace("true", "false"))
    wrong = await ran(sandboxes, asks.replace("true", "= ["))

    assert (execution.stdout, usual.stdout, wrong.stdout) == ("1\nFalse\n", "1\n", "1\n")
    assert execution.tier == earlier.tier == ("landlock" if sandboxes.tier.name == "landlock" else "bwrap")
    assert usual.tier == wrong.tier == sandboxes.tier.name


async def test_deleted_and_renamed_files_are_so_afterwards(sandboxes: LinuxSandboxes) -> None:
    script = """
import os, shutil
os.unlink("a.txt")
os.rename("b.txt", "c.txt")
shutil.rmtree("folder")
os.mkdir("folder"); open("folder/new.txt", "w").write("n")
"""
    execution = await ran(sandboxes, script, files={"a.txt": b"a", "b.txt": b"b", "folder/old.txt": b"o"})

    assert execution.outcome == "succeeded", execution.stderr
    async with sandboxes.open(THREAD) as sandbox:
        assert [f.name for f in await sandbox.list()] == ["c.txt", "folder/new.txt", "script.py"]


def test_folders_that_a_killed_bot_has_left_are_removed_and_those_in_use_kept(tmp_path: Path) -> None:
    place = tmp_path / "workings-place"
    place.mkdir()
    for dead in ("workings-tools-dead", "codebot-tools-dead"):
        (place / dead / "run-1/data").mkdir(parents=True)
        (place / dead / "run-1/data/secret.txt").write_text("secret")

    with shared_folder(-1, place) as first, shared_folder(-1, place) as second:
        assert {path.name for path in place.iterdir()} == {first.name, second.name}
        assert (first / "site/logs").is_dir()

    assert list(place.iterdir()) == []


def test_bot_run_passes_through_output_and_exit_code(tmp_path: Path) -> None:
    script = tmp_path / "a script.py"
    script.write_text("import sys\nprint(open('data.csv').read(), sys.argv[1:])\nopen('out.txt', 'w').write('made')\nsys.exit(5)\n")
    (tmp_path / "data.csv").write_text("1,2")
    base = [sys.executable, "-m", "bot", "run", "--data", str(tmp_path / "data"), "--file", str(tmp_path / "data.csv")]

    plain = subprocess.run(
        [*base, str(script), "--out", str(tmp_path / "out"), "--", "-x", "y"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    as_json = subprocess.run([*base, str(script), "--json"], capture_output=True, text=True, check=False)

    assert (plain.returncode, plain.stdout) == (5, "1,2 ['-x', 'y']\n")
    assert (tmp_path / "out" / "out.txt").read_text() == "made"
    said = json.loads(as_json.stdout)
    assert as_json.returncode == 5
    assert (said["outcome"], said["exit_code"], said["files"]) == ("failed", 5, [{"name": "out.txt", "size": 4}])
    keys = {"outcome", "exit_code", "stdout", "stderr", "duration_s", "peak_memory_bytes", "tier", "files"}
    assert keys <= said.keys()


def readable(folder: Path) -> Iterator[Path]:
    """What another user of the machine could read of a folder that he can enter."""
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if mode & 0o004:
            yield path
        if path.is_dir() and mode & 0o001:
            yield from readable(path)


@pytest.mark.parametrize("name", WAYS)
async def test_other_users_of_the_machine_can_read_nothing_of_any_thread(name: str, tmp_path: Path) -> None:
    (tmp_path / "threads/of an earlier release/files").mkdir(parents=True)
    (tmp_path / "threads/of an earlier release/files/a.csv").write_text("a")
    script = (
        "import os\nos.makedirs('new/er', exist_ok=True)\nos.chmod('new', 0o777)\nopen('new/er/b', 'w').write(open('in/a').read())"
    )
    umask = os.umask(0o022)
    try:
        async with way(name, tmp_path, Limits(seconds=20)) as sandboxes:
            for _ in range(2):
                execution = await ran(sandboxes, script, files={"in/a": b"a"})
                async with sandboxes.open(THREAD) as sandbox:
                    assert [f.name for f in await sandbox.list()] == ["in/a", "new/er/b", "script.py"]
    finally:
        os.umask(umask)

    assert execution.outcome is Outcome.SUCCEEDED, execution
    assert list(readable(tmp_path)) == []


@pytest.mark.parametrize("name", ["landlock", "landlock, cold"])
async def test_a_copy_is_closed_to_other_users_of_the_machine(name: str, tmp_path: Path) -> None:
    async with way(name, tmp_path, Limits(seconds=20)) as sandboxes:
        execution = await ran(sandboxes, "import os; print(oct(os.stat('..').st_mode & 0o777))")

    assert execution.stdout == "0o700\n", execution


@pytest.mark.parametrize("name", ["landlock", "landlock, cold"])
async def test_a_run_has_its_threads_though_another_has_taken_all_of_its_own(name: str, tmp_path: Path) -> None:
    threads = "import threading, time\nfor n in range({}): threading.Thread(target=time.sleep, args=({},)).start()\nprint('all')"
    async with way(name, tmp_path, Limits(seconds=20)) as sandboxes, sandboxes.open(ThreadId("T", "C", "2")) as other:
        await other.put(FileName("script.py"), chunked(threads.format(200, 3).encode()))
        taking = asyncio.create_task(other.run(FileName("script.py")))
        await asyncio.sleep(1)
        execution = await ran(sandboxes, threads.format(20, 0.2))
        assert not taking.done()
        await taking

    assert execution.stdout == "all\n", execution


def test_bot_run_that_is_ended_says_so_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import time\ntime.sleep(60)")
    command = [sys.executable, "-m", "bot", "run", "--data", str(tmp_path / "data"), str(tmp_path / "a.py")]
    with subprocess.Popen(command) as process:
        while b"a.py" not in _commands(process.pid):
            time.sleep(0.05)
        process.terminate()

        assert process.wait(20) == 143


def _commands(root: int) -> bytes:
    """The command lines of all that a process has started."""
    found = b""
    for pid in tree(root)[1:]:
        with suppress(OSError):  # it has ended since
            found += Path(f"/proc/{pid}/cmdline").read_bytes()
    return found


async def test_a_run_that_asks_for_more_time_than_there_is_says_so_when_that_is_over(tmp_path: Path) -> None:
    async with way("forkserver", tmp_path, Limits(seconds=1)) as sandboxes, sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("a.py"), chunked(b"import time; time.sleep(9)"))
        execution = await sandbox.run(FileName("a.py"), timeout=90)

    assert execution.message == "It ran longer than 1 s, the most that a run may take (90 s were asked for), and was ended."


async def test_a_library_that_nobody_installs_is_not_waited_for(tmp_path: Path) -> None:
    build = RuntimeBuild(tmp_path)
    async with way("forkserver", tmp_path, Limits(seconds=20), runtime=build) as sandboxes:
        execution = await asyncio.wait_for(ran(sandboxes, "import pandas"), 10)

    assert execution.message == build.about("pandas")
    assert build.about("pandas").startswith("pandas is not installed. The bot was told to install nothing")


@pytest.mark.parametrize("name", ["forkserver", "bwrap"])
async def test_a_full_folder_for_temporary_files_is_named(name: str, tmp_path: Path) -> None:
    async with way(name, tmp_path, Limits(seconds=20)) as sandboxes:
        for place, room in (("/tmp", "64 MB"), ("/dev/shm", "16 MB")):
            execution = await ran(sandboxes, f"open('{place}/x', 'wb').write(bytes(80_000_000))")

            assert execution.message.startswith(f"It filled {place} ({room})"), execution


@pytest.mark.parametrize(
    ("signal", "outcome", "message"),
    [
        ("SIGXCPU", Outcome.TIMED_OUT, "It ran longer than 20 s and was ended."),
        ("SIGXFSZ", Outcome.DISK_FULL, "It wrote more than 128 MB of new files, or more than 65,536 of them."),
        ("SIGKILL", Outcome.KILLED, "It was killed by itself, or from outside its sandbox, as when the machine's memory runs out."),
        ("SIGTERM", Outcome.FAILED, "It was ended by the signal SIGTERM."),
    ],
)
async def test_the_signal_that_ends_a_script_says_what_it_met(signal: str, outcome: Outcome, message: str, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        f"if '{signal}' != 'SIGKILL': signal.signal(signal.{signal}, signal.SIG_DFL)\n"
        f"os.kill(os.getpid(), signal.{signal})"
    )
    async with way("forkserver", tmp_path, Limits(seconds=20)) as sandboxes:
        execution = await ran(sandboxes, script)

    assert (execution.outcome, execution.message) == (outcome, message), execution
