"""Hostile scripts: what each does, how it may end in a sandbox, and what shows that it succeeds without one.

A script prints BROKEN when it got what it wanted, or "DENIED <errno>" when the kernel refused. Its one argument is a folder of
the host. Each is bounded, so that it can be run without a sandbox as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.sandbox.bare import OUTPUT, Bare

BROKEN = "BROKEN"


def says_so(bare: Bare) -> bool:
    """It printed that it succeeded."""
    return BROKEN in bare.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A script; `outcomes` count as contained; `harmless` are tiers where BROKEN is no breach, with the reason."""

    script: str
    outcomes: tuple[str, ...] = ("succeeded", "failed")
    harmless: Mapping[str, str] = field(default_factory=dict)
    succeeded: Callable[[Bare], bool] = says_so


PROGRAMS = {
    "read a secret from the environment": Attack(
        script="""
import os
if "CANARY_TOKEN" in os.environ: print("BROKEN")
for pid in ["self", "1", str(os.getppid())] + [p for p in (os.listdir("/proc") if os.path.isdir("/proc/self") else [])]:
    try:
        if b"CANARY_TOKEN" in open(f"/proc/{pid}/environ", "rb").read(): print("BROKEN")
    except OSError: pass
""",
    ),
    "open a server": Attack(
        script="""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.bind(("127.0.0.1", 0)); s.listen()
print("BROKEN")
""",
    ),
    "send to a socket of the host": Attack(
        script="""
import socket, sys
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
    try: socket.socketpair(socket.AF_UNIX, kind)[0].sendto(b"x", sys.argv[1] + "/socket"); print("BROKEN")
    except OSError: pass
""",
    ),
    "read a file of the host": Attack(
        script="""
import sys
for path in ["/etc/shadow", "/etc/machine-id", "/root/.bashrc", "/etc/hostname", sys.argv[1] + "/secret.txt"]:
    try:
        if open(path).read(): print("BROKEN", path)
    except OSError: pass
""",
    ),
    "write outside": Attack(
        script="""
import os, sys
for folder in ["/", "/usr", "/etc", "/opt", "/var/tmp", "/home", "/dev", sys.argv[1]]:
    try:
        path = os.path.join(folder, "workings-attack")
        open(path, "w").close(); os.unlink(path); print("BROKEN", folder)
    except OSError: pass
""",
    ),
    "change the code of others": Attack(
        script="""
import os, sys, sysconfig
paths = [sys.argv[1] + "/module.py", os.__file__, sysconfig.get_path("purelib") + "/workings.pth"]
for path in paths + [m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)]:
    if path == __file__: continue
    try: os.close(os.open(path, os.O_WRONLY)); print("BROKEN", path)
    except OSError: pass
""",
    ),
    "use what was left open": Attack(
        script="""
import os, signal
for number in range(3, 1024):
    try: os.fstat(number)
    except OSError: continue
    print("BROKEN", number)
    try: os.write(number, b'{"exit_code": 0, "ready": true, "error": "forged"}')
    except OSError: pass
os.kill(os.getpid(), signal.SIGSEGV)
""",
        outcomes=("failed",),
    ),
    "fork without end": Attack(
        script="""
import os, time
n = 0
while n < 500:
    try:
        if os.fork() == 0: time.sleep(3); os._exit(0)
    except OSError: break
    n += 1
if n >= 200: print("BROKEN")
""",
    ),
    "fork in every fork": Attack(
        script="""
import os, time
reading, writing = os.pipe()
first = os.getpid()
for _ in range(8):
    try: os.fork()
    except OSError: pass
os.write(writing, b"x")
time.sleep(1)
if os.getpid() == first and len(os.read(reading, 1000)) >= 200: print("BROKEN")
""",
        outcomes=("succeeded", "failed", "out of memory"),
    ),
    "start threads without end": Attack(
        script="""
import os, threading, time
threading.stack_size(1 << 16)
n = 0
while n < 300:
    try: threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
    except RuntimeError: break
    n += 1
if n >= 200: print("BROKEN")
""",
    ),
    "allocate 1 GB": Attack(
        script="""
held = []
print("before", flush=True)
for _ in range(16): held.append(b"x" * (64 << 20))
print("BROKEN")
""",
        outcomes=("out of memory",),
    ),
    "allocate in many processes": Attack(
        script="""
import os, time
reading, writing = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        held = b"x" * (40 << 20); os.write(writing, b"x"); time.sleep(5); os._exit(0)
seen = 0
while seen < 20: seen += len(os.read(reading, 20))
time.sleep(1)
print("BROKEN")
""",
        outcomes=("out of memory", "failed"),
    ),
    "share memory among processes": Attack(
        script="""
import mmap, os, time
shared = mmap.mmap(-1, 480 << 20)
for n in range(4):
    try: child = os.fork()
    except OSError: child = None
    if not child:
        for at in range(n * 120 << 20, (n + 1) * 120 << 20, 4096): shared[at] = 1
    if child == 0: time.sleep(2); os._exit(0)
time.sleep(2)
print("BROKEN")
""",
        outcomes=("out of memory",),
    ),
    "fill the disk": Attack(
        script="""
with open("big", "wb") as file:
    for _ in range(200): file.write(b"x" * (1 << 20)); file.flush()
print("BROKEN")
""",
        outcomes=("disk full",),
    ),
    "fill the disk with many files": Attack(
        script="""
import time
for n in range(100):
    with open(f"f{n}", "wb") as file: file.write(b"x" * (2 << 20))
time.sleep(1)
print("BROKEN")
""",
        outcomes=("disk full",),
    ),
    "fill the disk with files that have no name": Attack(
        script="""
import os, time
held = []
for n in range(100):
    held.append(open("f", "wb")); os.unlink("f")
    held[-1].write(b"x" * (2 << 20)); held[-1].flush()
time.sleep(1)
print("BROKEN")
""",
        outcomes=("disk full", "failed"),
    ),
    "fill the disk with files that are only mapped": Attack(
        script="""
import mmap, os, time
held = []
for n in range(100):
    with open("f", "w+b") as file:
        os.unlink("f"); file.write(b"x" * (2 << 20)); file.flush()
        held.append(mmap.mmap(file.fileno(), 0))
os.closerange(3, 1024)  # mmap keeps a descriptor of its own
time.sleep(1)
print("BROKEN")
""",
        outcomes=("disk full", "failed"),
    ),
    "fill the disk deeper than a path can name": Attack(
        script="""
import os, time
for _ in range(20): os.mkdir("d" * 250); os.chdir("d" * 250)
for n in range(100):
    with open(f"f{n}", "wb") as file: file.write(b"x" * (2 << 20))
time.sleep(1)
print("BROKEN")
""",
        outcomes=("disk full", "failed"),
    ),
    "fill a folder that cannot be listed": Attack(
        script="""
import os, time
os.mkdir("closed", 0o300)
for n in range(100):
    with open(f"closed/f{n}", "wb") as file: file.write(b"x" * (2 << 20))
time.sleep(1)
print("BROKEN")
""",
        outcomes=("disk full", "failed"),
    ),
    "unpack a bomb": Attack(
        script="""
import time, zipfile
with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
    for n in range(20): bomb.writestr(f"zeros/{n}", bytes(10_000_000))
zipfile.ZipFile("bomb.zip").extractall()
time.sleep(1)
print("BROKEN")
""",
        outcomes=("disk full",),
    ),
    "fill the scratch folders": Attack(
        script="""
import os
where = os.environ["TMPDIR"]
with open(os.path.join(where, "big"), "wb") as file:
    for _ in range(200): file.write(b"x" * (1 << 20)); file.flush()
print("BROKEN")
""",
        outcomes=("disk full",),
    ),
    "fill the shared memory folder": Attack(
        script="""
import os
for folder in ("/dev", "/dev/shm"):
    path = f"{folder}/workings-{os.getpid()}"
    try:
        with open(path, "wb") as file:
            os.unlink(path)
            for _ in range(100): file.write(b"x" * (1 << 20)); file.flush()
        print("BROKEN", folder)
    except OSError: pass
""",
        outcomes=("disk full", "succeeded"),
    ),
    "make files without end": Attack(
        script="""
import time
for n in range(20_000):
    open(f"f{n}", "w").close()
time.sleep(1)
print("BROKEN")
""",
        outcomes=("disk full",),
    ),
    "print without end": Attack(
        script="while True: print('x' * 10_000)",
        outcomes=("output limit",),
        succeeded=lambda bare: len(bare.stdout) == OUTPUT,
    ),
    "complain without end": Attack(
        script="import os\nwhile True: os.write(2, b'\\x1b[2J\\xff\\x00' * 2_000)",
        outcomes=("output limit",),
        succeeded=lambda bare: len(bare.stdout) >= OUTPUT // 2,
    ),
    "sleep for ever": Attack(
        script="import time; print('before', flush=True); time.sleep(1_000)",
        outcomes=("timed out",),
        succeeded=lambda bare: bare.late,
    ),
    "stop itself": Attack(
        script="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        outcomes=("timed out",),
        succeeded=lambda bare: bare.late,
    ),
    "spin and ignore every signal": Attack(
        script="""
import signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass
""",
        outcomes=("timed out",),
        succeeded=lambda bare: bare.stubborn,
    ),
    "leave a daemon": Attack(
        script="""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for n in range(3):
            try: os.close(n)
            except OSError: pass
        time.sleep(600)
    os._exit(0)
""",
        succeeded=lambda bare: bare.left,
    ),
    "kill everything": Attack(
        script="""
import os, signal
try: os.kill(-1, signal.SIGKILL)
except OSError: pass
""",
        outcomes=("succeeded", "failed", "killed"),
        succeeded=lambda bare: bare.killed_bot,
    ),
    "kill the first and the parent": Attack(
        script="""
import os, signal
for pid in (1, os.getppid()):
    try: os.kill(pid, signal.SIGKILL)
    except OSError: pass
""",
        outcomes=("succeeded", "failed", "killed"),
        succeeded=lambda bare: bare.killed_bot,
    ),
    "become root": Attack(
        script="""
import os, subprocess
try: os.setuid(0); print("BROKEN")
except OSError: pass
_, full = os.pipe()  # nobody reads it: a program that prints to it waits
os.set_blocking(full, False)
try:
    while True: os.write(full, b"x" * 4096)
except BlockingIOError: os.set_blocking(full, True)
found = [p for p in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd") if os.path.exists(p) and os.stat(p).st_mode & 0o4000]
if not found: raise SystemExit("DENIED ENOENT: there is no set-uid program")
with subprocess.Popen([found[0], "--help"], stdout=full, stderr=full) as program:
    for _ in range(50):
        try: status = open(f"/proc/{program.pid}/status").read().split("Uid:")[1].split()
        except OSError: break  # a container's masked /proc shows no process
        if status[1] == "0" != status[0]: print("BROKEN", found[0]); break
        __import__("time").sleep(0.02)
    program.kill()
""",
    ),
    "call the kernel as a 32-bit program": Attack(
        script="""
import ctypes, mmap
print("DENIED ENOSYS: the kernel runs no 32-bit programs", flush=True)  # stands, if the next line is the last
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex("b814000000cd80c3"))  # getpid by interrupt
if ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))() > 0: print("BROKEN")
""",
        outcomes=("failed",),
    ),
    "call the kernel by x32 numbers": Attack(
        script="""
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(0x40000000 | 39) > 0: print("BROKEN")
else: print("DENIED", errno.errorcode[ctypes.get_errno()])
""",
        outcomes=("failed",),
    ),
}

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

ATTACKS = PROGRAMS | CALLS

LINKS = """
import os
os.symlink("/etc/passwd", "link.txt")
os.symlink("/proc/self/environ", "environ.txt")
os.symlink("..", "up")
os.makedirs("deep/" * 30)
try: os.mkfifo("fifo")
except OSError: pass
try: os.link("/etc/passwd", "hard.txt")
except OSError: pass
with open("sparse", "wb") as file:
    try: file.truncate(1 << 40)
    except OSError: pass
for name in ["<!channel>", "new\\nline", "\\u202ertl.txt", "-rf", "n" * 255, "ok.txt"]:
    try:
        with open(name, "w") as file: file.write("mine")
    except OSError: pass
open(b"\\xff\\xfe", "w").close()
open("rooted", "w").close(); os.chmod("rooted", 0o6755)
os.chmod("ok.txt", 0)
"""

DEEP = """
import os
for _ in range(1_500):
    os.mkdir("d"); os.chdir("d")
"""
