"""What the core may rely on of a sandbox: each real tier, and the fake of the core's tests."""

import os
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import NoSuchFile, TooLarge
from bot.ports import Sandboxes
from bot.sandbox.landlock import Landlock, entries
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.sandboxes import probe
from bot.thread.files import FileName, chunked
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import ThreadId
from tests.fakes import MemorySandboxes
from tests.sandbox.tiers import way

THREAD = ThreadId("T1", "C1", "1.0")
LIMITS = Limits(seconds=10, file=100_000, thread=250_000)
SCRIPT = """
import os
open("made.txt", "w").write("new")
if os.path.exists("old.txt"): open("old.txt", "w").write("changed")
if os.path.exists("gone.txt"): os.unlink("gone.txt")
"""


async def _script(files: dict[str, bytes]) -> Execution:
    """The same for the fake, whose programs are functions."""
    files["made.txt"] = b"new"
    if "old.txt" in files:
        files["old.txt"] = b"changed"
    return Execution(outcome=Outcome.SUCCEEDED, exit_code=0)


@pytest.fixture(params=["memory", "forkserver", "bwrap", "landlock"])
async def sandboxes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandboxes]:
    if request.param == "memory":
        fake = MemorySandboxes(limit=LIMITS.file)
        fake.programs["a.py"] = _script
        yield fake
        return
    async with way(request.param, tmp_path, LIMITS) as real:
        yield real


async def test_files_come_back_as_they_were_put_whatever_their_name(sandboxes: Sandboxes) -> None:
    names = ["a b 😀.csv", "deep/er/x.txt", "é.py"]
    async with sandboxes.open(THREAD) as sandbox:
        for name in names:
            await sandbox.put(FileName(name), chunked(name.encode()))

        assert [f.name for f in await sandbox.list()] == sorted(names)
        for name in names:
            assert b"".join([c async for c in sandbox.open(FileName(name))]) == name.encode()


async def test_a_file_too_large_is_refused_and_leaves_nothing(sandboxes: Sandboxes) -> None:
    async with sandboxes.open(THREAD) as sandbox:
        with pytest.raises(TooLarge):
            await sandbox.put(FileName("big"), chunked(b"x" * (LIMITS.file + 1)))

        assert list(await sandbox.list()) == []


async def test_what_is_not_there_is_said(sandboxes: Sandboxes) -> None:
    async with sandboxes.open(THREAD) as sandbox:
        with pytest.raises(NoSuchFile):
            await sandbox.run(FileName("nope.py"))
        with pytest.raises(NoSuchFile):
            _ = [c async for c in sandbox.open(FileName("nope.py"))]


async def test_a_run_changes_the_files_when_it_is_committed_and_only_once(sandboxes: Sandboxes) -> None:
    async with sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("a.py"), chunked(SCRIPT.encode()))
        await sandbox.put(FileName("old.txt"), chunked(b"old"))

        execution = await sandbox.run(FileName("a.py"))

        assert execution.outcome is Outcome.SUCCEEDED, execution
        assert sorted(f.name for f in execution.files) == ["made.txt", "old.txt"]
        assert [f.name for f in await sandbox.list()] == ["a.py", "old.txt"]
        await sandbox.commit(execution)
        await sandbox.put(FileName("made.txt"), chunked(b"mine now"))
        await sandbox.commit(execution)
        assert b"".join([c async for c in sandbox.open(FileName("made.txt"))]) == b"mine now"
        assert b"".join([c async for c in sandbox.open(FileName("old.txt"))]) == b"changed"


async def test_a_thread_has_files_of_its_own(sandboxes: Sandboxes) -> None:
    async with sandboxes.open(THREAD) as sandbox, sandboxes.open(replace(THREAD, ts="2.0")) as other:
        await sandbox.put(FileName("mine.txt"), chunked(b"x"))

        assert list(await other.list()) == []


async def test_the_log_toolkit_reads_the_threads_files_and_its_index_is_listed_nowhere(sandboxes: Sandboxes) -> None:
    lines = "".join(f"2026-11-20T14:00:{n:02d}Z INFO item {n} sold\n" for n in range(60))
    async with sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("my app.log"), chunked(lines.encode()))
        execution = await sandbox.toolkit("logs", ["search", "my app.log", "--query=item 4"])
        await sandbox.commit(execution)
        wrong = await sandbox.toolkit("logs", ["profile", "none.log"])

        assert execution.outcome is Outcome.SUCCEEDED, execution.stderr
        assert execution.stdout.startswith("11 lines match")
        assert execution.files == ()
        assert [f.name for f in await sandbox.list()] == ["my app.log"]
        assert (wrong.outcome, wrong.exit_code) == (Outcome.FAILED, 2)
        assert "There is no file none.log." in wrong.stderr


async def test_the_table_toolkit_reads_the_threads_files_and_scripts_import_it(sandboxes: Sandboxes) -> None:
    script = 'import logs, tables\nprint(tables.rows("my sales.csv")[1]["sold"] + len(logs.__all__) * 0)\n'
    async with sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("my sales.csv"), chunked(b"day;sold\n1.2.2026;1,5\n2.2.2026;2,5\n"))
        await sandbox.put(FileName("adds.py"), chunked(script.encode()))
        execution = await sandbox.toolkit("tables", ["profile", "my sales.csv"])
        wrong = await sandbox.toolkit("tables", ["profile", "none.csv"])
        imported = await sandbox.run(FileName("adds.py"))

        assert execution.stdout.startswith('{"table": "my sales.csv", "form": "CSV, separated by ;", "rows": 2'), execution.stderr
        assert execution.files == ()
        assert (wrong.outcome, wrong.exit_code, wrong.stderr) == (Outcome.FAILED, 1, "There is no file “none.csv”.\n")
        assert imported.outcome is Outcome.SUCCEEDED, imported.stderr
        assert imported.stdout == ("" if isinstance(sandboxes, MemorySandboxes) else "2.5\n")


async def test_the_watch_on_new_files_never_walks_on_the_loop_nor_twice_at_once(tmp_path: Path) -> None:
    if not (found := await probe("landlock", LIMITS)).works:
        pytest.skip(f"landlock does not work on this machine: {found.why}")
    overlaps: list[bool] = []
    on_loop: list[bool] = []
    walking = threading.Lock()

    def slow(*folders: Path) -> tuple[list[os.DirEntry[str]], bool]:
        on_loop.append(threading.current_thread() is threading.main_thread())
        overlaps.append(walking.locked())
        with walking:
            time.sleep(0.2)
            return entries(*folders)

    real = LinuxSandboxes(tmp_path, LIMITS, Landlock(LIMITS, walk_copy=slow), None, 2)
    async with real.serving(warm=True), real.open(THREAD) as sandbox:
        await sandbox.put(FileName("a.py"), chunked(b"import time; time.sleep(9)"))
        execution = await sandbox.run(FileName("a.py"), timeout=0.5)

    assert execution.outcome is Outcome.TIMED_OUT
    assert len(overlaps) > 2
    assert not any(overlaps)
    assert not any(on_loop)
