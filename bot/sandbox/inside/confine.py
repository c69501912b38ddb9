"""Makes this very process the script where there are no namespaces: Landlock and seccomp close everything else to it."""

from __future__ import annotations

import os
import socket
from typing import Any

import kernel
import launcher
import ruleset
import script
import seccomp


def become_script(config: dict[str, Any], status: socket.socket) -> None:
    """Give everything up and be the script; what goes wrong before is told to the host."""
    try:
        os.setsid()
        launcher.raise_oom_score()
        os.chdir(config["directory"])
        script.prepare(config)
        launcher.limit(config["limits"])
        os.closerange(3, status.fileno())
        os.closerange(status.fileno() + 1, 256)
        ruleset.restrict(config["read"], config["write"])
        kernel.install_filter(seccomp.build(single_process=os.getpid()))
        status.close()
    except OSError as error:
        launcher.give_up(status, error)
    script.run(config["script"], config["args"])
