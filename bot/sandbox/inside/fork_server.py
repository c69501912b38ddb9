"""Forks a process for each run: `fork_server.py CONTROL PLAN`, a socket's number and an encoded BwrapServer or LandlockServer.

The server imports once what most scripts import. Whenever the host asks on the control socket, it forks a first process into
fresh namespaces. That one forks the script's process, which drops its privileges at once; both then wait for a run. When the run
comes, the first process mounts the thread's files below a new root, leaves the old root and waits for the script to end. In the
landlock tier the first process is an ordinary fork, and the script's process confines itself with Landlock (confine.py).

The host sends the plan of a run past the server, to its first process: what the server had read would still be in the memory of
every later fork, where the script of another thread could find it.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

if TYPE_CHECKING:
    from bot.sandbox.inside import confine, kernel, plan, script, seccomp, steps
else:
    import confine, kernel, plan, script, seccomp, steps

sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]

ROOT, SCRATCH, THREADS = "/new", "/scratch", "/threads"
USER = os.getuid(), os.getgid()


def main() -> None:
    """Import the modules of the plan, report Ready, and fork whenever the host asks, until it closes the control socket."""
    pid = os.getpid()
    control = socket.socket(fileno=int(sys.argv[1]))
    server = plan.decode(sys.argv[2], plan.BwrapServer, plan.LandlockServer)
    assert isinstance(server, plan.Server)
    if isinstance(server, plan.LandlockServer):
        os.environ.update(server.env)
        sys.path += server.path
    _load(server.modules)
    program = seccomp.build()
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, pages that all runs share
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps runs; the host waits for them, by pidfd
    ready = plan.encode(plan.Ready()).encode()
    control.send(ready)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 16, 3)
        if not data:
            os._exit(0)
        try:
            child = kernel.clone(kernel.CLONE_ALL) if isinstance(server, plan.BwrapServer) else os.fork()
            if child == 0:
                control.close()
                _prepare_run(server, pid, descriptors, program)
            pidfd = os.pidfd_open(child)
            socket.send_fds(control, [ready], [pidfd])
            os.close(pidfd)
        except OSError as error:
            control.send(plan.encode(plan.Failed(str(error))).encode())
        for descriptor in descriptors:
            os.close(descriptor)


def _load(modules: Sequence[str]) -> None:
    """Import the modules that are installed, and draw a plot: fonts and all else that is loaded late are then loaded."""
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


def _prepare_run(server: plan.Server, pid: int, descriptors: list[int], program: bytes) -> NoReturn:
    """Be the first process of a run: mount what all runs have, fork the script's process, take the run, wait for its script.

    `pid` is the server's; `descriptors` are the run's standard output and error, and the socket that its plan will come by.
    """
    problem = None
    try:
        kernel.die_with_parent(None if isinstance(server, plan.BwrapServer) else pid)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if isinstance(server, plan.BwrapServer):
            kernel.keep_user(*USER)
            _mount_root(server)
    except OSError as error:
        problem = error  # kept until the run arrives, with the status socket to report it on
    out, error_out, go = descriptors
    ours, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        ours.close()
        os.close(go)
        _become_script(server, parent, childs, (out, error_out), program)
    childs.close()
    for descriptor in (out, error_out):
        os.close(descriptor)
    host = socket.socket(fileno=go)
    _, received, _, _ = socket.recv_fds(host, 16, 3)
    if not received:
        os._exit(0)  # no run will come
    host.close()
    encoded, stdin, status_number = received
    status = socket.socket(fileno=status_number)
    try:
        if problem:
            raise problem
        if isinstance(server, plan.BwrapServer):
            with open(encoded, "rb", closefd=False) as file:
                run = plan.decode(file.read(), plan.ForkedRun)
            lower, size = f"{THREADS}/{run.files}", (run.disk, server.inodes)
            steps.mount_overlay(size, lower, SCRATCH, f"{ROOT}/mnt/data", status, ROOT)
            kernel.pivot(ROOT)
            kernel.drop_capabilities()
        else:
            status.send(plan.encode(plan.Ready()).encode())
        kernel.no_new_privileges()
        os.setsid()
        socket.send_fds(ours, [b"begin"], [encoded, stdin, status_number])
    except OSError as error:
        steps.give_up(status, error)
    for descriptor in (encoded, stdin):
        os.close(descriptor)
    ours.close()
    steps.reap(status, child)


def _become_script(server: plan.Server, parent: int, first: socket.socket, outputs: tuple[int, int], program: bytes) -> NoReturn:
    """Be the script's process: drop privileges, wait until the first process hands over the run, and become its script."""
    try:
        kernel.die_with_parent(parent)
        kernel.no_new_privileges()
        if isinstance(server, plan.BwrapServer):
            os.setsid()
            kernel.drop_capabilities()
            steps.limit(server.limits)
            kernel.install_filter(program)
    except OSError as error:
        os.write(outputs[1], f"cannot start: {error}\n".encode())
        os._exit(126)
    _, received, _, _ = socket.recv_fds(first, 16, 3)
    if not received:
        os._exit(0)
    encoded, stdin, status = received
    with open(encoded, "rb") as file:
        file.seek(0)  # the first process has read it
        text = file.read()
    for target, descriptor in enumerate((stdin, *outputs)):
        os.dup2(descriptor, target)
    if isinstance(server, plan.LandlockServer):  # by the server's kind: no plan can skip Landlock
        confine.become_script(plan.decode(text, plan.LandlockRun), socket.socket(fileno=status))
    run = plan.decode(text, plan.ForkedRun)
    os.closerange(3, 256)
    os.chdir("/mnt/data")
    script.renew()
    sys.path_importer_cache.pop("/mnt/data", None)
    script.run_as_main(run.script, run.args)


def _mount_root(server: plan.BwrapServer) -> None:
    """Mount what a run has besides its thread's files under the new root."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount(ROOT, ROOT, None, kernel.MS_BIND | kernel.MS_REC)
    kernel.mount("tmpfs", f"{ROOT}/tmp", "tmpfs", flags, f"mode=1777,size={server.scratch},nr_inodes={server.inodes}")
    kernel.mount("tmpfs", f"{ROOT}/dev/shm", "tmpfs", flags, "mode=1777,size=16000000,nr_inodes=1024")
    if server.proc:
        kernel.mount("proc", f"{ROOT}/proc", "proc", flags | kernel.MS_RDONLY)
    os.mkdir(f"{ROOT}/tmp/mpl")
    with suppress(FileNotFoundError):
        for font in os.listdir(f"{ROOT}/opt/fonts"):
            os.symlink(f"/opt/fonts/{font}", f"{ROOT}/tmp/mpl/{font}")


if __name__ == "__main__":
    main()
