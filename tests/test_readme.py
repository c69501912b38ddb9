"""The README says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from bot.settings import Settings

TOP = Path(__file__).parents[1]


def test_every_setting_stands_in_the_readme_with_its_words() -> None:
    text = (TOP / "README.md").read_text()

    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|[^|]*\| (.*) \|$", text, re.M))

    assert rows == {name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_a_default_in_the_readme_is_the_real_one() -> None:
    text = (TOP / "README.md").read_text()

    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | float | str) and not isinstance(field.default, bool) and field.default != "":
            assert re.search(rf"^\| `{name.upper()}` \| `{re.escape(str(field.default))}` \|", text, re.M), name


def test_both_commands_are_one_line_each() -> None:
    text = (TOP / "README.md").read_text()

    commands = re.findall(r"<!-- (demo|test) command -->\n```sh\n(python3 -m venv [^\n]*)\n```", text)

    assert [name for name, _ in commands] == ["demo", "test"]
