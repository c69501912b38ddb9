"""What a run costs in each tier, beside bare Python: `python -m tests.bench sandbox [--rounds N] [--data DIR]`.

Rounds are interleaved, so that what else the machine does falls on all alike; every run's output, exit code and files must be
those of bare Python before its time counts.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.execution import FileName, chunked
from bot.request import ThreadId
from bot.sandbox.limits import Limits
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.sandboxes import LocalSandboxes, open_sandboxes, probe
from bot.sandbox.tiers import find_bwrap, interpreter
from bot.sandbox.watchdog import tree

PASS = "print('done')\n"
PLOT = """
import pandas as pd
import matplotlib.pyplot as plt
frame = pd.DataFrame({"month": range(12), "revenue": [n * n for n in range(12)]})
frame.plot(x="month", y="revenue")
plt.savefig("plot.png")
print(frame.revenue.sum())
"""
POLARS = """
import polars as pl
print(pl.read_csv("big.csv").select(pl.col("b").sum()).item())
"""
Run = Callable[[str], Awaitable[tuple[str, int, tuple[str, ...]]]]
LIMITS = Limits(seconds=120)


@dataclass(slots=True)
class Tier:
    """A way to run a script: returns output, exit code and the names of the files it made."""

    name: str
    run: Run


def main(arguments: list[str]) -> int:
    """Print the tables."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("BOT_DATA", "data")), help="where the runtime is built"
    )
    asked = parser.parse_args(arguments)
    asyncio.run(_measured(asked.rounds, asked.data.absolute()))
    return 0


async def _measured(rounds: int, data: Path) -> None:
    runtime = RuntimeBuild(data)
    await runtime.build(lambda text: print(text, file=sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        async with _tiers(Path(folder), runtime) as (tiers, fork_server):
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
            if fork_server:
                _memory(fork_server)


@asynccontextmanager
async def _tiers(folder: Path, runtime: RuntimeBuild) -> AsyncIterator[tuple[list[Tier], LocalSandboxes | None]]:
    big = folder / "big.csv"
    with big.open("w") as file:
        file.write("a,b,c\n")
        file.writelines(f"{n},{n % 97},some text that takes room in line {n}\n" for n in range(2_100_000))
    found: list[Tier] = [Tier("bare python", _bare(folder / "bare", runtime, big))]
    if (bwrap := find_bwrap()) is not None:
        found.append(Tier("bwrap alone", _alone(folder / "alone", runtime, big, bwrap)))
    server: LocalSandboxes | None = None
    async with AsyncExitStack() as stack:
        for name in ("forkserver", "bwrap", "landlock"):
            if not (probed := await probe(name, LIMITS)).works:
                print(f"{name} does not work here: {probed.why}")
                continue
            sandboxes = await stack.enter_async_context(
                open_sandboxes(folder / name, LIMITS, tier=name, runtime=runtime, slots=16)
            )
            if name == "forkserver":
                server = sandboxes
                assert sandboxes.servers
                await sandboxes.servers.loaded()
            found.append(Tier(name, await _sandboxed(sandboxes, big)))
        yield found, server


def _bare(home: Path, runtime: RuntimeBuild, big: Path) -> Run:
    return _command(home, big, lambda script: [interpreter()[0], "-s", script], runtime)


def _alone(home: Path, runtime: RuntimeBuild, big: Path, bwrap: Path) -> Run:
    python, prefix = interpreter()

    def command(script: str) -> list[str]:
        return [
            str(bwrap), "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm",
            "--bind", str(home), str(home), "--ro-bind", prefix, prefix, "--chdir", str(home), "--", python, "-s", script,
        ]  # fmt: skip

    return _command(home, big, command, runtime)


def _command(home: Path, big: Path, command: Callable[[str], list[str]], runtime: RuntimeBuild) -> Run:
    home.mkdir()
    os.link(big, home / "big.csv")
    (home / "mpl").mkdir()
    for font in runtime.current.fonts:
        (home / "mpl" / font.name).symlink_to(font)
    environment = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": str(runtime.current.site), "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(home / "mpl"),
        "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2", "LANG": "C.UTF-8",
    }  # fmt: skip

    async def run(script: str) -> tuple[str, int, tuple[str, ...]]:
        (home / "script.py").write_text(script)
        (home / "plot.png").unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            *command("script.py"),
            cwd=home,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        assert process.returncode is not None
        made = ("plot.png",) if (home / "plot.png").exists() or "plot.png" in script else ()
        return out.decode() + error.decode(), process.returncode, made

    return run


async def _sandboxed(sandboxes: LocalSandboxes, big: Path) -> Run:
    numbers = iter(range(1_000_000))
    free: list[str] = []

    async def bytes_of() -> AsyncIterator[bytes]:
        with big.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk

    async def run(script: str) -> tuple[str, int, tuple[str, ...]]:
        ts = free.pop() if free else str(next(numbers))
        async with sandboxes.open(ThreadId("T", "C", ts)) as sandbox:
            if "big.csv" in script and not any(f.name == "big.csv" for f in await sandbox.list()):
                await sandbox.put(FileName("big.csv"), bytes_of())
            await sandbox.put(FileName("script.py"), chunked(script.encode()))
            execution = await sandbox.run(FileName("script.py"))
            await sandbox.commit(execution)
        free.append(ts)
        assert execution.exit_code is not None, execution
        return execution.stdout + execution.stderr, execution.exit_code, tuple(f.name for f in execution.files)

    return run


async def _timed(tier: Tier, script: str, expected: tuple[str, int, tuple[str, ...]]) -> float:
    began = time.perf_counter()
    found = await tier.run(script)
    took = time.perf_counter() - began
    assert found == expected, f"{tier.name}: {str(found)[:600]} and not {str(expected)[:600]}"
    return took


async def _row(title: str, tiers: list[Tier], script: str, rounds: int) -> None:
    expected = await tiers[0].run(script)
    assert expected[1] == 0, expected
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
    rates = []
    for tier in tiers:
        if tier.name in {
            "bare python",
            "bwrap alone",
        }:  # they share one folder, so each gets its own script's file anew
            expected = await tier.run(PLOT)
        else:
            expected = await tiers[0].run(PLOT)
        slots = asyncio.Semaphore(at_once)

        async def one(
            tier: Tier = tier, slots: asyncio.Semaphore = slots, expected: tuple[str, int, tuple[str, ...]] = expected
        ) -> None:
            async with slots:
                await _timed(tier, PLOT, expected)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(16)))
        rates.append(16 / (time.perf_counter() - began))
    cells = [f"{rate:.1f} ({rate / rates[0]:.2f} x)" for rate in rates]
    print(f"{f'{at_once} at once':46}" + "".join(f"{c:>24}" for c in cells), flush=True)


async def _large_file(tiers: list[Tier]) -> None:
    """A run in a thread that holds 100 MB beside one that holds nothing."""
    for tier in tiers[2:]:
        with_file = "# big.csv is there\n" + PASS
        await tier.run(with_file)
        empty: list[float] = []
        full: list[float] = []
        for _ in range(10):
            for script, into in ((PASS, empty), (with_file, full)):
                began = time.perf_counter()
                await tier.run(script)
                into.append(time.perf_counter() - began)
        ratio = statistics.median(full) / statistics.median(empty)
        print(f"a file of 100 MB in the thread, {tier.name}: {ratio:.2f} x a run without")


def _memory(sandboxes: LocalSandboxes) -> None:
    pids = [pid for pid in tree(os.getpid())[1:] if "forkserver.py" in _command_line(pid)]
    total = sum(_pss(pid) for pid in pids)
    print(
        f"proportional memory of the idle fork server: {total / 1e6:.0f} MB in {len(pids)} processes ({sandboxes.tier})"
    )


def _command_line(pid: int) -> str:
    return subprocess.run(["cat", f"/proc/{pid}/cmdline"], capture_output=True, check=False).stdout.decode(
        errors="replace"
    )


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
