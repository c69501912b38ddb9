"""The short lane holds each attack in one way and each contract on every adapter; the other lane holds what is left."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.sandbox.attacks import ATTACKS

TOP = Path(__file__).parents[1]


def collected(*words: str) -> set[str]:
    """The ids of the tests that a command would run."""
    command = [sys.executable, *words, "tests/sandbox/test_attacks.py", "tests/contracts", "--collect-only", "-n", "0"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return set(re.findall(r"^tests/\S+::.*$", done.stdout, re.M))


def test_the_short_lane_has_each_attack_in_one_way_and_each_contract_on_every_adapter() -> None:
    every, left = collected("-m", "pytest"), collected("-m", "tests", "--rest")

    short = every - left
    contained = [test for test in short if "::test_an_attack_is_contained[" in test]
    assert sorted(test.split("[")[1].split("-", 1)[1] for test in contained) == sorted(f"{a}]" for a in ATTACKS)
    assert {test for test in left if test.startswith("tests/contracts/")} == set()
    assert left < every
