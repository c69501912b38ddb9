"""The steps that all ways of starting a script share: mount its files, set its limits, wait for it, report to the host."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from bot.sandbox.inside import kernel, plan
else:
    import kernel, plan


def mount_overlay(size: tuple[int, int], lower: str, upper: str, data: str, status: socket.socket, root: str = "") -> None:
    """Mount an overlay of `lower` at `data`, its upper layer a tmpfs of `size` (bytes, inodes), and report that all is ready.

    The host gets the upper layer, which will be the run's diff, and the other folders that a script may fill, to see when
    they are full; `root` is the folder that will be the script's root.
    """
    options = f"mode=700,size={size[0]},nr_inodes={size[1]}"
    kernel.mount("tmpfs", upper, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    os.mkdir(f"{upper}/diff", 0o755)
    os.mkdir(f"{upper}/work", 0o700)
    layers = f"lowerdir={lower},upperdir={upper}/diff,workdir={upper}/work,userxattr"
    kernel.mount("overlay", data, "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, layers)
    folders = (f"{upper}/diff", f"{root}/tmp", f"{root}/dev/shm")
    descriptors = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in folders]
    socket.send_fds(status, [plan.encode(plan.Ready()).encode()], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def raise_oom_score() -> None:
    """Make the script the first process that the kernel kills when memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    except OSError:
        return  # bwrap makes /proc read-only; there the host sets it from outside


def limit(resources: dict[str, int]) -> None:
    """Set the limits of each process, by the name of their RLIMIT, and the handler of SIGINT as Python's start leaves it."""
    for name, value in resources.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    signal.signal(signal.SIGINT, signal.default_int_handler)


def give_up(status: socket.socket, error: OSError) -> NoReturn:
    """Report to the host what could not be set up, and end."""
    status.send(plan.encode(plan.Failed(str(error))).encode())
    os._exit(126)


def fork_script(status: socket.socket, become_script: Callable[[], object]) -> NoReturn:
    """Start the script in a child, wait for it, and report to the host how it ended."""
    try:
        kernel.no_new_privileges()
        parent = os.getpid()
        child = os.fork()
    except OSError as error:
        give_up(status, error)
    if child == 0:
        kernel.die_with_parent(parent)
        become_script()
    reap(status, child)


def reap(status: socket.socket, child: int) -> NoReturn:
    """Wait for the script, reap orphans meanwhile, and report to the host how it ended."""
    for descriptor in (0, 1, 2):
        os.close(descriptor)  # so that the output ends when the script's processes do
    while True:
        pid, ended, used = os.wait4(-1, 0)
        if pid == child:
            break
    code = os.waitstatus_to_exitcode(ended)
    status.send(plan.encode(plan.Exited(code, used.ru_maxrss * 1024)).encode())
    os._exit(0)
