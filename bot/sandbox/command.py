"""`workings run`: runs one script in the sandbox, from a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bot.errors import UserError
from bot.sandbox.limits import Limits
from bot.sandbox.needs import imports
from bot.sandbox.runtime import IMPORTS, RuntimeBuild
from bot.sandbox.sandboxes import open_sandboxes
from bot.sandbox.temporary import temporary_folder
from bot.thread.files import FileName, file_name
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import ThreadId

CODES = {
    Outcome.TIMED_OUT: 124, Outcome.OUT_OF_MEMORY: 137, Outcome.KILLED: 137, Outcome.OUTPUT_LIMIT: 125, Outcome.DISK_FULL: 122,
    Outcome.INTERRUPTED: 130,
}  # fmt: skip


async def run_script(
    script: Path, args: Sequence[str], *, files: Sequence[Path], stdin: str, seconds: float | None, out: Path | None,
    as_json: bool, data: Path, limits: Limits, tier: str,
) -> int:  # fmt: skip
    """Run a script with files beside it, print its output or JSON, copy the files it made to `out`, and return its exit code.

    A broken limit has the exit code in CODES. Raises UserError for a file that cannot be read, SetupError without a sandbox.
    """
    _refuse_folders(script, files)
    runtime = RuntimeBuild(data)
    if any(package in IMPORTS for path in (script, *files) for package in _imports(path)):
        await runtime.build(lambda text: print(text, file=sys.stderr))
    with temporary_folder("run") as folder:
        async with (
            open_sandboxes(folder, limits, tier=tier, runtime=runtime, warm=False) as sandboxes,
            sandboxes.open(ThreadId("local", "terminal", "1")) as sandbox,
        ):
            for path in (script, *files):
                await sandbox.put(file_name(path.name), _bytes(path))
            running = asyncio.ensure_future(sandbox.run(file_name(script.name), args, stdin=stdin, timeout=seconds))
            try:
                execution = await asyncio.shield(running)
            except asyncio.CancelledError:  # Ctrl-C: what was printed until then is printed here
                if not sandbox.end_run():
                    running.cancel()
                execution = await running
            await sandbox.commit(execution)
            if out is not None:
                for info in execution.files:
                    await _save(sandbox.open(info.name), out, info.name)
    if as_json:
        print(_json(execution))
    else:
        sys.stdout.write(execution.stdout)
        sys.stdout.flush()
        sys.stderr.write(execution.stderr)
        if execution.message:
            print(execution.message, file=sys.stderr)
        if execution.files and out is None:
            names = ", ".join(f.name for f in execution.files)
            print(f"It made {names}; give --out DIR to keep what it makes.", file=sys.stderr)
    if execution.outcome in CODES:
        return CODES[execution.outcome]
    code = execution.exit_code or 0
    return code if code >= 0 else 128 - code


def _json(execution: Execution) -> str:
    whole = asdict(execution)
    result = {name: whole[name] for name in ("outcome", "exit_code", "stdout", "stderr", "tier", "files", "message")}
    result |= {"duration_s": round(execution.duration, 4), "peak_memory_bytes": execution.peak_memory}
    return json.dumps(result, ensure_ascii=False)


def _refuse_folders(script: Path, files: Sequence[Path]) -> None:
    """Raise UserError when one of them is a folder."""
    if script.is_dir():
        raise UserError(f"{script} is a folder, not a Python file.")
    if folder := next((path for path in files if path.is_dir()), None):
        raise UserError(f"{folder} is a folder: give the files in it, each with --file.")


def _imports(path: Path) -> list[str]:
    """Return the packages that a script imports, none of what is no script."""
    if path.suffix != ".py":
        return []
    try:
        return imports(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error


async def _bytes(path: Path) -> AsyncIterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error


async def _save(chunks: AsyncIterator[bytes], out: Path, name: FileName) -> None:
    target = out / name
    os.makedirs(target.parent, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as partial:
        async for chunk in chunks:
            partial.write(chunk)
    os.chmod(partial.name, 0o644)
    shutil.move(partial.name, target)
