"""Every way in which runs are carried out, for tests that must hold in all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.sandbox.cgroups import Groups, find
from bot.sandbox.descriptors import remove
from bot.sandbox.fork_pool import RENEW_AFTER, ForkPool
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.sandboxes import TIERS, Probe, probe
from bot.sandbox.watchdog import Watch, watch
from bot.thread.files import FileName, chunked
from bot.thread.outcomes import Execution
from bot.thread.request import ThreadId

# The tier, whether a fork server serves in it, and whether it does with a masked /proc, as in a container.
WAYS = {
    "forkserver": ("forkserver", True, False), "forkserver, masked": ("forkserver", True, True),
    "bwrap": ("bwrap", False, False), "bwrap, masked": ("bwrap", False, True), "landlock": ("landlock", True, False),
    "landlock, cold": ("landlock", False, False),
}  # fmt: skip
THREAD = ThreadId("T1", "C1", "1.0")
Serving = tuple[Path, LinuxSandboxes]  # sandboxes, and the folder with their data
_probes: dict[str, Probe] = {}


def probed() -> Mapping[str, Probe]:
    """Return what each tier can do on this machine, which is found out once in a session."""
    if not _probes:
        _probes.update({tier: asyncio.run(probe(tier, Limits())) for tier in TIERS})
    return _probes


def dump_probes() -> dict[str, dict[str, Any]]:
    """Return the probes as plain values, for another process of the session."""
    return {tier: asdict(probe) for tier, probe in probed().items()}


def load_probes(dumped: Mapping[str, Mapping[str, Any]]) -> None:
    """Take over what another process of the session has found out."""
    _probes.update({tier: Probe(**fields) for tier, fields in dumped.items()})


@asynccontextmanager
async def way(
    name: str, data: Path, limits: Limits, *, runtime: RuntimeBuild | None = None, slots: int = 2,
    find_groups: Callable[[Limits], Groups] = find, watchdog: Watch = watch, renew_after: int = RENEW_AFTER,
) -> AsyncIterator[LinuxSandboxes]:  # fmt: skip
    """Sandboxes that carry runs out in this way; skips the test with the reason where the machine does not allow it."""
    tier, warm, masked = WAYS[name]
    if not (found := (await asyncio.to_thread(probed))[tier]).works:
        pytest.skip(f"{tier} does not work on this machine: {found.why}")
    sandboxes = LinuxSandboxes(
        data, limits, TIERS[tier](limits, masked=masked or found.masked), runtime, slots, find_groups=find_groups,
        watchdog=watchdog, renew_after=renew_after,
    )  # fmt: skip
    async with sandboxes.serving(warm=warm):
        yield sandboxes


async def ran(
    sandboxes: LinuxSandboxes, script: str, *args: str, ts: str = THREAD.ts, stdin: str = "", seconds: float | None = None,
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Execution:  # fmt: skip
    """Run a script in a thread, and keep what it changed."""
    async with sandboxes.open(replace(THREAD, ts=ts)) as sandbox:
        for name, data in {"script.py": script.encode(), **files}.items():
            await sandbox.put(FileName(name), chunked(data))
        execution = await sandbox.run(FileName("script.py"), args, stdin=stdin, timeout=seconds)
        await sandbox.commit(execution)
        return execution


async def libraries_loaded(pool: ForkPool, runtime: RuntimeBuild) -> None:
    """Wait until the fork server has imported the libraries that are installed."""
    while pool.loaded != runtime.current:  # noqa: ASYNC110  a task of the pool starts it
        await asyncio.sleep(0.05)


@contextmanager
def emptied(data: Path) -> Iterator[None]:
    """Remove all threads' files afterwards, for the next test that uses the same sandboxes."""
    yield
    for thread in (data / "threads").iterdir():
        remove(str(thread))
