"""Programs that reach for what is not theirs, or take more than they may."""

import tomllib
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from tests.sandbox.attacks.attack import Attack, says_so
from tests.sandbox.bare import OUTPUT, Bare

_SHOWN: dict[str, Callable[[Bare], bool]] = {
    "": says_so,
    "whole_output": lambda bare: len(bare.stdout) == OUTPUT,
    "much_output": lambda bare: len(bare.stdout) >= OUTPUT // 2,
    **{name: attrgetter(name) for name in ("killed_bot", "late", "left", "stubborn")},
}
PROGRAMS = {
    name: Attack(
        script=program["script"],
        outcomes=tuple(program.get("outcomes", ("succeeded", "failed"))),
        succeeded=_SHOWN[program.get("shown", "")],
    )
    for name, program in tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).items()
}
