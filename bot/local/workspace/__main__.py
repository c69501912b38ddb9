"""`python -m bot.local.workspace`: the workspace alone, as a process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from bot.local.workspace.server import MANIFEST, CannotServe, Options, running


def main() -> int:
    """Serve until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.local.workspace", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8484, help="0 takes any free port")
    parser.add_argument("--data", type=Path, default=Path("data/workspace"))
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    parser.add_argument("--request-url", help="deliver as signed HTTP to this URL, not over Socket Mode")
    parser.add_argument("--no-rate-limits", action="store_true", help="for benchmarks")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input does")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    options = Options(rate_limits=not given.no_rate_limits, request_url=given.request_url)
    try:
        asyncio.run(_serve(given.host, given.port, given.data, given.manifest, options, with_parent=given.with_parent))
    except CannotServe as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def _serve(host: str, port: int, data: Path, manifest: Path, options: Options, *, with_parent: bool) -> None:
    ended = asyncio.Event()

    def parent_said() -> None:
        if not os.read(0, 4096):
            asyncio.get_running_loop().remove_reader(0)
            ended.set()

    if with_parent:
        asyncio.get_running_loop().add_reader(0, parent_said)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with running(data, manifest, host=host, port=port, options=options) as workspace:
        print(f"The workspace is open at {workspace.base_url}", flush=True)
        await ended.wait()


if __name__ == "__main__":
    sys.exit(main())
