"""The system calls that Python has no function for; each raises OSError with the name of the call."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.inside.syscalls import number
else:
    from syscalls import number

libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
libc.syscall.restype = ctypes.c_long

held = ctypes.PyDLL(None, use_errno=True)  # the same library, called without releasing the interpreter's lock
held.syscall.restype = ctypes.c_long
CLONE_NEWNS = 0x20000
# Fresh user, mount, process, network, IPC, host name and cgroup namespaces.
CLONE_ALL = 0x10000000 | CLONE_NEWNS | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
MNT_DETACH = 2
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
SECCOMP_MODE_FILTER = 2


def check(result: int, what: str) -> int:
    """Return the result of a system call, or raise OSError with its name when it is negative."""
    if result < 0:
        problem = ctypes.get_errno()
        raise OSError(problem, f"{what}: {os.strerror(problem)}")
    return result


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Call mount(2)."""
    encoded = [None if value is None else value.encode() for value in (source, target, kind)]
    check(libc.mount(*encoded, flags, None if data is None else data.encode()), f"mount on {target}")


def unshare_mounts() -> None:
    """Enter a new mount namespace whose mounts do not propagate to the old one."""
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def clone(flags: int) -> int:
    """Fork into new namespaces with one system call; return 0 in the child, the child's pid in the parent."""
    api = ctypes.pythonapi
    api.PyOS_BeforeFork()
    child: int = held.syscall(number("clone"), flags | 17, 0, 0, 0, 0)  # 17 is SIGCHLD
    if child == 0:
        api.PyOS_AfterFork_Child()
        return 0
    problem = ctypes.get_errno()
    api.PyOS_AfterFork_Parent()
    if child < 0:
        raise OSError(problem, f"clone: {os.strerror(problem)}")
    return child


def keep_user(uid: int, gid: int) -> None:
    """Map this user and group to themselves in the new user namespace, and nobody else."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def pivot(root: str) -> None:
    """Make a mount point the root, and detach the old root with everything mounted in it."""
    os.chdir(root)
    check(libc.syscall(number("pivot_root"), b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def drop_capabilities() -> None:
    """Give up every capability for good: a later exec cannot give one back."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    header = struct.pack("II", 0x20080522, 0)
    check(libc.capset(header, bytes(24)), "capset")


def no_new_privileges() -> None:
    """Let no exec of this process or its children gain privileges by set-uid files or file capabilities."""
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent dies; exit at once if `parent` is dead already."""
    check(libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0), "pdeathsig")
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def install_filter(program: bytes) -> None:
    """Install a seccomp program for this process and all its children, for good."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(buffer)))
    check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header), 0, 0), "seccomp")
