"""What a run costs in each tier, beside bare Python: `python -m tests.bench sandbox [--rounds N] [--data DIR]`.

Rounds are interleaved, so that what else the machine does falls on all alike; every run's output, exit code and files must be
those of bare Python before its time counts.
"""

import argparse
import asyncio
import hashlib
import logging
import os
import statistics
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from bot.sandbox.bwrap import find_bwrap
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.sandboxes import open_sandboxes, probe
from bot.sandbox.tier import interpreter
from bot.sandbox.watchdog import tree
from bot.thread.files import FileName, chunked
from bot.thread.request import ThreadId
from tests.sandbox.tiers import libraries_loaded

PASS = "print('done')\n"
SCRIPTS = tomllib.loads(Path(__file__).with_name("scripts.toml").read_text())
PLOT, POLARS, WAITING = (str(SCRIPTS[name]) for name in ("plot", "polars", "waiting"))
LIMITS = Limits(seconds=120)


@dataclass(frozen=True, slots=True)
class Came:
    """What a run came to: all that it printed, its exit code, and a digest of each file it made."""

    output: str
    code: int
    files: tuple[tuple[str, str], ...]


# Returns the seconds it took and what it came to; the second says whether the thread holds a large file.
Run = Callable[[str, bool], Awaitable[tuple[float, Came]]]


@dataclass(slots=True)
class Tier:
    """A way to run a script."""

    name: str
    run: Run


def main(arguments: list[str]) -> int:
    """Print the tables."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BOT_DATA", "data")), help="where the runtime is built")
    asked = parser.parse_args(arguments)
    asyncio.run(_measured(asked.rounds, asked.data.absolute()))
    return 0


async def _measured(rounds: int, data: Path) -> None:
    runtime = RuntimeBuild(data)
    await runtime.build(lambda text: print(text, file=sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        async with _tiers(Path(folder), runtime) as tiers:
            print(f"{'wall time in ms, median (times bare)':38}" + "".join(f"{t.name:>24}" for t in tiers))
            for title, script, times in (
                ("pass", PASS, rounds),
                ("pandas and pyplot, a PNG", PLOT, max(5, rounds // 2)),
                ("polars, a CSV of 100 MB", POLARS, 5),
            ):
                await _row(title, tiers, script, times)
            print(f"\n{'runs per second, 16 plots each (times bare)':46}" + "".join(f"{t.name:>24}" for t in tiers))
            for at_once in (1, 4, 16):
                await _throughput(tiers, at_once)
            await _large_file(tiers)
            await _memory(tiers)


@asynccontextmanager
async def _tiers(folder: Path, runtime: RuntimeBuild) -> AsyncIterator[list[Tier]]:
    big = folder / "big.csv"
    with big.open("w") as file:
        file.write("a,b,c\n")
        file.writelines(f"{n},{n % 97},some text that takes room in line {n}\n" for n in range(2_100_000))
    found: list[Tier] = [Tier("bare python", _bare(folder / "bare", runtime, big))]
    if (bwrap := find_bwrap()) is not None:
        found.append(Tier("bwrap alone", _alone(folder / "alone", runtime, big, bwrap)))
    heavy = folder / "heavy.bin"
    heavy.write_bytes(bytes(200_000_000))
    async with AsyncExitStack() as stack:
        for name in ("forkserver", "bwrap", "landlock"):
            if not (probed := await probe(name, LIMITS)).works:
                print(f"{name} does not work here: {probed.why}")
                continue
            sandboxes = await stack.enter_async_context(open_sandboxes(folder / name, LIMITS, tier=name, runtime=runtime, slots=16))
            if name == "forkserver":
                assert sandboxes.pool
                await libraries_loaded(sandboxes.pool, runtime)
            found.append(Tier(name, await _sandboxed(sandboxes, big, heavy)))
        yield found


def _bare(home: Path, runtime: RuntimeBuild, big: Path) -> Run:
    return _command(home, big, lambda _, script: [_own_python(home), "-s", script], runtime)


@cache
def _own_python(home: Path) -> str:
    """The same Python in an environment of its own, which the packages of the machine's do not slow down."""
    venv.create(home / "venv", symlinks=True)
    return str(home / "venv/bin/python")


def _alone(home: Path, runtime: RuntimeBuild, big: Path, bwrap: Path) -> Run:
    _, prefix = interpreter()

    def command(folder: Path, script: str) -> list[str]:
        return [
            str(bwrap), "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm",
            "--bind", str(folder), str(folder), "--ro-bind", prefix, prefix, "--chdir", str(folder), "--", _own_python(home), "-s", script,
        ]  # fmt: skip

    return _command(home, big, command, runtime)


def _command(home: Path, big: Path, command: Callable[[Path, str], list[str]], runtime: RuntimeBuild) -> Run:
    folders = (home / str(number) for number in count())
    free: list[Path] = []

    def fresh() -> Path:
        folder = next(folders)
        (folder / "mpl").mkdir(parents=True)
        os.link(big, folder / "big.csv")
        for font in runtime.current.fonts:
            (folder / "mpl" / font.name).symlink_to(font)
        return folder

    async def run(script: str, _: bool) -> tuple[float, Came]:
        folder = free.pop() if free else fresh()
        environment = {
            "PATH": "/usr/bin:/bin", "PYTHONPATH": str(runtime.current.site), "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(folder / "mpl"),
            "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2", "LANG": "C.UTF-8",
        }  # fmt: skip
        before = {path.name for path in folder.iterdir()} | {"script.py"}
        began = time.perf_counter()
        (folder / "script.py").write_text(script)
        process = await asyncio.create_subprocess_exec(
            *command(folder, "script.py"), cwd=folder, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, error = await process.communicate()
        took = time.perf_counter() - began
        made = [path for path in sorted(folder.iterdir()) if path.name not in before]
        files = tuple((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in made)
        for path in made:
            path.unlink()
        free.append(folder)
        assert process.returncode is not None
        return took, Came(out.decode() + error.decode(), process.returncode, files)

    return run


async def _sandboxed(sandboxes: LinuxSandboxes, big: Path, heavy: Path) -> Run:
    numbers = count()
    free: dict[bool, list[str]] = {False: [], True: []}

    async def bytes_of(path: Path) -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk

    async def run(script: str, loaded: bool) -> tuple[float, Came]:
        ts = free[loaded].pop() if free[loaded] else str(next(numbers))
        async with sandboxes.open(ThreadId("T", "C", ts)) as sandbox:
            there = {f.name for f in await sandbox.list()}
            for path, wanted in ((big, "big.csv" in script), (heavy, loaded)):
                if wanted and path.name not in there:
                    await sandbox.put(FileName(path.name), bytes_of(path))
            began = time.perf_counter()
            await sandbox.put(FileName("script.py"), chunked(script.encode()))
            execution = await sandbox.run(FileName("script.py"))
            await sandbox.commit(execution)
            took = time.perf_counter() - began
            files = []
            for made in execution.files:
                data = b"".join([chunk async for chunk in sandbox.open(made.name)])
                files.append((str(made.name), hashlib.sha256(data).hexdigest()))
        free[loaded].append(ts)
        assert execution.exit_code is not None, execution
        return took, Came(execution.stdout + execution.stderr, execution.exit_code, tuple(files))

    return run


async def _timed(tier: Tier, script: str, expected: Came, *, loaded: bool = False) -> float:
    took, found = await tier.run(script, loaded)
    assert found == expected, f"{tier.name}: {str(found)[:600]} and not {str(expected)[:600]}"
    return took


async def _row(title: str, tiers: list[Tier], script: str, rounds: int) -> None:
    _, expected = await tiers[0].run(script, False)
    assert expected.code == 0, expected
    times: Mapping[str, list[float]] = {t.name: [] for t in tiers}
    for number in range(rounds + 1):
        for tier in tiers:
            took = await _timed(tier, script, expected)
            if number:  # the first warms the caches
                times[tier.name].append(took)
    base = statistics.median(times[tiers[0].name])
    cells = [f"{statistics.median(t) * 1000:.1f} ({statistics.median(t) / base:.2f} x)" for t in times.values()]
    print(f"{title:38}" + "".join(f"{c:>24}" for c in cells), flush=True)


async def _throughput(tiers: list[Tier], at_once: int) -> None:
    _, expected = await tiers[0].run(PLOT, False)
    rates = []
    for tier in tiers:
        slots = asyncio.Semaphore(at_once)

        async def one(tier: Tier = tier, slots: asyncio.Semaphore = slots) -> None:
            async with slots:
                await _timed(tier, PLOT, expected)

        await asyncio.gather(*(one() for _ in range(at_once)))  # the folders and threads of each are made
        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(16)))
        rates.append(16 / (time.perf_counter() - began))
    cells = [f"{rate:.1f} ({rate / rates[0]:.2f} x)" for rate in rates]
    print(f"{f'{at_once} at once':46}" + "".join(f"{c:>24}" for c in cells), flush=True)


async def _large_file(tiers: list[Tier]) -> None:
    """Runs in a thread that holds a file of 200 MB beside runs in one that holds nothing."""
    _, expected = await tiers[0].run(PLOT, False)
    for tier in tiers[2:]:
        times: dict[bool, list[float]] = {False: [], True: []}
        for number in range(21):
            for loaded in (False, True):
                took = await _timed(tier, PLOT, expected, loaded=loaded)
                if number:
                    times[loaded].append(took)
        ratio = statistics.median(times[True]) / statistics.median(times[False])
        print(f"a file of 200 MB in the thread, {tier.name}: a plot takes {ratio:.2f} x", flush=True)


async def _memory(tiers: list[Tier]) -> None:
    """Proportional memory of what is below us: while nothing runs, and of each of four runs with pandas and pyplot."""
    idle = proportional(tree(os.getpid())[1:])
    print(f"\nproportional memory while nothing runs, the fork server with one process waiting: {idle / 1e6:.0f} MB")
    for tier in tiers:
        running = [asyncio.ensure_future(tier.run(WAITING, False)) for _ in range(4)]
        await asyncio.sleep(3.5)
        each = (proportional(tree(os.getpid())[1:]) - idle) / len(running)
        await asyncio.gather(*running)
        print(f"of each of four runs with pandas and pyplot, {tier.name}: {each / 1e6:.0f} MB", flush=True)
        await asyncio.sleep(0.5)


def proportional(pids: list[int]) -> int:
    """Memory of processes in bytes, of what they share a part each."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
