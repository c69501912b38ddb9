"""Every command of the README and the pages that this machine can run does what stands there; their table is that of the help."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from bot.commands import app
from bot.settings import Settings

TOP = Path(__file__).parents[1]
PAGES = ("README.md", ".github/OPERATION.md", ".github/TABLES.md", ".github/LOGS.md", ".github/SANDBOX.md")
README = "\n".join((TOP / page).read_text() for page in PAGES)
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
IN_TEXT = [
    command for line in README.splitlines() if not line.startswith("|") for command in re.findall(r"`(workings [^`]+)`", line)
]
TABLE = dict(re.findall(r"^\| `workings (\w+) ([^`]*)` \|", re.sub(r"`(workings \w+)`", r"`\1 `", README), re.M))
# Each command, its exit code, and a word of what it prints, on a machine with no setting and two logs.
RUN = {
    "workings logs profile app.log.gz": (0, "Suspected incident: 2026-11-20 14:05 to 14:10"),
    "workings logs compare app.log --window 14:05..14:11        # against the hour before; or --against good.log": (
        0,
        "PoolTimeout",
    ),
    'workings logs search app.log -q "PoolTimeout" --window 14:05..14:11 --json': (0, '"count": 120'),
    "workings logs --help": (0, "fields"),
    "workings tables profile sales.csv --find North": (0, '{"found": "North", "column": "region"'),
    "workings setup": (2, "The input ended before SLACK_BOT_TOKEN was given. Nothing was written."),
    "workings -h": (0, "doctor"),
    "workings doctor": (1, "SLACK_BOT_TOKEN is not set"),
    "workings serve": (2, "SLACK_BOT_TOKEN is not set"),
}
# What the table says of the others, as somebody would write it.
FROM_TABLE = {
    "workings run --file data.csv --stdin typed --timeout 30 --out made --json six.py a -- -b": (
        5,
        '"stdout": "a -b typed 1,2\\n"',
    ),
    "workings logs compare app.log --against good.log": (0, "PoolTimeout"),
    "workings logs templates app.log": (0, "PoolTimeout"),
    "workings logs trace app.log --id 8f3a": (0, "8f3a"),
}
LEFT_OUT = {
    "python3 -m venv": "it makes an environment; tests/test_readme.py holds its form",
    "docker build": "it needs a container engine",
    "workings COMMAND": "it stands for any of them",
}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with a log of an hour of trouble, and a good one."""
    good = [f"2026-11-20T13:{m:02d}:{s:02d}Z INFO order stored in 7 ms" for m in range(60) for s in range(0, 60, 3)]
    bad = [line.replace("T13", "T14") for line in good]
    at = bad.index("2026-11-20T14:05:00Z INFO order stored in 7 ms")
    bad[at : at + 120] = [f"{line[:20]} ERROR PoolTimeout after 30 s, request 8f3a" for line in bad[at : at + 120]]
    (tmp_path / "good.log").write_text("\n".join(good))
    (tmp_path / "app.log").write_text("\n".join(good + bad))
    (tmp_path / "app.log.gz").write_bytes(gzip.compress((tmp_path / "app.log").read_bytes()))
    (tmp_path / "data.csv").write_text("1,2")
    (tmp_path / "sales.csv").write_text("region,units\nNorth,1\nSouth,2\n")
    (tmp_path / "six.py").write_text("import sys\nprint(*sys.argv[1:], input(), open('data.csv').read())\nsys.exit(5)")
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    """Ours, without any setting of the bot's and with a home of its own."""
    plain = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    path = f"{Path(sys.executable).parent}:{plain['PATH']}"
    return plain | {"HOME": str(home), "XDG_DATA_HOME": str(home), "BOT_DATA": str(home / "data"), "PATH": path} | {
        "COLUMNS": "200", "BOT_RUNTIME": "false",
    }  # fmt: skip


def test_every_command_of_the_readme_is_run_or_left_out_for_a_reason() -> None:
    written = {line for line in (*SHELL, *IN_TEXT) if not line.startswith(tuple(LEFT_OUT))}

    assert written == RUN.keys()


@pytest.mark.parametrize("command", RUN | FROM_TABLE)
def test_a_command_of_the_readme_does_what_stands_there(machine: Path, command: str) -> None:
    code, said = (RUN | FROM_TABLE)[command]

    done = subprocess.run(
        ["bash", "-c", command], cwd=machine, env=environment(machine), capture_output=True, text=True, check=False
    )

    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done


@pytest.mark.parametrize(("command", "said"), [("demo", "Open http://"), ("local", "The workspace is open at http://")])
def test_what_serves_says_where_and_ends_when_it_is_told_to(tmp_path: Path, command: str, said: str) -> None:
    words = ["workings", command, "--port", "0", "--data", str(tmp_path / "data")]
    with subprocess.Popen(words, env=environment(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = next((line for line in process.stdout if line.startswith(said)), "it ended")
        process.terminate()
        code = process.wait(30)

    assert line.startswith(said), line
    assert code == 0


def test_the_table_of_commands_is_that_of_the_help() -> None:
    commands = typer.main.get_group(app).commands

    assert TABLE.keys() == commands.keys()
    for name, options in TABLE.items():
        if name not in {"logs", "tables"}:  # whose options their own help lists
            real = {p.opts[0] for p in commands[name].params if p.param_type_name == "option"}
            assert {o.replace("--no-", "--") for o in re.findall(r"--[\w-]+", options)} == real, name


def test_the_table_names_every_subcommand_for_logs() -> None:
    help_text = subprocess.run([sys.executable, "-m", "bot", "logs", "--help"], capture_output=True, text=True, check=True).stdout

    named = re.split(r"\\?\|", TABLE["logs"].split()[0])

    assert [*named, "check"] == re.findall(r"^    (\w+)", help_text, re.M)  # the gate's own, on standard input
