"""Logs of 200 MB: the toolkit beside plain Python, lnav and drain3 on the same file, each answer checked before its time counts.

`python -m tests.bench logs [--size BYTES] [--formats iso,json,java,syslog]`. lnav is used where it is installed (Debian has it);
drain3 is installed into a throwaway environment, since it pins old libraries.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.logs.incidents import Incident, catalogue, write
from tests.logs.incidents.formats import ZONES

TOP = Path(__file__).parents[2]
SCRIPTS = tomllib.loads(Path(__file__).with_name("scripts.toml").read_text())


@dataclass(slots=True)
class Took:
    """Wall time in seconds, peak memory in MB, and what was printed."""

    seconds: float
    memory: float
    said: str


def timed(command: list[str], folder: Path) -> Took:
    """Run a command to its end; raises when it fails."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.PIPE, cwd=folder, env={**os.environ, "PYTHONPATH": str(TOP)}
        )
        assert process.stderr
        error = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - began
        out.seek(0)
        said = out.read().decode()
    if process.returncode:
        raise RuntimeError(f"{command[:4]} failed: {error.decode()[-400:]}")
    return Took(took, used.ru_maxrss / 1024, said)


def main(arguments: list[str]) -> int:
    """Print a table for each format; an answer that is wrong ends the run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=200_000_000)
    parser.add_argument("--formats", default="iso,json,java,syslog")
    parser.add_argument("--drain-lines", type=int, default=200_000, help="lines that drain3 is given; its time is scaled")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        drain = drain3(Path(folder) / "drain")
        for style in asked.formats.split(","):
            _table(Path(folder), style, asked.size, drain, asked.drain_lines)
    return 0


def written(folder: Path, style: str, size: int) -> Incident:
    """Write a log of about this size, of sixteen hours, in which a connection pool is exhausted."""
    pool = next(spec for spec in catalogue() if spec.kind == "pool")
    spec = replace(
        pool, name=style, format=style, zone=ZONES[style][0], seed=7, start=datetime(2026, 11, 20, tzinfo=UTC), minutes=960,
        lines=size // 115, templates=560, packed=False, pieces=1,
    )  # fmt: skip
    truth = write(spec, folder)
    assert isinstance(truth, Incident)
    return truth


def _table(folder: Path, style: str, size: int, drain: Path | None, drain_lines: int) -> None:
    with ProcessPoolExecutor(1) as writers:  # what it holds would count as memory of all that is started from here
        truth = writers.submit(written, folder, style, size).result()
    [path] = truth.paths
    cause = truth.cause.line
    count = next(c for c in truth.counts if c.query == truth.error_text)
    begin, end = (at.strftime("%H:%M") for at in (count.period.start, count.period.end))
    window = f"{truth.window.start:%H:%M}..{truth.window.end:%H:%M}"
    print(
        f"\n{style}: {path.stat().st_size / 1e6:.0f} MB, {truth.lines:,} lines, {truth.templates} templates, trouble from {truth.onset:%H:%M}"
    )
    print(f"{'':34}{'seconds':>9}{'MB':>7}{'tokens':>8}  against plain Python")
    toolkit = [sys.executable, "-m", "bot.logs"]
    name = path.name

    base = timed([sys.executable, "-c", SCRIPTS["plain"], name, count.query, begin, end], folder)
    lines, _, found = map(int, base.said.split())
    assert (lines, found) == (truth.lines, count.value), base.said
    _row("plain Python: masks and counts", base, base)
    checks: list[tuple[str, list[str], Callable[[str], bool]]] = [
        ("profile, cold", ["profile", name], lambda said: f"{truth.onset:%H:%M} to" in said and f":{cause} " in said),
        ("profile, from the index", ["profile", name], lambda said: f"{truth.onset:%H:%M} to" in said),
        ("compare", ["compare", name, "--window", window], lambda said: f"{name}:{cause}: " in "\n".join(said.splitlines()[:6])),
        ("search, one window", ["search", name, "-q", count.query, "--window", f"{begin}..{end}"], lambda said: said.startswith(f"{count.value:,} lines")),
        ("search, whole file", ["search", name, "-q", truth.cause.text], lambda said: said.startswith("1 lines")),
        ("trace", ["trace", name, "--id", truth.cause.text], lambda said: f"{name}:{cause}: " in said),
    ]  # fmt: skip
    for title, command, right in checks:
        took = timed([*toolkit, *command], folder)
        assert right(took.said), (title, took.said)
        assert len(took.said.encode()) <= 1_800, (title, len(took.said.encode()))
        _row(title, took, base)
    if shutil.which("lnav"):
        _lnav(folder, name, count.query, truth, base)
    if drain:
        head = folder / "head.log"
        with path.open("rb") as whole, head.open("wb") as part:
            given = sum(1 for _, line in zip(range(drain_lines), whole, strict=False) if part.write(line))
        took = timed([str(drain), "-c", SCRIPTS["drain"], head.name], folder)
        assert int(took.said.split()[0]) == given
        took.seconds *= truth.lines / given
        _row(f"drain3, scaled from {given:,} lines", took, base)
    path.unlink()


def _lnav(folder: Path, name: str, query: str, truth: Incident, base: Took) -> None:
    """lnav reads, indexes and filters headless; it counts records, so stack traces are not lines of their own."""
    took = timed(["lnav", "-n", "-c", f":filter-in {re.escape(query)}", name], folder)
    found = sum(query in line for line in took.said.splitlines())
    assert found >= next(c.value for c in truth.counts if c.query == query), found
    took.said = ""
    _row("lnav: filter, whole file", took, base)


def _row(title: str, took: Took, base: Took) -> None:
    tokens = len(took.said.encode()) // 3 if took is not base and took.said else 0
    print(f"{title:34}{took.seconds:9.2f}{took.memory:7.0f}{tokens:8}  {took.seconds / base.seconds:.2f} x", flush=True)


def drain3(home: Path) -> Path | None:
    """Install drain3 into an environment of its own and return its interpreter; None, said on stderr, when that fails."""
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
        subprocess.run([home / "bin/pip", "install", "-q", "drain3==0.9.11"], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        print(f"drain3 could not be installed, so it is left out: {error.stderr.decode()[-200:]}", file=sys.stderr)
        return None
    return home / "bin/python"
