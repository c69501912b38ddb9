"""The command line, and what the base install leaves out."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bot.__main__ import app


@pytest.mark.parametrize("command", ["demo", "local"])
@pytest.mark.parametrize("missing", ["nh3", "yaml", "bot.local"])
def test_without_the_extra_a_local_command_says_in_one_line_what_to_install(
    command: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    result = CliRunner().invoke(app, [command])

    assert result.exit_code == 2
    assert result.stderr == "workings: The local workspace is an extra: install it with `uv sync --extra demo`.\n"


def test_the_help_names_every_command_in_a_sentence() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"})

    commands = [line.strip("│ ").split()[0] for line in result.stdout.splitlines() if line.startswith("│ ")]
    assert [c for c in commands if c.isalpha()] == [
        "demo",
        "local",
        "serve",
        "run",
        "logs",
        "tables",
        "setup",
        "doctor",
    ]


def test_the_bot_itself_needs_neither_the_stand_ins_nor_the_extra() -> None:
    script = r"""
import importlib, pkgutil, re, sys
sys.modules.update({name: None for name in ("bot.local", "nh3", "yaml")})
import bot
for module in pkgutil.walk_packages(bot.__path__, "bot.", onerror=lambda name: None):
    if not re.match(r"bot\.(local|sandbox\.inside|logs\.__main__|tables\.(__main__|frames))", module.name):
        importlib.import_module(module.name)
print(*sorted(name for name in sys.modules if name in ("bot.app", "bot.doctor", "bot.__main__")))
"""

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (result.stdout, result.stderr) == ("bot.__main__ bot.app bot.doctor\n", "")
