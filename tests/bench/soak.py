"""Thousands of runs with failures, timeouts and cancellations among them: `python -m tests.bench soak [RUNS] [--tier T]`.

Descriptors, processes, mounts and memory of the bot and of the fork server must not grow.
"""

import argparse
import asyncio
import logging
import os
import random
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.sandboxes import open_sandboxes
from bot.sandbox.watchdog import tree
from tests.bench.sandbox import proportional
from tests.sandbox.tiers import ran

LIMITS = Limits(seconds=1, memory=300_000_000, disk=10_000_000, output=50_000)
SCRIPTS = {
    "ends well": (80, "open('out.txt', 'w').write('x' * 1000); print('ok')"), "fails": (8, "1 / 0"),
    "leaves a child": (3, "import os, time\nif os.fork() == 0:\n    time.sleep(60)"),
    "prints without end": (2, "while True: print('x' * 1000)"),
    "fills the disk": (2, "open('big', 'wb').write(bytes(20_000_000))"),
    "is killed": (2, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), "never ends": (1, "while True: pass"),
    "is cancelled": (2, "import time; time.sleep(30)"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """What the bot and its processes hold now."""

    descriptors: int
    processes: int
    mounts: int
    memory_mb: float


def main(arguments: list[str]) -> int:
    """Print what is held before, on the way and after; 1 when it grew."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=int, nargs="?", default=5_000)
    parser.add_argument("--tier", default="forkserver")
    asked = parser.parse_args(arguments)
    return asyncio.run(_soak(asked.runs, asked.tier))


async def _soak(runs: int, tier: str) -> int:
    rng, ended = random.Random(1), Counter[str]()
    names, weights = list(SCRIPTS), [weight for weight, _ in SCRIPTS.values()]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async with open_sandboxes(Path(folder), LIMITS, tier=tier) as sandboxes:
            for _ in range(40):
                await _one(sandboxes, "ends well", 0, ended)
            before = await _held()
            print(f"before: {before}", flush=True)
            done = 0
            while done < runs:
                batch = rng.choices(names, weights, k=50)
                await asyncio.gather(*(_one(sandboxes, name, n, ended) for n, name in enumerate(batch)))
                done += len(batch)
                if done % 1_000 == 0:
                    print(f"after {done}: {await _held()}, {done / (time.monotonic() - began):.0f} runs a second", flush=True)
            after = await _held()
    print(f"after: {after}\n{dict(ended)}")
    grew = after.descriptors > before.descriptors + 2 or after.processes > before.processes + 1
    grew |= after.mounts > before.mounts or after.memory_mb > before.memory_mb * 1.2 + 20
    print("it grew" if grew else "nothing grew")
    return int(grew)


async def _one(sandboxes: LinuxSandboxes, name: str, thread: int, ended: Counter[str]) -> None:
    running = asyncio.create_task(ran(sandboxes, SCRIPTS[name][1], ts=f"{thread}-{name}"))
    if name == "is cancelled":
        await asyncio.sleep(0.05)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        ended["cancelled"] += 1
    else:
        ended[str((await running).outcome)] += 1


async def _held() -> Held:
    await asyncio.sleep(0.5)
    return await asyncio.to_thread(_counted)


def _counted() -> Held:
    pids = tree(os.getpid())
    mounts = Path("/proc/self/mounts").read_text().count("\n")
    return Held(len(os.listdir("/proc/self/fd")), len(pids), mounts, round(proportional(pids) / (1 << 20), 1))
