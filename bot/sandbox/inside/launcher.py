"""Sets up the sandbox and runs one script: `launcher.py STATUS PLAN`, a socket's number and an encoded BwrapRun or LandlockRun.

The process itself stays outside the script's reach as far as the tier allows, waits for it, and reports its exit code.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

if TYPE_CHECKING:
    from bot.sandbox.inside import kernel, plan, seccomp, steps
else:
    import kernel, plan, seccomp, steps

DATA, LOWER, UPPER = "/mnt/data", "/mnt/lower", "/mnt/upper"


def main() -> None:
    """Do the run of the plan and report how it ended."""
    status = socket.socket(fileno=int(sys.argv[1]))
    run = plan.decode(sys.argv[2], plan.BwrapRun, plan.LandlockRun)
    kernel.die_with_parent()
    match run:
        case plan.LandlockRun():
            if TYPE_CHECKING:
                from bot.sandbox.inside import confine
            else:
                import confine  # only here, as a run in bwrap does not need it

            status.send(plan.encode(plan.Ready()).encode())
            steps.fork_script(status, lambda: confine.become_script(run, status))
        case plan.BwrapRun():
            try:
                _mount_workspace(run, status)
                kernel.drop_capabilities()
            except OSError as error:
                steps.give_up(status, error)
            steps.fork_script(status, lambda: _execute(run, status))


def _mount_workspace(run: plan.BwrapRun, status: socket.socket) -> None:
    """Mount the overlay of the thread's files in a private mount namespace, and hide its layers."""
    kernel.unshare_mounts()
    steps.mount_overlay((run.disk, run.inodes), LOWER, UPPER, DATA, status)
    cover = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_RDONLY
    for covered in (LOWER, UPPER):
        kernel.mount("tmpfs", covered, "tmpfs", cover, "size=4k,nr_inodes=2,mode=555")


def _execute(run: plan.BwrapRun, status: socket.socket) -> None:
    """Restrict this process and execute the script; report an error before its first line to the host."""
    try:
        steps.raise_oom_score()
        os.chdir(DATA)
        steps.limit(run.limits)
        program = seccomp.build()
        status.close()
        kernel.install_filter(program)
        os.execve(run.python, [run.python, "-s", run.script, *run.args], run.env)
    except OSError as error:
        steps.give_up(status, error)


if __name__ == "__main__":
    main()
