"""The fork server from the host's side: it dies, wears out and closes without anybody waiting for ever."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.errors import ServiceError
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.runtime import IMPORTS, RuntimeBuild
from bot.sandbox.watchdog import tree
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import ThreadId
from tests.sandbox.tiers import THREAD, ran, way
from tests.sandbox.trees import left, serves

LIMITS = Limits(seconds=20)


@pytest.fixture(params=["forkserver", "landlock"])
async def sandboxes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LinuxSandboxes]:
    async with way(request.param, tmp_path, LIMITS, slots=4) as opened:
        yield opened


def servers() -> list[int]:
    """The fork servers below us, without what started them and what they have forked."""
    found = [pid for pid in tree(os.getpid())[1:] if serves(pid)]
    return [pid for pid in found if not any(pid in tree(other)[1:] for other in found)]


def libraries(data: Path, *, stage: str) -> RuntimeBuild:
    """Libraries of one stage, `quick` or `runtime`, of which numpy takes a while to import."""
    build = RuntimeBuild(data)
    home = build._quick if stage == "quick" else build._home
    (home / "site/numpy").mkdir(parents=True)
    (home / "site/numpy/__init__.py").write_text("import time; time.sleep(0.7)\nclass random: seed = int")
    for path in (data, home, home / "site", home / "site/numpy"):
        path.chmod(0o755)
    return build


@pytest.mark.parametrize("tier", ["forkserver", "landlock"])
async def test_runs_have_the_libraries_from_the_first_moment(tier: str, tmp_path: Path) -> None:
    build = libraries(tmp_path / "libraries", stage="runtime")
    async with way(tier, tmp_path, LIMITS, slots=4, runtime=build) as sandboxes:
        runs = [asyncio.create_task(ran(sandboxes, "import numpy; print('there')", ts=str(n))) for n in range(4)]
        for n in range(25):  # as the open turns of an earlier process are, and messages of the first seconds
            runs.append(asyncio.create_task(ran(sandboxes, "import numpy; print('there')", ts=f"again {n}")))
            await asyncio.sleep(0.1)
        ended = await asyncio.gather(*runs)

    assert [e for e in ended if e.stdout != "there\n"] == []
    assert ended[-1].duration < 0.6, "the last ones are forked from a server that has loaded them"


async def test_when_the_server_dies_its_run_ends_and_the_next_one_works(sandboxes: LinuxSandboxes) -> None:
    running = asyncio.create_task(ran(sandboxes, "import time; print('on', flush=True); time.sleep(30)"))
    await asyncio.sleep(0.5)

    os.kill(servers()[-1], signal.SIGKILL)
    first = await asyncio.wait_for(running, 10)
    second = await asyncio.wait_for(ran(sandboxes, "print('again')"), 10)

    assert (first.outcome, first.stdout) == (Outcome.INTERRUPTED, "on\n")
    assert second.stdout == "again\n"


CAUGHT = "try:\n    import numpy\nexcept ImportError:\n    print('no numpy')"


@pytest.mark.parametrize("needing", ["import numpy", CAUGHT, "__import__('numpy')"])
async def test_on_the_first_start_a_script_waits_for_its_library_and_the_thread_says_so(tmp_path: Path, needing: str) -> None:
    build, shown = RuntimeBuild(tmp_path / "libraries"), list[tuple[ThreadId, str]]()
    build.begin("installing numpy (once): 3 of 51 MB")

    async def show(thread: ThreadId, text: str) -> None:
        shown.append((thread, text))

    async with way("forkserver", tmp_path, LIMITS, runtime=build) as sandboxes:
        sandboxes.show = show
        running = asyncio.create_task(ran(sandboxes, f"{needing}\nprint('there')"))
        await asyncio.sleep(1.5)
        assert not running.done()
        assert shown == [(THREAD, "is waiting for numpy: installing numpy (once): 3 of 51 MB…")]
        libraries(tmp_path / "libraries", stage="quick")
        execution = await running

    assert execution.stdout == "there\n", execution
    assert shown[1:] == [(THREAD, "is running script.py…")]


def test_what_is_installed_is_never_denied(tmp_path: Path) -> None:
    build = libraries(tmp_path, stage="runtime")

    for module in (*IMPORTS, "pandas.nothing", "os.nothing", "mpl_toolkits.x", "Pandas"):
        said = build.about(module)
        assert "not installed" not in said or module == "Pandas", said
    assert build.about("pandas.nothing") == "pandas is here, but it has no module pandas.nothing."
    assert build.about("nothing").startswith("nothing is not installed, and there is no network to fetch it. There are: ")


@pytest.mark.parametrize("tier", ["forkserver", "landlock"])
async def test_a_worn_server_is_renewed_and_the_old_one_goes_when_its_run_is_over(tier: str, tmp_path: Path) -> None:
    async with way(tier, tmp_path, LIMITS, slots=4, renew_after=2) as sandboxes:
        old = servers()
        long = asyncio.create_task(ran(sandboxes, "import time; time.sleep(1.5); print('whole')", ts="2"))
        await ran(sandboxes, "print(1)")
        await asyncio.sleep(1)

        assert (await long).stdout == "whole\n"
        async with asyncio.timeout(30):
            while set(servers()) & set(old):  # noqa: ASYNC110  another task sees to it
                await asyncio.sleep(0.05)
        assert (await ran(sandboxes, "print(2)")).stdout == "2\n"


@pytest.mark.parametrize("tier", ["forkserver", "landlock"])
async def test_closing_ends_runs_and_leaves_nothing(tier: str, tmp_path: Path) -> None:
    before = set(tree(os.getpid()))
    async with way(tier, tmp_path, LIMITS, slots=4) as sandboxes:
        running = [asyncio.create_task(ran(sandboxes, "import time; time.sleep(30)", ts=str(n))) for n in range(4)]
        await asyncio.sleep(0.3)

    ended = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), 10)

    assert all(isinstance(e, ServiceError) or (isinstance(e, Execution) and e.outcome is Outcome.INTERRUPTED) for e in ended), ended
    assert left(before) == set()


async def test_cancelling_at_any_moment_leaves_no_process_and_no_descriptor(sandboxes: LinuxSandboxes) -> None:
    await ran(sandboxes, "print(1)")
    before, held = set(tree(os.getpid())), len(os.listdir("/proc/self/fd"))

    for moment in range(30):
        running = asyncio.create_task(ran(sandboxes, "import time; time.sleep(30)"))
        await asyncio.sleep(moment / 1_000)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    await asyncio.sleep(0.3)
    assert left(before) == set()
    assert len(os.listdir("/proc/self/fd")) <= held + 1
    assert (await ran(sandboxes, "print('well')")).stdout == "well\n"


async def test_a_start_that_is_cancelled_leaves_nothing_and_does_not_hang(tmp_path: Path) -> None:
    """A bwrap that has just made its namespaces does not yet take its child along when it is killed."""

    async def serve() -> None:
        async with way("forkserver", tmp_path, LIMITS):
            await asyncio.sleep(60)

    async with way("forkserver", tmp_path, LIMITS):
        pass  # it is skipped where it does not work
    before, seen = set(tree(os.getpid())), set[int]()
    for _ in range(5):
        starting = asyncio.create_task(serve())
        async with asyncio.timeout(30):
            while len(now := set(tree(os.getpid())) - before) < 2:  # noqa: ASYNC110  bwrap, and its first process
                await asyncio.sleep(0)
        seen |= now
        starting.cancel()
        assert await asyncio.wait({starting}, timeout=30) == ({starting}, set())

    async with asyncio.timeout(30):
        while alive(seen):  # noqa: ASYNC110  an orphan is not below us any more
            await asyncio.sleep(0.05)


def alive(pids: set[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()]  # which a dead one that nobody has taken yet has not


async def test_a_run_whose_process_died_before_it_began_is_run_all_the_same(sandboxes: LinuxSandboxes) -> None:
    await ran(sandboxes, "print(1)")
    old = servers()
    async with asyncio.timeout(30):
        while not (waiting := tree(old[0])[1:]):  # noqa: ASYNC110  the server forks it
            await asyncio.sleep(0.01)
    for pid in waiting:
        with suppress(ProcessLookupError):  # it died with its parent
            os.kill(pid, signal.SIGKILL)

    assert (await ran(sandboxes, "print(2)")).stdout == "2\n"

    async with asyncio.timeout(30):
        while servers() == old:  # noqa: ASYNC110  a server that failed is renewed
            await asyncio.sleep(0.05)
    assert (await ran(sandboxes, "print(3)")).stdout == "3\n"


async def test_arguments_of_any_length_reach_a_run(sandboxes: LinuxSandboxes) -> None:
    assert (await ran(sandboxes, "import sys; print(len(sys.argv[1]))", "😀" * 300_000)).stdout == "300000\n"


async def test_the_server_learns_nothing_of_its_runs(sandboxes: LinuxSandboxes) -> None:
    """What it read would be in the memory of every later run, of other threads as well."""
    await ran(sandboxes, "import sys; print(sys.argv[1][::-1])", "a word of one thread"[::-1])

    assert not await asyncio.to_thread(holds, servers()[0], "a word of one thread"[::-1].encode())
    assert await asyncio.to_thread(holds, servers()[0], b"inside/fork_server.py")


def holds(pid: int, word: bytes) -> bool:
    """Whether a process has these bytes in its memory."""
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in maps:
            span, mode, *_ = line.split()
            start, end = (int(at, 16) for at in span.split("-"))
            if mode.startswith("rw"):
                memory.seek(start)
                if word in memory.read(end - start):
                    return True
    return False
