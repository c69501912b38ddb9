"""The command line: demo, local, serve, run, logs, doctor. Each command imports what it needs: a run shall start at once."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from bot.errors import BotError, SetupError
from bot.settings import Settings, limits, load, runtime_folder
from bot.turns.loop import current_thread

if TYPE_CHECKING:
    from bot.local.workspace.server import Running

app = typer.Typer(
    help="A code assistant that lives in Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PORT = Annotated[int, typer.Option(help="Port of the page; 0 takes any free one.")]
DATA = Annotated[Path | None, typer.Option(help="Folder for everything that is kept; BOT_DATA otherwise.")]


@app.command()
def demo(
    port: PORT = 8484,
    data: DATA = None,
    workspace: Annotated[
        str | None, typer.Option(help="Use the local workspace at this URL instead of a new one.")
    ] = None,
) -> None:
    """Try it: a workspace like Slack's on this machine, with the bot in it. Needs no account and no key."""
    from bot.local.demo import in_demo

    settings = _settings(data)
    _carry_out(in_demo(settings, port, workspace, lambda url: print(f"Open {url} and write to workings.", flush=True)))


@app.command()
def local(port: PORT = 8484, data: DATA = None) -> None:
    """The workspace alone, without the bot."""
    from bot.local.workspace.server import CannotServe, serve

    folder = _settings(data).bot_data / "workspace"

    def say(running: Running) -> None:
        print(f"The workspace is open at {running.base_url}", flush=True)

    async def run() -> None:
        try:
            await serve("127.0.0.1", port, folder, started=say)
        except CannotServe as error:
            raise SetupError(str(error)) from error

    _carry_out(run())


@app.command("serve")
def serve_slack(data: DATA = None) -> None:
    """Serve a Slack workspace."""
    from bot.app import serving

    settings = _settings(data)

    async def run() -> None:
        async with serving(settings):
            await asyncio.Event().wait()

    _carry_out(run())


@app.command()
def run(
    script: Annotated[Path, typer.Argument(metavar="FILE", help="The Python file to run.")],
    args: Annotated[
        list[str] | None, typer.Argument(help="Its arguments; put -- before those that begin with a dash.")
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="A file to lay beside it; may be given several times.")
    ] = None,
    stdin: Annotated[str, typer.Option(help="What it reads as input.")] = "",
    timeout: Annotated[float | None, typer.Option(help="Seconds until it is ended.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that takes what it makes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
    tier: Annotated[str, typer.Option(help="auto, forkserver, bwrap or landlock.")] = "",
    data: DATA = None,
) -> None:
    """Run a script in the sandbox, from the terminal. Exit code: the script's own; 124 too long, 137 memory or killed,
    125 too much output, 122 disk full."""
    from bot.sandbox.command import run_once

    settings = _settings(data, quiet=True)
    done = run_once(
        script,
        args or (),
        files=file or (),
        stdin=stdin,
        seconds=timeout,
        out=out,
        as_json=as_json,
        data=runtime_folder(settings.bot_data),
        limits=limits(settings),
        tier=tier or settings.sandbox_tier,
    )
    raise typer.Exit(_carry_out(done) or 0)


@app.command(
    "logs", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def read_logs(context: typer.Context) -> None:
    """Read logs of any size: profile, templates, compare, search, trace or fields of FILE…; `workings logs --help` says more."""
    from bot.logs.command import main as use

    raise typer.Exit(use(context.args, kept=Path.home() / ".cache/workings/logs"))


@app.command()
def doctor(data: DATA = None) -> None:
    """Look at settings, tokens, model, sandbox and store, and say what to do about each."""
    from bot.doctor import examine

    settings = _settings(data, quiet=True)

    async def run() -> int:
        table = Table("", "what", "found", "what to do", box=None)
        broken = 0
        async for finding in examine(settings):
            broken += finding.needed and not finding.well
            mark = "[green]ok[/]" if finding.well else "[red]no[/]" if finding.needed else "[yellow]no[/]"
            table.add_row(mark, finding.what, finding.said, "" if finding.well else finding.advice)
        Console().print(table)
        return 1 if broken else 0

    raise typer.Exit(_carry_out(run()) or 0)


def _set_up_logging(level: str) -> None:
    """Log to stderr, each line with the thread it belongs to."""

    def mark(record: logging.LogRecord) -> bool:
        record.thread_id = current_thread.get()
        return True

    handler = logging.StreamHandler()
    handler.addFilter(mark)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(thread_id)s] %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("slack_bolt").setLevel(logging.WARNING)


def main() -> None:
    """Run the command line; a mistake in the settings is one line, never a traceback."""
    app()


def _settings(data: Path | None, *, quiet: bool = False) -> Settings:
    try:
        settings = load(**({"bot_data": data.absolute()} if data else {}))
    except BotError as error:
        _fail(error)
    _set_up_logging("ERROR" if quiet else settings.bot_log_level)
    return settings


def _carry_out(work: Coroutine[Any, Any, int | None]) -> int | None:
    """Run until done or until a signal asks for a clean end: its exit code, after a signal what a shell makes of it."""
    came: list[int] = []

    async def run() -> int | None:
        task = asyncio.ensure_future(work)

        def end(number: int) -> None:
            came.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, end, number)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        return 128 + came[0] if came else None
    except BotError as error:
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    print(f"workings: {error}", file=sys.stderr)
    raise typer.Exit(2)


if __name__ == "__main__":
    main()
