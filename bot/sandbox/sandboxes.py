"""The Sandboxes port: probes what this machine allows, tests the sandbox it will serve with, and refuses without one."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import ServiceError, SetupError
from bot.sandbox.bwrap import find_bwrap
from bot.sandbox.limits import Limits
from bot.sandbox.linux import FRESH, LinuxSandboxes
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.selftest import TESTS
from bot.thread.files import FileName, chunked
from bot.thread.outcomes import Outcome
from bot.thread.request import ThreadId

log = logging.getLogger(__name__)
TIERS = ("forkserver", "bwrap", "landlock")
_PROC = "Can't mount proc"  # what bwrap says where parts of /proc are masked


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a tier works on this machine, and if not, why; `masked` says whether it can only do with a /proc of facts."""

    tier: str
    works: bool
    why: str = ""
    masked: bool = False


@asynccontextmanager
async def open_sandboxes(
    data: Path,
    limits: Limits,
    *,
    tier: str = "auto",
    runtime: RuntimeBuild | None = None,
    slots: int | None = None,
    warm: bool = True,
) -> AsyncIterator[LinuxSandboxes]:
    """Open sandboxes in the best tier that passes its self-test; raises SetupError when none does.

    Without `warm`, for a run or two, `auto` starts no fork server.
    """
    probes = []
    for candidate in (TIERS if warm else TIERS[1:]) if tier == "auto" else (tier,):
        probed = await probe(candidate, limits)
        probes.append(probed)
        if probed.works:
            log.info("sandbox tier: %s", candidate)
            masked, runs = probed.masked, slots or os.cpu_count() or 2
            sandboxes = LinuxSandboxes(data, limits, candidate, runtime, runs, masked=masked)
            async with sandboxes.serving(warm=warm):
                yield sandboxes
            return
        log.warning("sandbox tier %s does not work here: %s", candidate, probed.why)
    reasons = "; ".join(f"{p.tier}: {p.why}" for p in probes)
    raise SetupError(
        f"No sandbox works on this machine, and nothing runs without one. {reasons}. See `workings doctor`."
    )


async def probe(tier: str, limits: Limits) -> Probe:
    """Try to break out of a sandbox of this tier, with the very code it serves with; it works when nothing succeeds."""
    if sys.platform != "linux":
        return Probe(tier, False, "sandboxes need Linux")
    if tier not in TIERS:
        return Probe(tier, False, f"there is no such tier; use one of {', '.join(TIERS)}")
    if tier != "landlock" and find_bwrap() is None:
        return Probe(tier, False, "there is no bwrap; install bubblewrap")
    probed = Probe(tier, False)
    for masked in (False, True):
        with tempfile.TemporaryDirectory(prefix="workings-probe-", ignore_cleanup_errors=True) as folder:
            tested = LinuxSandboxes(Path(folder), replace(limits, seconds=20.0), tier, None, 1, masked=masked)
            why = await _attacked(tested, folder)
            probed = Probe(tier, not why, why, masked)
        if _PROC not in why:
            break
    return probed


async def _attacked(sandboxes: LinuxSandboxes, folder: str) -> str:
    """What let the self-test out, in a fork and in a fresh interpreter; nothing when it is sealed."""
    try:
        async with sandboxes.serving(warm=True):
            async with sandboxes.open(ThreadId("T", "C", "other")) as sandbox:
                await sandbox.put(FileName("secret.txt"), chunked(b"a secret"))
            async with sandboxes.open(ThreadId("T", "C", "probe")) as sandbox:
                await sandbox.put(FileName("folder/old.txt"), chunked(b"old"))
                for script in (TESTS, f"{FRESH}{TESTS}") if sandboxes.servers else (TESTS,):
                    await sandbox.put(FileName("probe.py"), chunked(script.encode()))
                    done = await sandbox.run(FileName("probe.py"), (folder, str(os.getpid()), sandboxes.tier))
                    if done.outcome is not Outcome.SUCCEEDED or done.stdout.strip() != "sealed":
                        return (done.stdout + done.stderr).strip()[-500:] or str(done.outcome)
    except ServiceError as error:
        return str(error)
    return ""
