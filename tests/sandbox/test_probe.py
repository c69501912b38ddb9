"""A tier that this machine allows is served with: where one is skipped, the machine is the reason and not our code."""

import ctypes
import platform
import re
import subprocess

import pytest

from bot.sandbox.bwrap import find_bwrap
from tests.sandbox.tiers import probed


def has_namespaces() -> bool:
    """Whether bubblewrap alone can make all that a run needs, on a kernel whose overlays serve."""
    bwrap, release = find_bwrap(), re.match(r"(\d+)\.(\d+)", platform.release())
    if bwrap is None or release is None or (int(release[1]), int(release[2])) < (6, 6):
        return False
    words = [str(bwrap), "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--tmpfs", "/tmp", "/bin/true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def has_landlock() -> bool:
    """Whether the kernel answers with a version of Landlock."""
    return bool(ctypes.CDLL(None).syscall(444, None, 0, 1) >= 1)


def test_where_namespaces_can_be_made_the_tiers_of_namespaces_pass_their_self_test() -> None:
    if not has_namespaces():
        pytest.skip("this machine makes no namespaces, or its kernel is older than 6.6")

    assert {tier: probed()[tier].why for tier in ("forkserver", "bwrap") if not probed()[tier].works} == {}


def test_where_there_is_landlock_its_tier_passes_its_self_test() -> None:
    if not has_landlock():
        pytest.skip("this kernel has no Landlock")

    assert (probed()["landlock"].works, probed()["landlock"].why) == (True, "")
