"""What a run leaves comes out wholly, under the names that it gave, or is named; a commit goes on after a kill at any point."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from bot.sandbox.descriptors import FOLDER, FileEntry, opened, walk
from bot.sandbox.diff import commit_diff, stage_diff
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.workspace import SMALL, Workspace
from bot.thread.outcomes import Outcome
from bot.thread.request import ThreadId
from tests.sandbox.tiers import WAYS, Serving, emptied, ran, way

HEAD = "import os, shutil\ndef write(name, text='x'): open(name, 'w').write(text)\n"
ODD = ["a\u00a0b", "👨\u200d👩\u200d👧.txt", "so\u00adft", ".env", ".streamlit/config.toml", "-x", "/".join("d" * 31) + "/deep"]
Tree = dict[str, bytes | None]  # None for a folder
# Scripts one after the other in a thread, what it holds then, and what the last one says is not kept.
KEPT: dict[str, tuple[list[str], Tree, tuple[str, ...]]] = {
    "a second name": (["write('a', '1')", "os.link('a', 'b')"], {"a": b"1", "b": b"1"}, ()),
    "two names of a new file": (["write('a', '1'); os.link('a', 'b'); os.unlink('a')"], {"b": b"1"}, ()),
    "a link in the place of a moved file": (
        ["write('a', '1')", "os.rename('a', 'b'); os.symlink('b', 'a')"], {"a": b"1", "b": b"1"}, ("a (a link)",)),
    "a link to the host": (["write('a', '1')", "os.unlink('a'); os.symlink('/etc/passwd', 'a')"], {"a": b"1"}, ("a (a link)",)),
    "odd names": ([f"for n in {ODD!r}: os.makedirs(os.path.dirname(n) or '.', exist_ok=True); write(n)"],
                  dict.fromkeys(ODD, b"x") | {".streamlit": None} | {"/".join("d" * n): None for n in range(1, 32)}, ()),
    "no names": (["write('a\u202eb')"], {}, ("a\\u202eb (such a name cannot be kept)",)),
    "empty folders": (["os.makedirs('e/f')", "print(os.listdir('e'))"], {"e": None, "e/f": None}, ()),
    "a folder in the place of a file": (["write('a')", "os.unlink('a'); os.mkdir('a'); write('a/b')"], {"a": None, "a/b": b"x"}, ()),
    "a file in the place of a folder": (["os.mkdir('a'); write('a/b')", "shutil.rmtree('a'); write('a')"], {"a": b"x"}, ()),
    "a folder made anew": (["os.mkdir('a'); write('a/1')", "shutil.rmtree('a'); os.mkdir('a'); write('a/2')"], {"a": None, "a/2": b"x"}, ()),
    "closed files": (["os.umask(0o777); write('a'); os.mkdir('d')", "write('b'); os.chmod('b', 0)"], {"a": b"x", "b": b"x", "d": None}, ()),
    "a closed folder": (["write('a')\nos.chmod('.', 0)", "write('b')\nos.chmod('.', 0o300)"], {"a": b"x", "b": b"x"}, ()),
    "a closed file with two names": (["write('a')\nos.link('a', 'b')\nos.chmod('a', 0)"], {"a": b"x", "b": b"x"}, ()),
    "caches": (["for n in '__pycache__/x', '.config/matplotlib/y', '.cache/z': os.makedirs(os.path.dirname(n)); write(n)"], {".config": None}, ()),
    "many": (["for n in range(3000): write(f'{n}')", "for n in range(2990): os.unlink(f'{n}')\nfor n in range(2990, 3000): write(f'{n}', 'y')"],
             {f"{n}": b"y" for n in range(2990, 3000)}, ()),
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=WAYS)
async def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    data = tmp_path_factory.mktemp("keeping")
    async with way(request.param, data, Limits(seconds=60)) as opened:
        yield data, opened


@pytest.fixture
def sandboxes(serving: Serving) -> Iterator[LinuxSandboxes]:
    data, opened = serving
    with emptied(data):
        yield opened


def tree(folder: Path) -> Tree:
    found = {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}
    return {name: data for name, data in found.items() if name != "script.py"}


@pytest.mark.parametrize("case", KEPT)
async def test_what_a_run_leaves_is_kept_or_named(serving: Serving, sandboxes: LinuxSandboxes, case: str) -> None:
    scripts, expected, left_out = KEPT[case]

    for script in scripts:
        execution = await ran(sandboxes, HEAD + script)
        assert execution.outcome is Outcome.SUCCEEDED, execution.stderr

    [files] = (serving[0] / "threads").glob("*/files")
    assert (tree(files), execution.left_out) == (expected, left_out)


@pytest.mark.parametrize("name", WAYS)
async def test_a_thread_is_bounded_whoever_writes_and_can_always_be_emptied(name: str, tmp_path: Path) -> None:
    async with way(name, tmp_path, Limits(seconds=20, thread=3_000_000)) as sandboxes:
        ends = [(await ran(sandboxes, f"open('{n}', 'wb').write(bytes(2_000_000))")).outcome for n in range(4)]
        [files] = (tmp_path / "threads").glob("*/files")
        full = sum(path.stat().st_size for path in files.iterdir())
        emptied = await ran(sandboxes, "import os\nfor n in os.listdir(): n.endswith('.py') or os.unlink(n)")

        assert (ends[0], {*ends[1:]}, emptied.outcome) == (Outcome.SUCCEEDED, {Outcome.DISK_FULL}, Outcome.SUCCEEDED)
        assert 2_000_000 < full < 3_000_000 + 4 * SMALL
        assert [path.name for path in files.iterdir()] == ["script.py"]
        assert (await ran(sandboxes, "open('again', 'wb').write(bytes(2_000_000))")).outcome is Outcome.SUCCEEDED


def program(rng: random.Random) -> str:
    """A script that writes, renames, links and removes at random; each step may fail."""
    names = [f"{folder}{name}" for folder in ("", "p/", "p/q/") for name in "abc"] + ["p", "p/q"]
    # An overlay moves no folders; shutil.move copies them.
    steps = ("write({0!r}, {2!r})", "os.makedirs({0!r})", "isdir({0!r}) or os.rename({0!r}, {1!r})", "os.link({0!r}, {1!r})",
             "os.unlink({0!r})", "shutil.rmtree({0!r})", "os.rmdir({0!r})")  # fmt: skip
    lines = [rng.choice(steps).format(rng.choice(names), rng.choice(names), f"{rng.random()}") for _ in range(40)]
    return HEAD + "from os.path import isdir\n" + "".join(f"try: {line}\nexcept OSError: pass\n" for line in lines)


def separate(folder: Path) -> None:
    """Make two files of one with two names, as they are for the next run."""
    for path in filter(Path.is_file, folder.rglob("*")):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)


async def in_plain_folder(folder: Path, script: str) -> None:
    (folder / "script.py").write_text(script)
    assert await (await asyncio.create_subprocess_exec(sys.executable, "script.py", cwd=folder)).wait() == 0
    separate(folder)


@pytest.mark.parametrize("seed", range(4))
async def test_a_thread_is_what_a_plain_folder_is(serving: Serving, sandboxes: LinuxSandboxes, seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    for _ in range(5):
        script = program(rng)
        execution = await ran(sandboxes, script)
        await in_plain_folder(tmp_path, script)

        [files] = (serving[0] / "threads").glob("*/files")
        assert (tree(files), execution.left_out) == (tree(tmp_path), ()), execution


class Killed(BaseException):
    """The process ends here."""


operations = {"left": -1}
STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "shutil.rmtree"}


def _count(event: str, arguments: object) -> None:
    if operations["left"] >= 0 and event in STEPS:
        operations["left"] -= 1
        if operations["left"] < 0:
            raise Killed


sys.addaudithook(_count)


@pytest.mark.parametrize("seed", range(20))
async def test_a_commit_that_is_killed_before_any_of_its_steps_goes_on(seed: int, tmp_path: Path) -> None:
    rng, before, after = random.Random(seed), tmp_path / "before", tmp_path / "after"
    before.mkdir()
    await in_plain_folder(before, program(rng))
    shutil.copytree(before, after)
    await in_plain_folder(after, program(rng))
    with opened(str(before), FOLDER) as old, opened(str(after), FOLDER) as new:
        was, now = walk(old, 999), walk(new, 999)
    left = {entry.name for entry in now}
    # Every second folder counts as made anew, and all that left as deleted.
    deleted = [e.name for e in was if e.name not in left or (e.name.endswith("/") and rng.random() < 0.5)]
    changes = [*(FileEntry(name, deleted=True) for name in deleted), *now]

    for step in count():
        workspace = Workspace(tmp_path / f"threads{step}", ThreadId("T", "C", "1"), Limits(), -1)
        workspace.prepare()
        shutil.copytree(before, workspace.files, dirs_exist_ok=True)
        with opened(str(after), FOLDER) as source:
            stage_diff(workspace, "0" * 32, source, changes)
        operations["left"] = step
        with suppress(Killed):
            commit_diff(workspace, "0" * 32)
        over, operations["left"] = operations["left"] > 0, -1
        commit_diff(workspace, "0" * 32)

        assert tree(workspace.files) == tree(after), step
        shutil.rmtree(workspace.files.parent)
        if over:
            break
    assert step > 10
