"""Programs that take more than they may: processes, memory, disk, output, time."""

from __future__ import annotations

from tests.sandbox.attacks.attack import Attack
from tests.sandbox.bare import OUTPUT

LIMITLESS = {
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
    if child == 0: time.sleep(30); os._exit(0)
while not all(shared[((n + 1) * 120 << 20) - 4096] for n in range(4)): time.sleep(0.01)
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
}
