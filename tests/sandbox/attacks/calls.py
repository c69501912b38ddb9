"""Calls of the kernel that a script has no use for, each with what makes it matter."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sandbox.attacks.attack import Attack

_LAUNCHER = dict.fromkeys(("forkserver", "bwrap"), "the parent that it sees is the launcher, in the same sandbox")

_SETUP = """
import ctypes, errno, fcntl, os, resource, socket, stat, struct, sys, time
from contextlib import suppress
libc = ctypes.CDLL(None, use_errno=True); libc.syscall.restype = ctypes.c_long
room, parent = ctypes.create_string_buffer(4096), os.getppid()
USER, MOUNTS, NET, NAMES = 0x10000000, 0x20000, 0x40000000, 0x4000000
def call(number, *args):
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    if (result := libc.syscall(number, *wide)) < 0: raise OSError(ctypes.get_errno(), "")
    return result
def own(kinds):
    with suppress(OSError): call(272, USER | kinds)
try:
"""
_VERDICT = """
except OSError as error: print("DENIED", errno.errorcode[error.errno])
else: print("BROKEN")
"""

_CALLS = {
    # sockets: what a network namespace does not hold, too
    **{
        f"open a socket of {family}": f"socket.socket({number}, {kind})"
        for family, number, kind in [
            ("AF_UNIX", 1, 1),
            ("AF_INET", 2, 2),
            ("AF_INET6", 10, 1),
            ("AF_NETLINK", 16, 3),
            ("AF_PACKET", 17, 3),
            ("AF_ALG", 38, 5),
            ("AF_VSOCK", 40, 1),
        ]
    },
    "widen the buffers of a socket": """
one, _ = socket.socketpair()
before = one.getsockopt(1, 7)
one.setsockopt(1, 7, 1 << 22)
if one.getsockopt(1, 7) <= before: raise OSError(errno.EPERM, "")
""",
    # memory and objects that outlive a process or that no limit counts
    "take shared memory of System V": "call(31, call(29, 0, 1 << 20, 0o1600), 0, None)",
    "take a semaphore of System V": "call(66, call(64, 0, 1, 0o1600), 0, 0)",
    "take a message queue of System V": "call(71, call(68, 0, 0o1600), 0, None)",
    "take a POSIX message queue": "call(240, b'workings', 0o102, 0o600, None); call(241, b'workings')",
    "hold memory as a file": "call(319, b'x', 0)",
    "hold secret memory": "call(447, 0)",
    "add a key": "call(248, b'user', b'x', b'y', 1, -2)",
    "use a keyring": "call(250, 0, -2, 1)",
    # namespaces, mounts and roots
    "take a user namespace": "call(272, USER)",
    "take a user namespace by clone": "call(56, USER | 17, None, None, None, 0) or os._exit(0)",
    "take a user namespace by clone3": """
struct.pack_into("QQQQQ", room, 0, USER, 0, 0, 0, 17)
call(435, room, 88) or os._exit(0)
""",
    "enter a namespace": "own(NET); call(308, os.open('/proc/self/ns/net', 0), 0)",
    "mount": "own(MOUNTS); call(165, b'x', b'/tmp', b'tmpfs', 0, None)",
    "unmount": "own(MOUNTS)\nwith suppress(OSError): call(165, b'x', b'/tmp', b'tmpfs', 0, None)\ncall(166, b'/tmp', 2)",
    "open a file system": "own(MOUNTS); call(430, b'tmpfs', 0)",
    "clone a tree of mounts": "own(MOUNTS); call(428, -100, b'/', 0x8001)",
    "change the root": "own(0); call(161, b'/tmp')",
    "swap the root": """
own(MOUNTS); os.mkdir("root")
with suppress(OSError): call(165, b"x", b"root", b"tmpfs", 0, None)
os.chdir("root"); call(155, b".", b".")
""",
    "name the host": "own(NAMES); call(170, b'x', 1)",
    # doors into the kernel
    "use io_uring": "call(425, 8, room)",
    "load a map for BPF": "struct.pack_into('IIII', room, 0, 2, 4, 4, 1); call(321, 0, room, 72)",
    "count events": "struct.pack_into('IIQQQQQ', room, 0, 1, 112, 0, 0, 0, 0, 0x60); call(298, room, 0, -1, -1, 0)",
    "handle page faults": "call(323, 1)",
    "read the local descriptor table": "call(154, 0, room, 16)",
    "turn off address randomisation": "call(135, 0x40000)",
    "take the handle of a file": "struct.pack_into('I', room, 0, 128); call(303, -100, b'/', room, ctypes.byref(room, 256), 0)",
    "watch a file system": "call(300, 0x200, 0)",
    "type on the terminal": """
import pty
_, terminal = pty.openpty()
with suppress(OSError): os.setsid()
with suppress(OSError): fcntl.ioctl(terminal, 0x540E, 0)
fcntl.ioctl(terminal, 0x5412, b"x")
""",
    "set the clock": "time.clock_settime(time.CLOCK_REALTIME, time.time())",
    "open the switches of the kernel": """
for path in ("sys/kernel/core_pattern", "sysrq-trigger"): os.open("/proc/" + path, os.O_WRONLY)
""",
    # what is known about files of the host, which Landlock does not hold
    "change the mode of a file of the host": """
path = os.path.join(sys.argv[1], "secret.txt")
before = os.stat(path).st_mode
os.chmod(path, 0o600)
if os.stat(path).st_mode == before: raise OSError(errno.EPERM, "")
""",
    "change the times of a file of the host": """
path = os.path.join(sys.argv[1], "secret.txt")
os.utime(path, (1, 1))
if os.stat(path).st_mtime != 1: raise OSError(errno.EPERM, "")
""",
    "give a file of the host away": "os.chown(os.path.join(sys.argv[1], 'secret.txt'), os.getuid(), os.getgid())",
    "watch a folder of the host": "call(254, call(294, 0), sys.argv[1].encode(), 0xFFF)",
    # files that are more than files
    "make a FIFO": "os.mkfifo('fifo')",
    "make a device": "os.mknod('device', stat.S_IFCHR | 0o600, os.makedev(1, 3))",
    "make a whiteout": "os.mknod('whiteout', stat.S_IFCHR | 0o600, 0)",
    "mark a folder for the overlay": "os.mkdir('marked'); os.setxattr('marked', 'user.overlay.opaque', b'y')",
    # its own limits and rank
    "raise its limits": """
kinds = [getattr(resource, "RLIMIT_" + n) for n in "CORE MEMLOCK MSGQUEUE NOFILE FSIZE CPU NPROC DATA".split()]
raised = [k for k in kinds if resource.getrlimit(k)[0] != resource.getrlimit(k)[1]]
if not raised: raise OSError(errno.EPERM, "")
for kind in raised: resource.setrlimit(kind, (resource.getrlimit(kind)[1],) * 2)
""",
    "be killed last": "os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'0')",
    "go first": "os.setpriority(os.PRIO_PROCESS, 0, -20)",
    # others' memory and descriptors
    "trace its parent": "call(101, 0x4206, parent, None, None)",
    "read its parent's memory": """
part = struct.pack("QQ", ctypes.addressof(room), 8)
try: call(310, parent, part, 1, part, 1, 0)
except OSError as error:
    if error.errno != errno.EFAULT: raise  # it may read, though nothing is at this address
""",
    "take its parent's descriptors": "call(438, os.pidfd_open(parent), 0, 0)",
    "compare itself with its parent": "call(312, os.getpid(), parent, 2, 0, 0)",
    "write its parent's memory": "os.open(f'/proc/{parent}/mem', os.O_RDWR)",
}

_PARENT = {
    "signal its parent": "os.kill(parent, 0)",
    "queue a signal for its parent": "struct.pack_into('iii', room, 0, 0, 0, -1); call(129, parent, 0, room)",
    "signal its parent by a descriptor": "call(424, os.pidfd_open(parent), 0, None, 0)",
    "have its parent told of input": "fcntl.fcntl(os.pipe()[0], 8, parent)",
    "have its parent told of a socket": "fcntl.ioctl(socket.socketpair()[0], 0x8901, struct.pack('i', parent))",
    "limit its parent": "resource.prlimit(parent, resource.RLIMIT_NOFILE, (10, 10))",
    "hold its parent back": "os.setpriority(os.PRIO_PROCESS, parent, 19)",
    "tie its parent to a processor": "os.sched_setaffinity(parent, {min(os.sched_getaffinity(0))})",
}


def _calling(code: str, harmless: Mapping[str, str]) -> Attack:
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return Attack(script=_SETUP + body + _VERDICT, harmless=harmless)


CALLS = {
    **{name: _calling(code, {}) for name, code in _CALLS.items()},
    **{name: _calling(code, _LAUNCHER) for name, code in _PARENT.items()},
}
