"""A script behaves in every tier as it does under bare Python: output, exit code and files are the same."""

import asyncio
import os
import re
import signal
import subprocess
import textwrap
import tomllib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bot.errors import SetupError
from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.tier import interpreter
from tests.sandbox.tiers import THREAD, WAYS, Serving, emptied, libraries_loaded, ran, way

LIMITS = Limits(seconds=30, disk=50_000_000)
KEPT = Path.home() / ".cache/workings/tests"
NO_FORK = "the landlock tier starts no processes"
_SCRIPTS = tomllib.loads(Path(__file__).with_name("fidelity.toml").read_text())
# Same line of output, exit code and files as bare Python. The second entry names tiers where it must differ, and why.
CASES: dict[str, tuple[str, dict[str, str]]] = {
    **{name: (script, {}) for name, script in _SCRIPTS["alike"].items()},
    **{name: (script, {"landlock": NO_FORK}) for name, script in _SCRIPTS["processes"].items()},
}
WITH_LIBRARIES: dict[str, str] = _SCRIPTS["libraries"]


@dataclass(frozen=True, slots=True)
class Ended:
    """What a script came to."""

    stdout: str
    stderr: str
    code: int | None
    files: tuple[tuple[str, bytes], ...]


@pytest.fixture(scope="session")
def runtime() -> RuntimeBuild:
    """The libraries of scripts, built once and kept for the next time."""
    build = RuntimeBuild(KEPT)
    try:
        asyncio.run(build.build(print))
    except SetupError as error:
        pytest.skip(f"the libraries of scripts cannot be installed here: {error}")
    return build


@pytest.fixture(autouse=True)
def _interrupts() -> None:
    """Bare Python inherits from us whether interrupts are ignored, as they are in a shell's background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=WAYS)
async def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    data = tmp_path_factory.mktemp("fidelity")
    async with way(request.param, data, LIMITS) as opened:
        yield data, opened


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=WAYS)
async def serving_with_libraries(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, runtime: RuntimeBuild
) -> AsyncIterator[Serving]:
    data = tmp_path_factory.mktemp("fidelity")
    async with way(request.param, data, LIMITS, runtime=runtime, slots=4) as opened:
        if opened.pool:  # what its forks are like is found out here; who asks before it is ready gets an interpreter
            await libraries_loaded(opened.pool, runtime)
        yield data, opened


@pytest.fixture
def with_libraries(serving_with_libraries: Serving) -> Iterator[LinuxSandboxes]:
    data, sandboxes = serving_with_libraries
    with emptied(data):
        yield sandboxes


async def sandboxed(sandboxes: LinuxSandboxes, script: str) -> Ended:
    execution = await ran(sandboxes, script, "one", "two words")
    async with sandboxes.open(THREAD) as sandbox:
        files = [(f.name, b"".join([c async for c in sandbox.open(f.name)])) for f in execution.files]
    stdout, stderr = (_plain(text, "/mnt/data") for text in (execution.stdout, execution.stderr))
    return Ended(stdout, stderr, execution.exit_code, tuple(sorted(files)))


def bare(folder: Path, script: str, runtime: RuntimeBuild | None) -> Ended:
    """The same under the interpreter alone, with the same libraries, environment and folder of its own."""
    folder.mkdir()
    (folder / "script.py").write_text(script)
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MPLBACKEND": "Agg", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
                   "PYTHONSAFEPATH": "1", "HOME": "/tmp", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # fmt: skip
    path = [str(runtime.current.site)] if runtime else []
    with open(os.devnull) as nothing:
        process = subprocess.run(
            [interpreter()[0], "-s", str(folder / "script.py"), "one", "two words"],
            cwd=folder, env={**environment, "PYTHONPATH": ":".join([*path, str(_behind(folder))])}, stdin=nothing, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    files = sorted((str(p.relative_to(folder)), p.read_bytes()) for p in folder.rglob("*") if p.is_file() and p.name != "script.py")
    stdout, stderr = (_plain(s.decode(errors="replace"), str(folder)) for s in (process.stdout, process.stderr))
    return Ended(stdout, stderr, process.returncode, tuple(files))


def _behind(folder: Path) -> Path:
    """A folder whose sitecustomize puts the script's own folder last on the path, as the sandbox does."""
    site = folder.parent / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(f"import sys; sys.path.append({str(folder)!r})\n")
    return site


def _plain(text: str, folder: str) -> str:
    """Paths and numbers of processes and objects say nothing about behaviour."""
    text = re.sub(r'"[^"\n]*/script\.py"', '"script.py"', text.replace(folder, "FOLDER"))
    text = re.sub(r"^\S*/script\.py:", "script.py:", text, flags=re.M)
    text = re.sub(r'File "[^"]*/(lib/python3|site)', r'File "\1', text)
    return re.sub(r"0x[0-9a-f]+", "0x", text)


@pytest.mark.parametrize("case", CASES)
async def test_a_script_ends_as_under_bare_python(sandboxes: LinuxSandboxes, case: str, tmp_path: Path) -> None:
    script, differs = CASES[case]

    found = await sandboxed(sandboxes, textwrap.dedent(script))

    expected = await asyncio.to_thread(bare, tmp_path / "bare", script, None)
    if sandboxes.tier.name in differs:
        assert found != expected, f"it does not differ any more: {differs[sandboxes.tier.name]}"
    else:
        assert found == expected


@pytest.mark.parametrize("case", WITH_LIBRARIES)
async def test_libraries_work_as_under_bare_python(
    with_libraries: LinuxSandboxes, runtime: RuntimeBuild, case: str, tmp_path: Path
) -> None:
    script = WITH_LIBRARIES[case]

    found = await sandboxed(with_libraries, script)

    expected = await asyncio.to_thread(bare, tmp_path / "bare", script, runtime)
    assert (found.stdout, found.code, found.files) == (expected.stdout, expected.code, expected.files), found.stderr


async def test_chance_differs_between_runs(with_libraries: LinuxSandboxes) -> None:
    script = "import random, uuid, numpy as n\nprint(random.random(), n.random.rand(), n.random.default_rng().random(), uuid.uuid4(), uuid.uuid1())"

    first, second = await sandboxed(with_libraries, script), await sandboxed(with_libraries, script)

    assert first.code == second.code == 0, first.stderr
    assert not set(first.stdout.split()) & set(second.stdout.split())


async def test_a_run_sees_nothing_of_the_run_before(with_libraries: LinuxSandboxes) -> None:
    head = "import json, os, pandas, tempfile\nkept = tempfile.gettempdir() + '/mine'\n"
    leaves = "pandas.mine = json.mine = 1; os.environ['MINE'] = '1'; open(kept, 'w')"
    looks = "print(hasattr(pandas, 'mine'), hasattr(json, 'mine'), 'MINE' in os.environ, os.path.exists(kept))"

    first, second = await sandboxed(with_libraries, head + leaves), await sandboxed(with_libraries, head + looks)

    assert first.code == 0, first.stderr
    assert second.stdout == "False False False False\n"


async def test_many_at_once_do_not_mix(with_libraries: LinuxSandboxes) -> None:
    async def one(number: int) -> str:
        script = f"import os, time; open('n', 'w').write('{number}'); time.sleep(.05); print(open('n').read(), os.listdir())"
        return (await ran(with_libraries, script, ts=str(number))).stdout

    printed = await asyncio.gather(*(one(n) for n in range(12)))

    assert [line.split()[0] for line in printed] == [str(n) for n in range(12)]
    assert all(line.count("'") == 4 for line in printed)


@pytest.mark.parametrize("case", _SCRIPTS["figures"])
async def test_a_figure_that_is_shown_is_saved(with_libraries: LinuxSandboxes, case: str) -> None:
    wanted = _SCRIPTS["figures"][case]

    found = await sandboxed(with_libraries, f"import matplotlib.pyplot as plt\n{wanted['script']}")

    files = [name for name, _ in found.files if name != "script.py"]
    assert (files, found.stdout) == (sorted(wanted["files"]), wanted.get("prints", "")), found.stderr
