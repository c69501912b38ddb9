"""Programs that reach for what is not theirs: secrets, files and processes of the host, other ways into the kernel."""

from __future__ import annotations

from tests.sandbox.attacks.attack import Attack

REACH = {
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
