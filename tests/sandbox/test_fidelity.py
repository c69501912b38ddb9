"""A script behaves in every tier as it does under bare Python: output, exit code and files are the same."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import textwrap
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
from bot.thread.files import FileName, chunked
from bot.thread.request import ThreadId
from tests.sandbox.tiers import WAYS, Serving, emptied, way

LIMITS = Limits(seconds=30, disk=50_000_000)
THREAD = ThreadId("T1", "C1", "1.0")
KEPT = Path.home() / ".cache/workings/tests"
NO_FORK = "the landlock tier starts no processes"
# Same line of output, exit code and files as bare Python. The second entry names tiers where it must differ, and why.
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "a plain end": ("print('a'); print('b', end='')", {}),
    "an exit code": ("import sys; sys.exit(7)", {}),
    "an exit code over 255": ("import sys; sys.exit(300)", {}),
    "an exit with words": ("import sys; sys.exit('went wrong')", {}),
    "an exit with nothing": ("raise SystemExit", {}),
    "a traceback with its lines": ("def f(x):\n    return 1 / x\n\nprint('before')\nf(0)", {}),
    "exit, quit and help": ("print(quit, callable(help), copyright is not None)\nexit(4)", {}),
    "a chained traceback": ("try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('no') from e", {}),
    "a syntax error": ("x = 1\nif x\n    print(x)", {}),
    "an interrupt": ("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)", {}),
    "an end by a signal": ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nimport time; time.sleep(5)", {}),
    "a pipe that nobody reads": ("import os\nr, w = os.pipe(); os.close(r)\ntry: os.write(w, b'x')\nexcept BrokenPipeError: print('broken')", {}),
    "an abort": ("import os; os.abort()", {}),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", {}),
    "os._exit": ("import os; print('lost?', flush=True); os._exit(3)", {}),
    "a file left open": ("f = open('out.txt', 'w'); f.write('all of it')", {}),
    "atexit, the last first": ("import atexit\natexit.register(print, 1)\natexit.register(print, 2)\nprint(0)", {}),
    "a thread that outlives the main one": ("import threading, time\ndef f():\n    time.sleep(.2); print('late')\nthreading.Thread(target=f).start()\nprint('main')", {}),
    "an error in a thread": ("import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t'); t.start(); t.join(); print('on')", {}),
    "a destructor at the end": ("class A:\n    def __del__(self): print('gone')\na = A()\nprint('end')", {}),
    "__main__": ("import __main__, sys\nprint(__name__, __main__.__dict__ is globals(), sys.modules['__main__'] is __main__, __spec__, __doc__)", {}),
    "pickling what the script defines": ("import pickle\nclass A: pass\nprint(pickle.loads(pickle.dumps(A())).__class__.__module__)", {}),
    "dataclasses and inspect": ("import dataclasses, inspect\n@dataclasses.dataclass\nclass A:\n    x: int = 1\nprint(A(), inspect.getsource(A))", {}),
    "arguments": ("import sys; print(sys.argv[1:])", {}),
    "no input": ("import sys; print(repr(sys.stdin.read()))", {}),
    "input() without input": ("input('name? ')", {}),
    "binary output": ("import sys; sys.stdout.buffer.write(b'\\x00\\xff\\xfe' * 3)", {}),
    "words in any script": ("print('héllo 😀 日本')\nimport sys; print(sys.stdout.encoding, sys.getfilesystemencoding())", {}),
    "streams set anew": ("import sys\nsys.stdout.reconfigure(errors='ignore')\nfor s in (sys.stdin, sys.stdout, sys.stderr): print(s.name, s.mode, s.encoding, s.errors, s.seekable(), s.isatty(), s.line_buffering, s.write_through, s.fileno())", {}),
    "asyncio": ("import asyncio\nasync def f():\n    await asyncio.sleep(.01); return 4\nprint(asyncio.run(f()))", {}),
    "multiprocessing by fork": ("import multiprocessing as m\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, -2]))", {"landlock": NO_FORK}),
    "multiprocessing by spawn": ("import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n    with m.get_context('spawn').Pool(2) as p: print(p.map(f, [2, 3]))", {"landlock": NO_FORK}),
    "a process pool": ("from concurrent.futures import ProcessPoolExecutor as P\nif __name__ == '__main__':\n    with P(2) as p: print(list(p.map(abs, [-5])))", {"landlock": NO_FORK}),
    "a subprocess": ("import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(6)'], capture_output=True, text=True).stdout)", {"landlock": NO_FORK}),
    "a subprocess finds the script's neighbours": ("import subprocess, sys\nopen('mine.py', 'w').write('x = 8')\nopen('other.py', 'w').write('import mine; print(mine.x)')\nprint(subprocess.run([sys.executable, 'other.py'], capture_output=True, text=True).stdout)", {"landlock": NO_FORK}),
    "sqlite": ("import sqlite3\nc = sqlite3.connect('a.db'); c.execute('create table t(a)'); c.execute('insert into t values(5)'); c.commit(); print(c.execute('select * from t').fetchall())", {}),
    "temporary files": ("import tempfile\nwith tempfile.NamedTemporaryFile() as f:\n    f.write(b'x'); f.flush(); print(open(f.name).read())", {}),
    "folders, renames and deletions": ("import os\nos.makedirs('a/b'); open('a/b/c', 'w').write('1'); os.rename('a/b/c', 'd'); os.removedirs('a/b'); print(sorted(os.listdir('.')))", {}),
    "a module of one's own": ("open('mine.py', 'w').write('x = 9'); import importlib; importlib.invalidate_caches(); import mine; print(mine.x)", {}),
    "a script named as a module that others use": ("open('json.py', 'w').write('raise SystemExit(9)'); import json; print(json.dumps(1))", {}),
    "a time zone": ("import os, time\nos.environ['TZ'] = 'Asia/Tokyo'; time.tzset(); print(time.strftime('%H:%M', time.localtime(0)))", {}),
    "a locale": ("import locale; print(locale.getpreferredencoding(), locale.getlocale()[1])", {}),
    "a limit on recursion": ("def f(): return f()\ntry:\n    f()\nexcept RecursionError: print('deep')", {}),
    "much output": ("for n in range(2000): print(n)", {}),
    "garbage in a cycle": ("import gc, weakref\nclass A: pass\na = A(); a.me = a; r = weakref.ref(a); del a; gc.collect(); print(r() is None)", {}),
    "warnings": ("import warnings; warnings.warn('careful')", {}),
    "logging": ("import logging; logging.basicConfig(); logging.warning('careful')", {}),
}  # fmt: skip
WITH_LIBRARIES: dict[str, str] = {
    "numpy and BLAS": "import numpy as n\na = n.arange(250000.).reshape(500, 500); print(round(float((a @ a).trace()), 1))",
    "numpy from a seed": "import numpy as n\nn.random.seed(3); print(n.random.rand(3), n.random.default_rng(4).random(2))",
    "pandas": "import pandas as p\nprint(p.DataFrame({'a': [1, 2], 'b': ['x', 'y']}).groupby('b').sum())",
    "polars and its threads": "import polars as p\nprint(p.DataFrame({'a': range(100000)}).lazy().select(p.col('a').sum()).collect().item())",
    "pyarrow": "import pyarrow as p, pyarrow.compute as c\nprint(c.sum(p.array(range(1000))))",
    "duckdb": "import duckdb\nprint(duckdb.sql('select sum(range) from range(100000)').fetchall())",
    "OpenMP": "from sklearn.cluster import KMeans\nimport numpy as n\nprint(KMeans(2, n_init=1, random_state=0).fit(n.array([[0.], [1], [10], [11]])).labels_.tolist() in ([0, 0, 1, 1], [1, 1, 0, 0]))",
    "a plot, to the byte": "import matplotlib.pyplot as p\np.plot([1, 2]); p.title('é'); p.savefig('a.png', metadata={'Software': None}); print(p.get_fignums())",
    "no figure is open at first": "import matplotlib.pyplot as p\nprint(p.get_fignums(), p.get_backend().lower())",
    "libraries in a subprocess": "import subprocess, sys\ntry: print(subprocess.run([sys.executable, '-c', 'import numpy; print(numpy.__file__[-10:])'], capture_output=True, text=True).stdout)\nexcept OSError: print('__init__.py'[-10:] + chr(10))",
    "scipy": "from scipy import stats\nprint(round(stats.norm.cdf(1), 6))",
}


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
        yield data, opened


@pytest.fixture
def with_libraries(serving_with_libraries: Serving) -> Iterator[LinuxSandboxes]:
    data, sandboxes = serving_with_libraries
    with emptied(data):
        yield sandboxes


async def sandboxed(sandboxes: LinuxSandboxes, script: str) -> Ended:
    async with sandboxes.open(THREAD) as sandbox:
        await sandbox.put(FileName("script.py"), chunked(script.encode()))
        execution = await sandbox.run(FileName("script.py"), ["one", "two words"])
        await sandbox.commit(execution)
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
    files = sorted(
        (str(p.relative_to(folder)), p.read_bytes()) for p in folder.rglob("*") if p.is_file() and p.name != "script.py"
    )
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
    first = await sandboxed(
        with_libraries,
        "import pandas, json\npandas.mine = json.mine = 1\nimport os; os.environ['MINE'] = '1'; import tempfile; open(tempfile.gettempdir() + '/mine', 'w')",
    )
    second = await sandboxed(
        with_libraries,
        "import pandas, json, os\nimport tempfile; print(hasattr(pandas, 'mine'), hasattr(json, 'mine'), 'MINE' in os.environ, os.path.exists(tempfile.gettempdir() + '/mine'))",
    )

    assert first.code == 0, first.stderr
    assert second.stdout == "False False False False\n"


async def test_many_at_once_do_not_mix(with_libraries: LinuxSandboxes) -> None:
    async def one(number: int) -> str:
        async with with_libraries.open(ThreadId("T", "C", str(number))) as sandbox:
            await sandbox.put(
                FileName("a.py"),
                chunked(
                    f"import os, time; open('n', 'w').write('{number}'); time.sleep(.05); print(open('n').read(), os.listdir())".encode()
                ),
            )
            return (await sandbox.run(FileName("a.py"))).stdout

    printed = await asyncio.gather(*(one(n) for n in range(12)))

    assert [line.split()[0] for line in printed] == [str(n) for n in range(12)]
    assert all(line.count("'") == 4 for line in printed)
