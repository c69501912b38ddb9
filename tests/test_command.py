"""The command line, and what the base install leaves out."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands import app
from bot.sandbox.watchdog import tree
from bot.settings import Settings


@pytest.mark.parametrize("command", ["demo", "local"])
@pytest.mark.parametrize("missing", ["nh3", "yaml", "bot.local"])
def test_without_the_extra_a_local_command_says_what_it_needs(command: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    result = CliRunner().invoke(app, [command])

    assert result.exit_code == 2
    assert result.stderr == "workings: The local workspace is an extra: install it with `uv sync --extra demo`.\n"


def test_the_help_names_every_command_in_a_sentence() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"})

    commands = [line.strip("│ ").split()[0] for line in result.stdout.splitlines() if line.startswith("│ ")]
    assert [c for c in commands if c.isalpha()] == ["demo", "local", "serve", "run", "logs", "tables", "setup", "doctor"]


def test_the_bot_itself_needs_neither_the_stand_ins_nor_the_extra() -> None:
    script = r"""
import importlib, pkgutil, re, sys
sys.modules.update({name: None for name in ("bot.local", "nh3", "yaml")})
import bot
for module in pkgutil.walk_packages(bot.__path__, "bot.", onerror=lambda name: None):
    if not re.match(r"bot\.(local|sandbox\.inside|logs\.__main__|tables\.(__main__|frames))", module.name):
        importlib.import_module(module.name)
print(*sorted(name for name in sys.modules if name in ("bot.app", "bot.doctor", "bot.commands")))
"""

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (result.stdout, result.stderr) == ("bot.app bot.commands bot.doctor\n", "")


TOKENS = r"printf 'SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\nSLACK_API_URL=http://127.0.0.1:9/' > .env; mkdir -p data;"


@pytest.mark.parametrize(
    ("made", "words", "said"),
    [
        ("", "demo --port 99999", "Port 99999 is out of range: 0 to 65535."),
        ("", "demo --port abc", "unable to parse string as an integer. See `workings --help`."),
        ("", "local --data /dev/null/x", "The data folder cannot be used: /dev/null/x: Not a directory."),
        ("", "run x.py --tier foo", "There is no sandbox tier foo: there are auto, forkserver, bwrap, landlock."),
        ("", "run x.py --timeout 999", "--timeout 999 is not between 0 and SANDBOX_SECONDS, which is 60."),
        ("", "nonsense", "No such command 'nonsense'. See `workings --help`."),
        ("", "serve", "SLACK_BOT_TOKEN is not set. Run `workings setup`."),
        (r"printf 'BOT_DATA=\377' > .env", "doctor", ".env cannot be read: it is not UTF-8."),
        (f"{TOKENS} mkdir data/bot.sqlite", "serve", "data/bot.sqlite cannot be opened: it is a folder."),
        (f"{TOKENS} mkdir data/bot.sqlite.lock", "serve", "data/bot.sqlite.lock cannot be written: Is a directory."),
        (f"{TOKENS} touch data/threads", "serve", "data/threads cannot be used: File exists."),
        ("touch data", "serve", "The data folder cannot be used: "),
        ("touch x.py", "run x.py --file .", "workings: . is a folder: give the files in it, each with --file."),
        ("", "run .", "workings: . is a folder, not a Python file."),
    ],
)
def test_what_is_wrong_is_said_in_one_line(made: str, words: str, said: str, tmp_path: Path) -> None:
    subprocess.run(made, shell=True, cwd=tmp_path, check=True)
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    environment = kept | {"BOT_DATA": str(tmp_path / "data"), "BOT_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "bot", *words.split()]

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("workings: ")
    assert said in line


def test_ctrl_c_while_the_program_is_being_loaded_ends_it_without_a_word() -> None:
    with subprocess.Popen([sys.executable, "-m", "bot", "serve"], stderr=subprocess.PIPE) as starting:
        while "pydantic_core" not in Path(f"/proc/{starting.pid}/maps").read_text():
            time.sleep(0.005)
        starting.send_signal(signal.SIGINT)
        assert (starting.communicate()[1], starting.returncode) == (b"", 130)


def test_ctrl_c_ends_a_run_with_what_it_printed(tmp_path: Path) -> None:
    script = 'import os, sys\nprint("so far")\nos.execv(sys.executable, ["waits", "-c", "import time; time.sleep(90)"])\n'
    (tmp_path / "slow.py").write_text(script)
    command = [sys.executable, "-m", "bot", "run", "slow.py", "--data", str(tmp_path / "data")]

    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as run:
        begun = False
        while not begun and run.poll() is None:
            with suppress(OSError):  # of a process that ended meanwhile
                begun = any(Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"waits") for pid in tree(run.pid))
        run.send_signal(signal.SIGINT)
        assert (run.communicate()[0], run.returncode) == ("so far\n", 130)


def test_what_a_killed_process_left_in_the_temporary_folder_goes_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print(1)")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command, environment = [sys.executable, "-m", "bot", "run", "a.py", "--data", "data"], os.environ | {"TMPDIR": str(temporary)}
    for kind in ("probe", "run"):
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as run:
            while not list(temporary.glob(f"workings-{kind}-*/threads/*")):
                time.sleep(0.001)
            run.kill()

    assert subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False).stdout == b"1\n"
    assert list(temporary.iterdir()) == []


def test_ctrl_c_at_a_question_of_setup_ends_it(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", "setup", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as run:
        said = b""
        while not said.endswith(b": "):
            said += os.read(ours, 1024)
        run.send_signal(signal.SIGINT)

        assert run.wait(60) == 130
    assert not (tmp_path / ".env").exists()
