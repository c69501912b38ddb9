"""Hostile scripts, each with what it needs to be contained, and a word that only a success prints.

`bare` says how the attack fares without a sandbox: "succeeds" where it can be shown without harm to the machine.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A script that prints BROKEN if it got what it wanted; `outcomes` are those that count as contained."""

    script: str
    outcomes: tuple[str, ...]
    bare: bool = True


ENDS = ("succeeded", "failed")

ATTACKS = {
    "read a secret from the environment": Attack(
        script="""
import os
if "CANARY_TOKEN" in os.environ: print("BROKEN")
for pid in ["self", "1", str(os.getppid())] + [p for p in (os.listdir("/proc") if os.path.isdir("/proc/self") else [])]:
    try:
        if b"CANARY_TOKEN" in open(f"/proc/{pid}/environ", "rb").read(): print("BROKEN")
    except OSError: pass
""",
        outcomes=ENDS,
    ),
    "open a socket": Attack(
        script="""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.bind(("127.0.0.1", 0)); s.listen()
print("BROKEN")
""",
        outcomes=ENDS,
    ),
    "reach the hypervisor": Attack(
        script="import socket; socket.socket(40, socket.SOCK_STREAM); print('BROKEN')", outcomes=ENDS, bare=False
    ),
    "read a file of the host": Attack(
        script="""
import os
for path in ["/etc/shadow", "/etc/machine-id", "/root/.bashrc", "/etc/hostname"]:
    try:
        if open(path).read(): print("BROKEN")
    except OSError: pass
""",
        outcomes=ENDS,
    ),
    "write outside": Attack(
        script="""
import os
for folder in ["/", "/usr", "/etc", "/opt", "/var/tmp", "/home", "/dev"]:
    try:
        path = os.path.join(folder, "codebot-attack")
        open(path, "w").close(); os.unlink(path); print("BROKEN")
    except OSError: pass
""",
        outcomes=ENDS,
    ),
    "fork without end": Attack(
        script="""
import os, time
n = 0
while n < 500:
    try:
        if os.fork() == 0: time.sleep(30); os._exit(0)
    except OSError: break
    n += 1
if n >= 200: print("BROKEN")
""",
        outcomes=ENDS,
        bare=False,
    ),
    "allocate 4 GB": Attack(
        script="""
held = []
print("before", flush=True)
for _ in range(64): held.append(b"x" * (64 << 20))
print("BROKEN")
""",
        outcomes=("out of memory",),
        bare=False,
    ),
    "allocate in many processes": Attack(
        script="""
import os, time
for _ in range(20):
    try:
        if os.fork() == 0:
            held = b"x" * (40 << 20); time.sleep(20); os._exit(0)
    except OSError:
        print("denied"); raise
time.sleep(20)
print("BROKEN")
""",
        outcomes=("out of memory", "failed"),
        bare=False,
    ),
    "fill the disk": Attack(
        script="""
with open("big", "wb") as file:
    for _ in range(2_000): file.write(b"x" * (1 << 20)); file.flush()
print("BROKEN")
""",
        outcomes=("disk full",),
        bare=False,
    ),
    "fill the scratch folders": Attack(
        script="""
import os
where = os.environ["TMPDIR"]
with open(os.path.join(where, "big"), "wb") as file:
    for _ in range(2_000): file.write(b"x" * (1 << 20)); file.flush()
print("BROKEN")
""",
        outcomes=("disk full",),
        bare=False,
    ),
    "make files without end": Attack(
        script="""
for n in range(200_000):
    open(f"f{n}", "w").close()
print("BROKEN")
""",
        outcomes=("disk full", "timed out"),
        bare=False,
    ),
    "print without end": Attack(script="while True: print('x' * 10_000)", outcomes=("output limit",), bare=False),
    "sleep for ever": Attack(
        script="import time; print('before', flush=True); time.sleep(1_000)", outcomes=("timed out",), bare=False
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
        bare=False,
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
        outcomes=ENDS,
        bare=False,
    ),
    "become root": Attack(script="import os; os.setuid(0); print('BROKEN')", outcomes=ENDS, bare=False),
    "take a namespace": Attack(
        script="""
import ctypes
libc = ctypes.CDLL(None)
if libc.unshare(0x10000000) == 0 or libc.unshare(0x20000) == 0: print("BROKEN")
""",
        outcomes=ENDS,
    ),
    "mount": Attack(
        script="""
import ctypes
if ctypes.CDLL(None).mount(b"x", b"/tmp", b"tmpfs", 0, None) == 0: print("BROKEN")
""",
        outcomes=ENDS,
        bare=False,
    ),
    "trace the parent": Attack(
        script="""
import ctypes, os
if ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0: print("BROKEN")
""",
        outcomes=ENDS,
        bare=False,
    ),
    "keep memory where no limit looks": Attack(
        script="""
import ctypes
libc = ctypes.CDLL(None)
if libc.shmget(0, 1 << 20, 0o1600) >= 0: print("BROKEN")
if libc.memfd_create(b"x", 0) >= 0: print("BROKEN")
""",
        outcomes=ENDS,
    ),
    "kill everything": Attack(
        script="""
import os, signal
try: os.kill(-1, signal.SIGKILL)
except OSError: pass
""",
        outcomes=(*ENDS, "killed"),
        bare=False,
    ),
}

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
for name in ["<!channel>", "new\\nline", "\\u202ertl.txt", "-rf", "ok.txt"]:
    try:
        with open(name, "w") as file: file.write("mine")
    except OSError: pass
open(b"\\xff\\xfe", "w").close()
os.chmod("ok.txt", 0)
"""
