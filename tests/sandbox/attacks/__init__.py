"""Hostile scripts: what each does, how it may end in a sandbox, and what shows that it succeeds without one.

A script prints BROKEN when it got what it wanted, or "DENIED <errno>" when the kernel refused. Its one argument is a folder of
the host. Each is bounded, so that it can be run without a sandbox as well.
"""

from __future__ import annotations

from tests.sandbox.attacks.attack import BROKEN, Attack
from tests.sandbox.attacks.calls import CALLS
from tests.sandbox.attacks.limits import LIMITLESS
from tests.sandbox.attacks.reach import REACH

__all__ = ["ATTACKS", "BROKEN", "CALLS", "DEEP", "LINKS", "PROGRAMS", "Attack"]

PROGRAMS = REACH | LIMITLESS
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
