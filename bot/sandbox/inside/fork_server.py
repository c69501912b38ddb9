"""Serves runs by forking: `fork_server.py CONFIG`, with a control socket inherited.

What most scripts import is loaded once. When the host asks, one system call makes a child in fresh namespaces, which waits for a
run, with a child of its own that has given up all rights already and will be the script. Then the first lays the thread's files
under a new root and leaves the old one with everything in it behind. Where there are no namespaces the first is an ordinary fork,
and the second closes itself in as every run does there.

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

import confine
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
    """Be the first process of a run: build what all runs have, fork the script's process ahead, and wait for this one."""
    problem = None
    try:
        kernel.die_with_parent(None if config["namespaces"] else config["pid"])
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if config["namespaces"]:
            kernel.keep_user(*USER)
            _build(config)
    except OSError as error:
        problem = error  # there is nobody yet to tell
    out, error_out, go = descriptors
    ours, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        ours.close()
        os.close(go)
        _wait_to_be_script(config, parent, childs, (out, error_out), program)
    childs.close()
    for descriptor in (out, error_out):
        os.close(descriptor)
    host = socket.socket(fileno=go)
    _, given, _, _ = socket.recv_fds(host, 16, 3)
    if not given:
        os._exit(0)  # it is not needed any more
    host.close()
    told, stdin, status_number = given
    status = socket.socket(fileno=status_number)
    try:
        if problem:
            raise problem
        if config["namespaces"]:
            with open(told, "rb", closefd=False) as file:
                files = json.load(file)["files"]
            launcher.lay(config, f"{THREADS}/{files}", SCRATCH, f"{ROOT}/mnt/data", status, ROOT)
            kernel.pivot(ROOT)
            kernel.drop_capabilities()
        else:
            status.send(b'{"ready": true}')
        kernel.no_new_privileges()
        os.setsid()
        socket.send_fds(ours, [b"begin"], [told, stdin, status_number])
    except OSError as error:
        launcher.give_up(status, error)
    for descriptor in (told, stdin):
        os.close(descriptor)
    ours.close()
    launcher.reap(status, child)
    raise AssertionError


def _wait_to_be_script(
    config: dict[str, Any], parent: int, run: socket.socket, outputs: tuple[int, int], program: bytes
) -> NoReturn:
    """Be the script's process before there is a script: it has given up what it can, and waits."""
    try:
        kernel.die_with_parent(parent)
        kernel.no_new_privileges()
        if config["namespaces"]:
            os.setsid()
            kernel.drop_capabilities()
            launcher.limit(config["limits"])
            kernel.install_filter(program)
    except OSError as error:
        os.write(outputs[1], f"cannot start: {error}\n".encode())
        os._exit(126)
    _, given, _, _ = socket.recv_fds(run, 16, 3)
    if not given:
        os._exit(0)
    told, stdin, status = given
    with open(told, "rb") as file:
        file.seek(0)  # its parent has read it
        request = json.load(file)
    for target, descriptor in enumerate((stdin, *outputs)):
        os.dup2(descriptor, target)
    if config["namespaces"]:
        os.closerange(3, 256)
        os.chdir("/mnt/data")
        script.renew()
        sys.path_importer_cache.pop("/mnt/data", None)
        script.run(request["script"], request["args"])
    confine.become_script(request, socket.socket(fileno=status))
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


if __name__ == "__main__":
    main()
