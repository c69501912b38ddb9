"""Sets up the inside and runs one script: `launcher.py CONFIG`, with a status socket inherited.

Its parent process stays outside the script's reach as far as the tier allows, waits for it, and sends its exit status.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel
import seccomp

DATA, LOWER, UPPER = "/mnt/data", "/mnt/lower", "/mnt/upper"


def main() -> None:
    """Run the script of the configuration, report how it ended, and end as it did."""
    config = json.loads(sys.argv[1])
    status = socket.socket(fileno=config["status"])
    kernel.die_with_parent()
    if not config["namespaces"]:
        import confine

        status.send(b'{"ready": true}')
        supervise(status, lambda: confine.become_script(config, status))
    try:
        _mount_workspace(config, status)
        kernel.drop_capabilities()
    except OSError as error:
        give_up(status, error)
    supervise(status, lambda: _execute(config, status))


def give_up(status: socket.socket, error: OSError) -> NoReturn:
    """Tell the host what could not be set up, and end."""
    status.send(json.dumps({"error": str(error)}).encode())
    os._exit(126)


def supervise(status: socket.socket, become_script: Callable[[], object]) -> NoReturn:
    """Start the script in a process of its own, reap what it leaves, and tell the host how it ended."""
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
    """Wait for the script, reap what it leaves, and tell the host how it ended."""
    for descriptor in (0, 1, 2):
        os.close(descriptor)  # only the script holds its output: its end is then the end of the tree
    while True:
        pid, ended, used = os.wait4(-1, 0)
        if pid == child:
            break
    code = os.waitstatus_to_exitcode(ended)
    status.send(json.dumps({"exit_code": code, "peak_memory": used.ru_maxrss * 1024}).encode())
    os._exit(0)


def _mount_workspace(config: dict[str, Any], status: socket.socket) -> None:
    """Lay an empty, bounded layer over the thread's files, and hand it to the host: it will be the run's diff.

    The other folders a script may fill go along, so that the host sees when they are full.
    """
    kernel.unshare_mounts()
    lay(config, LOWER, UPPER, DATA, status)
    cover = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_RDONLY
    for covered in (LOWER, UPPER):
        kernel.mount("tmpfs", covered, "tmpfs", cover, "size=4k,nr_inodes=2,mode=555")


def lay(config: dict[str, Any], lower: str, upper: str, data: str, status: socket.socket, scratch: str = "") -> None:
    """Mount the overlay and send the host the folders a script may fill; `scratch` is where the root will be."""
    options = f"mode=700,size={config['disk']},nr_inodes={config['inodes']}"
    kernel.mount("tmpfs", upper, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    os.mkdir(f"{upper}/diff", 0o755)
    os.mkdir(f"{upper}/work", 0o700)
    layers = f"lowerdir={lower},upperdir={upper}/diff,workdir={upper}/work,userxattr"
    kernel.mount("overlay", data, "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, layers)
    folders = (f"{upper}/diff", f"{scratch}/tmp", f"{scratch}/dev/shm")
    descriptors = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in folders]
    socket.send_fds(status, [b'{"ready": true}'], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def _execute(config: dict[str, Any], status: socket.socket) -> None:
    """Give everything up and execute the script; what goes wrong before is told to the host."""
    try:
        raise_oom_score()
        os.chdir(config["directory"])
        limit(config["limits"])
        program = seccomp.build()
        status.close()
        kernel.install_filter(program)
        os.execve(
            config["python"],
            [config["python"], *config["options"], config["script"], *config["args"]],
            config["env"],
        )
    except OSError as error:
        give_up(status, error)


def raise_oom_score() -> None:
    """When memory runs out, the kernel shall take the script and nobody else."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    except OSError:
        return  # /proc is read-only where bwrap made it so; the host has set it on the whole tree before


def limit(resources: dict[str, int]) -> None:
    """Set the limits that the kernel holds, and the signals as Python's start leaves them."""
    for name, value in resources.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    main()
