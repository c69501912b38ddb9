"""Serves runs by forking: `forkserver.py CONFIG`, with a control socket inherited.

What most scripts import is loaded once. When the host asks, one system call makes a child in fresh namespaces, which waits for a
run. Then it lays the thread's files under a new root, leaves the old one with everything in it behind, gives up all rights and is
the script. Where there are no namespaces the child is an ordinary fork, and closes itself in as every run does there.

What a run is goes from the host to the child alone: what this process read, every later child could find in its memory.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import alone
import kernel
import launcher
import script
import seccomp

sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]

ROOT, SCRATCH, THREADS = "/new", "/scratch", "/threads"
USER = os.getuid(), os.getgid()


def main() -> None:
    """Load, say so, and fork whenever the host asks until it goes away."""
    config = json.loads(sys.argv[1])
    config["pid"] = os.getpid()
    control = socket.socket(fileno=config["control"])
    os.environ.update(config["env"])
    sys.path += config["path"]
    _load(config["modules"])
    program = seccomp.build()
    gc.collect()
    gc.freeze()  # the collector shall not touch, and so copy, what all runs share
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for a run: the host does, by its descriptor
    control.send(b'{"ready": true}')
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 16, 3)
        if not data:
            os._exit(0)
        try:
            child = kernel.clone(kernel.CLONE_ALL) if config["namespaces"] else os.fork()
            if child == 0:
                control.close()
                _serve(config, descriptors, program)
            pidfd = os.pidfd_open(child)
            socket.send_fds(control, [b"forked"], [pidfd])
            os.close(pidfd)
        except OSError as error:
            control.send(str(error).encode())
        for descriptor in descriptors:
            os.close(descriptor)


def _load(modules: list[str]) -> None:
    """Import what scripts use most, and draw once: fonts and the rest are then at hand."""
    for name in modules:
        with suppress(ImportError):
            importlib.import_module(name)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        figure, axes = pyplot.subplots()
        axes.plot([1, 2], label="1")
        axes.set_title("1")
        axes.legend()
        figure.savefig(io.BytesIO(), format="png")
        pyplot.close("all")
    if pandas := sys.modules.get("pandas"):
        pandas.DataFrame({"a": [1, 2]}).describe().to_string()


def _serve(config: dict[str, Any], descriptors: list[int], program: bytes) -> NoReturn:
    """Be the first process of a run: build what all runs have, and wait for this one."""
    problem = None
    try:
        kernel.die_with_parent(None if config["namespaces"] else config["pid"])
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if config["namespaces"]:
            kernel.keep_user(*USER)
            _build(config)
    except OSError as error:
        problem = error  # there is nobody yet to tell
    go = socket.socket(fileno=descriptors[2])
    _, given, _, _ = socket.recv_fds(go, 16, 3)
    if not given:
        os._exit(0)  # it is not needed any more
    go.close()
    status = socket.socket(fileno=given[2])
    with open(given[0], "rb") as file:
        request = json.load(file)
    try:
        if problem:
            raise problem
        if config["namespaces"]:
            launcher.lay(config, f"{THREADS}/{request['files']}", SCRATCH, f"{ROOT}/mnt/data", status, ROOT)
            kernel.pivot(ROOT)
            os.chdir("/mnt/data")
            kernel.drop_capabilities()
            os.setsid()
        else:
            status.send(b'{"ready": true}')
    except OSError as error:
        launcher.give_up(status, error)
    for target, descriptor in enumerate((given[1], *descriptors[:2])):
        os.dup2(descriptor, target)
        os.close(descriptor)
    closed_in = config["namespaces"]
    launcher.supervise(
        status,
        lambda: _become_script(request, status, program) if closed_in else alone.become_script(request, status),
    )
    raise AssertionError


def _build(config: dict[str, Any]) -> None:
    """Mount what a run has besides its thread's files under the new root."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount(ROOT, ROOT, None, kernel.MS_BIND | kernel.MS_REC)
    kernel.mount(
        "tmpfs", f"{ROOT}/tmp", "tmpfs", flags, f"mode=1777,size={config['scratch']},nr_inodes={config['inodes']}"
    )
    kernel.mount("tmpfs", f"{ROOT}/dev/shm", "tmpfs", flags, "mode=1777,size=16000000,nr_inodes=1024")
    if config["proc"]:
        kernel.mount("proc", f"{ROOT}/proc", "proc", flags | kernel.MS_RDONLY)
    os.mkdir(f"{ROOT}/tmp/mpl")
    with suppress(FileNotFoundError):
        for font in os.listdir(f"{ROOT}/opt/fonts"):
            os.symlink(f"/opt/fonts/{font}", f"{ROOT}/tmp/mpl/{font}")


def _become_script(request: dict[str, Any], status: socket.socket, program: bytes) -> None:
    try:
        status.close()
        os.closerange(3, 256)
        launcher.limit(request["limits"])
        kernel.install_filter(program)
    except OSError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        os._exit(126)
    script.renew()
    sys.path_importer_cache.pop("/mnt/data", None)
    script.run(request["script"], request["args"])


if __name__ == "__main__":
    main()
