"""The toolkits themselves, on files in memory laid out on disk."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot.thread.files import FileName
from bot.thread.outcomes import Execution, Outcome

TOP = Path(__file__).parent.parent


_DONE: dict[object, Execution] = {}


async def analysed(files: dict[FileName, bytes], toolkit: str, arguments: Sequence[str], stdin: str) -> Execution:
    """What the toolkit says of the files; the same question is put to it once."""
    key = (toolkit, tuple(arguments), stdin, tuple(sorted(files.items())))
    if key not in _DONE:
        _DONE[key] = await _run(files, toolkit, arguments, stdin)
    return _DONE[key]


async def _run(files: dict[FileName, bytes], toolkit: str, arguments: Sequence[str], stdin: str) -> Execution:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_lay_out, files, Path(folder))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"bot.{toolkit}", *arguments, cwd=folder, env={"PYTHONPATH": str(TOP)},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
    outcome = Outcome.SUCCEEDED if process.returncode == 0 else Outcome.FAILED
    return Execution(outcome=outcome, exit_code=process.returncode, stdout=out.decode(), stderr=err.decode(), run=toolkit)


def _lay_out(files: dict[FileName, bytes], folder: Path) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
