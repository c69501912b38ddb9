"""Calls of the kernel that a script has no use for, each with what makes it matter."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from tests.sandbox.attacks.attack import Attack

_READ = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
_LAUNCHER = dict.fromkeys(("forkserver", "bwrap"), "the parent that it sees is the launcher, in the same sandbox")


def _calling(code: str, harmless: Mapping[str, str]) -> Attack:
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return Attack(script=_READ["before"] + body + _READ["after"], harmless=harmless)


CALLS = {
    **{name: _calling(code, {}) for name, code in _READ["calls"].items()},
    **{name: _calling(code, _LAUNCHER) for name, code in _READ["parent"].items()},
}
