"""Every way in which runs are carried out, for tests that must hold in all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.sandboxes import Probe, probe

# The tier, whether a fork server serves in it, and whether it does with a masked /proc, as in a container.
WAYS = {
    "forkserver": ("forkserver", True, False),
    "forkserver, masked": ("forkserver", True, True),
    "bwrap": ("bwrap", False, False),
    "bwrap, masked": ("bwrap", False, True),
    "landlock": ("landlock", True, False),
    "landlock, cold": ("landlock", False, False),
}
_probed: dict[str, Probe] = {}


@asynccontextmanager
async def way(
    name: str, data: Path, limits: Limits, *, runtime: RuntimeBuild | None = None, slots: int = 2
) -> AsyncIterator[LinuxSandboxes]:
    """Sandboxes that carry runs out in this way; skips the test with the reason where the machine does not allow it."""
    tier, warm, masked = WAYS[name]
    if tier not in _probed:
        _probed[tier] = await probe(tier, Limits())
    if not (found := _probed[tier]).works:
        pytest.skip(f"{tier} does not work on this machine: {found.why}")
    sandboxes = LinuxSandboxes(data, limits, tier, runtime, slots, masked=masked or found.masked)
    async with sandboxes.serving(warm=warm):
        if runtime and sandboxes.servers:
            await sandboxes.servers.loaded()
        yield sandboxes
