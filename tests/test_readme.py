"""The README and the pages say what the code says, and the two lists of pinned versions agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from bot.local.planner.requests import SENTENCE
from bot.settings import Settings

TOP = Path(__file__).parents[1]


def test_every_setting_stands_on_its_page_with_its_words() -> None:
    text = (TOP / ".github/OPERATION.md").read_text()

    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|[^|]*\| (.*) \|$", text, re.M))

    assert rows == {name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_a_default_on_the_page_is_the_real_one() -> None:
    text = (TOP / ".github/OPERATION.md").read_text()

    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | float | str) and not isinstance(field.default, bool) and field.default != "":
            assert re.search(rf"^\| `{name.upper()}` \| `{re.escape(str(field.default))}` \|", text, re.M), name


def test_the_readme_has_at_most_120_lines_and_the_planners_own_sentence() -> None:
    text = (TOP / "README.md").read_text()

    assert len(text.splitlines()) <= 120
    assert SENTENCE in " ".join(text.split())


def test_both_commands_are_one_line_each() -> None:
    text = (TOP / "README.md").read_text()

    commands = re.findall(r"<!-- (demo|test) command -->\n```sh\n(python3 -m venv [^\n]*)\n```", text)

    assert [name for name, _ in commands] == ["demo", "test"]


def test_scripts_and_the_bot_pin_the_same_version_of_a_library() -> None:
    # uv holds scripts to the bot's constraints as well, where it is started in a clone.
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    constraints = dict(pin.split("==") for pin in project["tool"]["uv"]["constraint-dependencies"])

    libraries = dict(re.findall(r"^([\w.-]+)==(\S+)", (TOP / "bot/sandbox/runtime.txt").read_text(), re.M))

    shared = libraries.keys() & constraints.keys()
    assert shared
    assert {name: libraries[name] for name in shared} == {name: constraints[name] for name in shared}


def test_every_file_that_a_page_names_is_there() -> None:
    pages = [TOP / "README.md", *sorted((TOP / ".github").glob("*.md"))]

    named = {
        path for page in pages for path in re.findall(r"[`(](?:\.\./)?((?:bot|tests|\.github)/[\w./]*\w)(?:`|\))", page.read_text())
    }

    assert len(named) > 20
    assert {path for path in named if not (TOP / path).exists()} == set()
