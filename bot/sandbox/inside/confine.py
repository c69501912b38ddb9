"""Turns this process into the script in the landlock tier, after Landlock and seccomp have closed everything else to it.

Landlock restricts the files that a process and its children may touch, without any privilege (Linux 5.13 and later).
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from bot.sandbox.inside import kernel, plan, script, seccomp, steps
else:
    import kernel, plan, script, seccomp, steps

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # on every architecture, as all calls since Linux 5.1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | (1 << 14) | (1 << 15)
NO_TCP = 0b11  # bind and connect, from version 4
SCOPES = 0b11  # abstract unix sockets and signals, from version 6


def become_script(run: plan.LandlockRun, status: socket.socket) -> NoReturn:
    """Restrict this process and run the script in it; report an error before its first line to the host."""
    try:
        os.setsid()
        steps.raise_oom_score()
        os.chdir(run.directory)
        script.prepare(run.env, run.path)
        steps.limit(run.limits)
        os.closerange(3, status.fileno())
        os.closerange(status.fileno() + 1, 256)
        _restrict(run.read, run.write)
        kernel.install_filter(seccomp.build(single_process=os.getpid()))
        status.close()
    except OSError as error:
        steps.give_up(status, error)
    script.run_as_main(run.script, run.args)


def _restrict(read: Iterable[str], write: Iterable[str]) -> None:
    """Let this process and its children read and execute below `read`, do anything but execute below `write`, and nothing else.

    Raises OSError without Landlock.
    """
    have = kernel.libc.syscall(CREATE, None, 0, 1)  # the kernel's version of Landlock
    if have < 1:
        raise OSError("this kernel has no Landlock")
    rights = ALL_BY_VERSION[min(have, 5)]
    attributes = struct.pack("QQQ", rights, NO_TCP if have >= 4 else 0, SCOPES if have >= 6 else 0)
    size = 24 if have >= 6 else 16 if have >= 4 else 8
    ruleset = kernel.check(kernel.libc.syscall(CREATE, attributes, size, 0), "landlock")
    for paths, allowed in ((read, EXECUTE | READ_FILE | READ_DIR), (write, rights & ~EXECUTE)):
        for path in paths:
            if os.path.exists(path):
                _allow(ruleset, path, allowed)
    kernel.check(kernel.libc.syscall(RESTRICT, ruleset, 0), "landlock")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not os.path.isdir(path):
        rights &= FILE_RIGHTS
    try:
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor))
        kernel.check(kernel.libc.syscall(ADD_RULE, ruleset, 1, rule, 0), f"landlock rule for {path}")
    finally:
        os.close(descriptor)
