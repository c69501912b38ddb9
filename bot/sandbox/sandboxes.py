"""Opens the Sandboxes port: probes the tiers, serves with the best that passes its self-test, and refuses without one."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import ServiceError, SetupError
from bot.sandbox.bwrap import Bwrap, Forkserver
from bot.sandbox.landlock import Landlock
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.needs import FRESH
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.selftest import TESTS
from bot.sandbox.temporary import temporary_folder
from bot.thread.files import FileName, chunked
from bot.thread.outcomes import Outcome
from bot.thread.request import ThreadId

log = logging.getLogger(__name__)
TIERS: dict[str, type[Bwrap | Landlock]] = {tier.name: tier for tier in (Forkserver, Bwrap, Landlock)}  # the best first
_PROC = "Can't mount proc"  # bwrap's error where parts of /proc are masked


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a tier works on this machine, and why not; `masked` says that it must do without a /proc of its own."""

    tier: str
    works: bool
    why: str = ""
    masked: bool = False


@asynccontextmanager
async def open_sandboxes(
    data: Path, limits: Limits, *, tier: str = "auto", runtime: RuntimeBuild | None = None, slots: int | None = None,
    warm: bool = True,
) -> AsyncIterator[LinuxSandboxes]:  # fmt: skip
    """Open sandboxes in the best tier that passes its self-test; raises SetupError when none does.

    Without `warm`, for a run or two, `auto` starts no fork server.
    """
    probes = []
    best_first = [name for name, kind in TIERS.items() if warm or kind.name == kind.cold_name]
    for candidate in best_first if tier == "auto" else (tier,):
        probed = await probe(candidate, limits)
        probes.append(probed)
        if probed.works:
            log.info("sandbox tier: %s", candidate)
            chosen = TIERS[candidate](limits, masked=probed.masked)
            sandboxes = LinuxSandboxes(data, limits, chosen, runtime, slots or os.cpu_count() or 2)
            async with sandboxes.serving(warm=warm):
                yield sandboxes
            return
        log.warning("sandbox tier %s does not work here: %s", candidate, probed.why)
    reasons = "; ".join(f"{p.tier}: {p.why}" for p in probes)
    raise SetupError(f"No sandbox works on this machine, and nothing runs without one. {reasons}. See `workings doctor`.")


async def probe(tier: str, limits: Limits) -> Probe:
    """Return whether a tier works: whether the self-test, run by the same code as scripts, finds no way out of it."""
    if sys.platform != "linux":
        return Probe(tier, False, "sandboxes need Linux")
    if tier not in TIERS:
        return Probe(tier, False, f"there is no such tier; use one of {', '.join(TIERS)}")
    patient = replace(limits, seconds=20.0)
    for masked in (False, True):
        with temporary_folder("probe") as folder:
            tested = LinuxSandboxes(folder, patient, TIERS[tier](patient, masked=masked), None, 1)
            why = await _attack(tested, str(folder))
        if _PROC not in why:
            break
    return Probe(tier, not why, why, masked)


async def _attack(sandboxes: LinuxSandboxes, folder: str) -> str:
    """Return the ways out that the self-test found in a fork or in a fresh interpreter, "" if both are sealed."""
    try:
        async with sandboxes.serving(warm=True):
            async with sandboxes.open(ThreadId("T", "C", "other")) as sandbox:
                await sandbox.put(FileName("secret.txt"), chunked(b"a secret"))
            async with sandboxes.open(ThreadId("T", "C", "probe")) as sandbox:
                await sandbox.put(FileName("folder/old.txt"), chunked(b"old"))
                for script in (TESTS, f"{FRESH}{TESTS}") if sandboxes.pool else (TESTS,):
                    await sandbox.put(FileName("probe.py"), chunked(script.encode()))
                    bot = "" if sandboxes.tier.pid_namespace else "nameable"
                    execution = await sandbox.run(FileName("probe.py"), (folder, str(os.getpid()), bot))
                    if execution.outcome is not Outcome.SUCCEEDED or execution.stdout.strip() != "sealed":
                        return (execution.stdout + execution.stderr).strip()[-500:] or str(execution.outcome)
    except ServiceError as error:
        return str(error)
    return ""
