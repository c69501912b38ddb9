"""Hostile scripts: what each does, how it may end in a sandbox, and what shows that it succeeds without one.

A script prints BROKEN when it got what it wanted, or "DENIED <errno>" when the kernel refused. Its one argument is a folder of
the host. Each is bounded, so that it can be run without a sandbox as well.
"""

from pathlib import Path

from tests.sandbox.attacks.attack import BROKEN, Attack
from tests.sandbox.attacks.calls import CALLS
from tests.sandbox.attacks.programs import PROGRAMS

__all__ = ["ATTACKS", "BROKEN", "CALLS", "DEEP", "LINKS", "PROGRAMS", "Attack"]

ATTACKS = PROGRAMS | CALLS

LINKS = Path(__file__).with_name("links.txt").read_text()

DEEP = """
import os
for _ in range(1_500):
    os.mkdir("d"); os.chdir("d")
"""
