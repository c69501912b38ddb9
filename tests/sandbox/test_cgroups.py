"""Control groups: found where they can be made, and holding what the watchdog would see too late."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox import cgroups
from bot.sandbox.limits import Limits
from bot.thread.outcomes import Execution, Outcome
from tests.sandbox.tiers import WAYS, ran, way

LIMITS = Limits(seconds=20, memory=150_000_000, processes=10)
HUNGRY = "print('before', flush=True)\nx = bytearray(400_000_000)\nprint('after')"
FIRST = """26 25 0:23 / /sys rw - sysfs sysfs rw
30 26 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 26 0:28 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
32 26 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
SECOND = "30 26 0:27 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"


async def unwatched(name: str, folder: Path, script: str, *, groups: bool = True) -> Execution:
    """Run with nobody but the kernel, or nobody at all, looking after the run."""
    find = cgroups.find if groups else cgroups.Groups
    async with way(name, folder, LIMITS, find_groups=find, watchdog=nobody_watches) as sandboxes:
        return await ran(sandboxes, script)


async def nobody_watches(*_: object, **__: object) -> Outcome:
    await asyncio.sleep(3600)
    raise AssertionError


@pytest.fixture
def places() -> tuple[Path, ...]:
    """Where groups are made."""
    if not (found := cgroups.find(LIMITS).places):
        pytest.skip("this process may make no control groups")
    return found


@pytest.mark.parametrize("name", WAYS)
async def test_the_kernel_ends_a_run_that_takes_too_much_memory(name: str, places: tuple[Path, ...], tmp_path: Path) -> None:
    execution = await unwatched(name, tmp_path, HUNGRY)

    assert (execution.outcome, execution.stdout) == (Outcome.OUT_OF_MEMORY, "before\n"), execution
    assert execution.message == "It used more than 150 MB of memory and was ended."
    assert [left for place in places for left in place.glob(f"{cgroups.PREFIX}{os.getpid()}-*")] == []


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.usefixtures("places")
async def test_without_groups_nobody_would(name: str, tmp_path: Path) -> None:
    assert (await unwatched(name, tmp_path, HUNGRY, groups=False)).stdout == "before\nafter\n"


@pytest.mark.usefixtures("places")
async def test_a_child_that_is_ended_for_want_of_memory_is_no_success(tmp_path: Path) -> None:
    script = "import os\nif os.fork() == 0:\n    x = bytearray(400_000_000)\nelse:\n    os.wait()\n    print('well')"

    assert (await unwatched("forkserver", tmp_path, script)).outcome is Outcome.OUT_OF_MEMORY


def test_a_group_that_cannot_be_made_or_entered_costs_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = cgroups.Groups(LIMITS, [tmp_path / "gone"])
    group = broken.make()
    group.enter(os.getpid())
    assert group.command(["true"]) == ["true"]
    assert "held by the watchdog alone" in caplog.text

    (tmp_path / "dead").mkdir()
    words = cgroups.Group((tmp_path / "dead/er",), []).command([sys.executable, "-c", "print(1)"])
    assert subprocess.run(words, capture_output=True, check=True).stdout == b"1\n"


@pytest.mark.parametrize(
    ("mounts", "own", "first", "second"),
    [
        (FIRST, "5:pids:/a\n4:memory:/b/c\n0::/\n", {"pids": "/pids/a", "memory": "/memory/b/c"}, "/unified"),
        (SECOND, "0::/user.slice/bot.scope\n", {}, "/user.slice/bot.scope"),
        (SECOND.replace(" / /sys", " /docker/x /sys"), "0::/docker/x\n", {}, ""),
        (FIRST.replace("0:27 / ", "0:27 /docker/x "), "4:memory:/docker/x\n", {"memory": "/memory"}, None),
        ("", "0::/\n", {}, None),
    ],
)
def test_groups_are_found_in_both_versions_and_inside_containers(
    mounts: str, own: str, first: dict[str, str], second: str | None, tmp_path: Path
) -> None:
    for name, text in (("mounts", mounts), ("own", own)):
        (tmp_path / name).write_text(text)

    top = "/sys/fs/cgroup"
    assert cgroups.own_groups(tmp_path / "mounts", tmp_path / "own") == (
        {c: Path(top + p) for c, p in first.items()},
        None if second is None else Path(top + second),
    )


def divisible(folder: Path, *pids: int) -> Path:
    (folder / "workings").mkdir(parents=True)
    for name, text in (
        ("cgroup.controllers", "cpu memory pids"),
        ("cgroup.subtree_control", ""),
        ("cgroup.type", "domain"),
        ("cgroup.procs", "\n".join(map(str, pids))),
    ):
        (folder / name).write_text(text)
    return folder


def test_the_bot_moves_into_a_leaf_with_what_started_it_and_never_others(tmp_path: Path) -> None:
    systemd = tmp_path / "none"
    ours = divisible(tmp_path / "ours", os.getppid(), os.getpid())
    others = divisible(tmp_path / "others", os.getpid(), 2**22 - 1)

    assert cgroups.divide(ours, ["memory", "pids"], systemd) == ours
    assert (ours / "workings/cgroup.procs").read_text() == str(os.getpid())
    assert (ours / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert cgroups.divide(ours / "workings", ["memory", "pids"], systemd) == ours
    assert cgroups.divide(others, ["memory"], systemd) is None
    assert (others / "cgroup.subtree_control").read_text() == ""


def test_groups_that_a_dead_process_has_left_are_removed_and_those_of_the_living_kept(places: tuple[Path, ...]) -> None:
    dead, living = places[0] / f"{cgroups.PREFIX}{2**22 - 1}-x", places[0] / f"{cgroups.PREFIX}{os.getpid()}-x"
    for folder in (dead, living):
        folder.mkdir()
    try:
        cgroups.find(LIMITS)

        assert (dead.exists(), living.exists()) == (False, True)
    finally:
        living.rmdir()


def test_what_systemd_has_not_given_away_is_left_alone(tmp_path: Path) -> None:
    kept, given = divisible(tmp_path / "kept", os.getpid()), divisible(tmp_path / "given", os.getpid())
    try:
        os.setxattr(given, "user.delegate", b"1")
    except OSError:
        pytest.skip("this file system keeps no attributes")

    assert cgroups.divide(kept, ["memory"], tmp_path) is None
    assert cgroups.divide(given, ["memory"], tmp_path) == given
