"""The command line: demo, local, serve, run, logs, doctor. Each command imports only what it needs, so that `run` starts fast."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from bot.errors import BotError, SetupError
from bot.settings import Settings, limits, load, runtime_folder
from bot.turns.loop import current_thread

app = typer.Typer(
    help="A code assistant that lives in Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PORT = Annotated[int, typer.Option(help="Port of the web page; 0 picks a free one.")]
DATA = Annotated[Path | None, typer.Option(help="Data folder; by default the value of BOT_DATA.")]


@app.command()
def demo(
    port: PORT = 8484,
    data: DATA = None,
    workspace: Annotated[
        str | None, typer.Option(help="Connect to the local workspace at this URL instead of starting one.")
    ] = None,
) -> None:
    """Try the bot in a workspace like Slack's on this machine; needs no account and no key."""
    _require_stand_ins()
    from bot.local.demo import run_demo

    settings = _settings(data)
    _run(run_demo(settings, port, workspace, lambda url: print(f"Open {url} and write to workings.", flush=True)))


@app.command()
def local(port: PORT = 8484, data: DATA = None) -> None:
    """Start the local workspace alone, without the bot."""
    _require_stand_ins()
    from bot.local.workspace.server import CannotServe, running

    folder = _settings(data).bot_data / "workspace"

    async def run() -> None:
        try:
            async with running(folder, port=port) as workspace:
                print(f"The workspace is open at {workspace.base_url}", flush=True)
                await asyncio.Event().wait()
        except CannotServe as error:
            raise SetupError(str(error)) from error

    _run(run())


@app.command("serve")
def serve_slack(data: DATA = None) -> None:
    """Connect to Slack and answer there until stopped."""
    from bot.app import serving

    settings = _settings(data)

    async def run() -> None:
        async with serving(settings) as until_removed:
            await until_removed()

    _run(run())


@app.command()
def run(
    script: Annotated[Path, typer.Argument(metavar="FILE", help="Python file to run.")],
    args: Annotated[
        list[str] | None, typer.Argument(help="Arguments of the script; put -- before those that start with a dash.")
    ] = None,
    file: Annotated[list[Path] | None, typer.Option(help="File to copy beside the script; repeatable.")] = None,
    stdin: Annotated[str, typer.Option(help="Text for the script's standard input.")] = "",
    timeout: Annotated[float | None, typer.Option(help="Seconds after which the script is killed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to copy new and changed files to.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    tier: Annotated[str, typer.Option(help="Sandbox tier: auto, forkserver, bwrap or landlock.")] = "",
    data: DATA = None,
) -> None:
    """Run a script in the sandbox.

    The exit code is the script's own, or 124 timed out, 137 out of memory or killed, 125 too much output, 122 disk full.
    """
    from bot.sandbox.command import run_script

    settings = _settings(data, quiet=True)
    execution = run_script(
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
    raise typer.Exit(_run(execution) or 0)


@app.command(
    "logs", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def read_logs(context: typer.Context) -> None:
    """Analyse log files of any size; `workings logs --help` lists the subcommands."""
    from bot.logs.command import main as read

    raise typer.Exit(read(context.args, kept=Path.home() / ".cache/workings/logs"))


@app.command()
def doctor(data: DATA = None) -> None:
    """Check the settings, tokens, model, sandbox and store, and say how to fix what is wrong."""
    from bot.doctor import examine

    settings = _settings(data, quiet=True)

    async def run() -> int:
        table = Table("", "part", "state", "what to do", box=None)
        broken = 0
        async for finding in examine(settings):
            broken += finding.required and not finding.ok
            mark = "[green]ok[/]" if finding.ok else "[red]no[/]" if finding.required else "[yellow]no[/]"
            table.add_row(mark, finding.part, finding.state, "" if finding.ok else finding.advice)
        Console().print(table)
        return 1 if broken else 0

    raise typer.Exit(_run(run()) or 0)


def _require_stand_ins() -> None:
    """Exit with one line unless the local stand-ins, and what only they need, are installed."""
    if any(find_spec(module) is None for module in ("bot.local", "nh3", "yaml")):
        _fail(SetupError("The local workspace is an extra: install it with `uv sync --extra demo`."))


def _set_up_logging(level: str) -> None:
    """Log to standard error, each line with the id of its thread."""

    def add_thread(record: logging.LogRecord) -> bool:
        record.thread_id = current_thread.get()
        return True

    handler = logging.StreamHandler()
    handler.addFilter(add_thread)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(thread_id)s] %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("slack_bolt").setLevel(logging.WARNING)


def main() -> None:
    """Run the command line; errors in the settings are printed as one line, without a traceback."""
    app()


def _settings(data: Path | None, *, quiet: bool = False) -> Settings:
    try:
        settings = load(**({"bot_data": data.absolute()} if data else {}))
    except BotError as error:
        _fail(error)
    _set_up_logging("ERROR" if quiet else settings.bot_log_level)
    return settings


def _run(main: Coroutine[Any, Any, int | None]) -> int | None:
    """Run `main` until it ends or a signal cancels it, and return its exit code, or 128 plus the signal's number."""
    signals: list[int] = []

    async def run() -> int | None:
        task = asyncio.ensure_future(main)

        def cancel(number: int) -> None:
            signals.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, cancel, number)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        return 128 + signals[0] if signals else None
    except BotError as error:
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    print(f"workings: {error}", file=sys.stderr)
    raise typer.Exit(2)


if __name__ == "__main__":
    main()
