"""The command line. Each command imports only what it needs, so that `run` starts fast."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.errors import SetupError
from bot.sandbox.runtime import RuntimeBuild
from bot.settings import Settings, limits, runtime_folder
from bot.terminal import fail, run_until_signal, said_when_slow, settings_from

app = typer.Typer(
    help="A code assistant that lives in Slack.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
PORT = Annotated[int, typer.Option(help="Port of the web page; 0 picks a free one.")]
WRONG_USE: type[Exception] = typer.BadParameter.__mro__[1]  # UsageError, which typer does not name
DATA = Annotated[Path | None, typer.Option(help="Data folder; by default the value of BOT_DATA.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"workings {version('workings')}")
        raise typer.Exit


@app.callback()
def workings(
    show: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A code assistant that lives in Slack."""


@app.command()
def demo(
    port: PORT = 8484,
    data: DATA = None,
    browser: Annotated[bool, typer.Option(help="Whether to open the page in a browser, where there is a screen.")] = True,
    workspace: Annotated[str | None, typer.Option(help="Connect to the workspace at this URL instead of starting one.")] = None,
) -> None:
    """Try the bot in a workspace like Slack's on this machine; needs no account and no key."""
    _require_stand_ins()
    settings = settings_from(data, port=port)
    print(f"Starting a workspace like Slack's, with the bot in it, at http://127.0.0.1:{port}/ …", flush=True)
    if settings.bot_runtime and not RuntimeBuild(runtime_folder(settings.bot_data)).done():
        print("The libraries for scripts are installed once, about 50 MB before the first picture; all else works at once.")
    from bot.local.demo import run_demo

    def announce(url: str) -> None:
        print(f"Open {url} and click an example. Ctrl-C ends it.", flush=True)
        if browser and os.geteuid() != 0 and {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
            none = subprocess.DEVNULL
            subprocess.Popen([sys.executable, "-m", "webbrowser", "-t", url], stdin=none, stdout=none, stderr=none)

    run_until_signal(run_demo(settings, port, workspace, announce))


@app.command()
def local(port: PORT = 8484, data: DATA = None) -> None:
    """Start the local workspace alone, without the bot."""
    _require_stand_ins()
    from bot.local.workspace.server import CannotServe, running

    folder = settings_from(data, port=port).bot_data / "workspace"

    async def run() -> None:
        try:
            async with running(folder, port=port) as workspace:
                print(f"The workspace is open at {workspace.base_url}", flush=True)
                await asyncio.Event().wait()
        except CannotServe as error:
            raise SetupError(str(error)) from error

    run_until_signal(run())


@app.command("serve")
def serve_slack(data: DATA = None) -> None:
    """Connect to Slack and answer there until stopped."""
    from bot.app import serving
    from bot.doctor import examine_app_token, examine_bot_token

    async def check(settings: Settings) -> None:
        for examine in (examine_bot_token, examine_app_token):
            found = await examine(settings)
            if not found.ok and "no answer" not in found.state:
                raise SetupError(f"{found.part}: {found.state}. {found.advice}")

    async def run(settings: Settings) -> None:
        async with serving(settings, first=check) as until_removed:
            await until_removed()

    run_until_signal(run(settings_from(data)))


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
    from bot.sandbox.sandboxes import TIERS

    settings = settings_from(data, quiet=True)
    if timeout is not None and not 0 < timeout <= settings.sandbox_seconds:
        fail(SetupError(f"--timeout {timeout:g} is not between 0 and SANDBOX_SECONDS, which is {settings.sandbox_seconds:g}."))
    if tier not in {"", "auto", *TIERS}:
        fail(SetupError(f"There is no sandbox tier {tier}: there are auto, {', '.join(TIERS)}."))
    execution = run_script(
        script, args or (), files=file or (), stdin=stdin, seconds=timeout, out=out, as_json=as_json,
        data=runtime_folder(settings.bot_data), limits=limits(settings), tier=tier or settings.sandbox_tier,
    )  # fmt: skip
    raise typer.Exit(run_until_signal(execution) or 0)


PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command("logs", context_settings=PASSED_ON)
def read_logs(context: typer.Context) -> None:
    """Analyse log files of any size; `workings logs --help` lists the subcommands."""
    from bot.logs.command import main as read

    with said_when_slow("reading"):
        raise typer.Exit(read(context.args, kept=Path.home() / ".cache/workings/logs"))


@app.command("tables", context_settings=PASSED_ON)
def read_tables(context: typer.Context) -> None:
    """Profile tables of any form; `workings tables --help` says more."""
    from bot.tables.command import main as read

    with said_when_slow("reading"):
        raise typer.Exit(read(context.args, kept=Path.home() / ".cache/workings/tables"))


@app.command()
def setup(data: DATA = None) -> None:
    """Go live in Slack: make the app, give its tokens and a key, check them, and write .env."""
    from bot.setup import ask, default_env, set_up

    settings = settings_from(data, quiet=True)
    if code := run_until_signal(set_up(default_env(), settings, ask, lambda text: print(text, flush=True))):
        raise typer.Exit(code)
    doctor(data)


@app.command()
def doctor(data: DATA = None) -> None:
    """Check the settings, tokens, model, sandbox and store, and say how to fix what is wrong."""
    from bot.doctor import examine

    settings = settings_from(data, quiet=True)

    async def run() -> int:
        console, broken = Console(soft_wrap=True), 0
        async for finding in examine(settings):
            broken += finding.required and not finding.ok
            mark = "[green]ok[/]" if finding.ok else "[red]no[/]" if finding.required else "[yellow]no[/]"
            advice = "" if finding.ok or not finding.advice else f"{'' if finding.state.endswith('.') else '.'} {finding.advice}"
            console.print(f"{mark}  {finding.part}: ", end="", highlight=False)
            console.print(f"{finding.state}{advice}", markup=False, highlight=False)  # as soon as it is known
        return 1 if broken else 0

    raise typer.Exit(run_until_signal(run()) or 0)


def _require_stand_ins() -> None:
    """Exit with one line unless the local stand-ins, and what only they need, are installed."""
    if any(find_spec(module) is None for module in ("bot.local", "nh3", "yaml")):
        fail(SetupError("The local workspace is an extra: install it with `uv sync --extra demo`."))


def main() -> int:
    """Run the command line and return its exit code; what is wrong is printed as one line, without a traceback."""
    try:
        code = typer.main.get_command(app).main(standalone_mode=False)
    except WRONG_USE as error:
        helps = not str(error).strip() or "Usage:" in str(error)  # nothing was asked for: the help is the answer
        print(error if helps else f"workings: {str(error).strip().rstrip('.')}. See `workings --help`.", file=sys.stderr)
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    return code or 0
