"""Turns this process into the script in the landlock tier, after Landlock and seccomp have closed everything else to it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from bot.sandbox.inside import kernel, plan, ruleset, script, seccomp, steps
else:
    import kernel, plan, ruleset, script, seccomp, steps


def become_script(run: plan.LandlockRun, status: socket.socket) -> NoReturn:
    """Restrict this process and run the script in it; report an error before its first line to the host."""
    try:
        os.setsid()
        steps.raise_oom_score()
        os.chdir(run.directory)
        script.prepare(run)
        steps.limit(run.limits)
        os.closerange(3, status.fileno())
        os.closerange(status.fileno() + 1, 256)
        ruleset.restrict(run.read, run.write)
        kernel.install_filter(seccomp.build(single_process=os.getpid()))
        status.close()
    except OSError as error:
        steps.give_up(status, error)
    script.run_as_main(run.script, run.args)
