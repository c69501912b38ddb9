"""What an attack is: a hostile script, how it may end in a sandbox, and what shows that it succeeds without one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.sandbox.bare import Bare

BROKEN = "BROKEN"


def says_so(bare: Bare) -> bool:
    """It printed that it succeeded."""
    return BROKEN in bare.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A script; `outcomes` count as contained; `harmless` are tiers where BROKEN is no breach, with the reason."""

    script: str
    outcomes: tuple[str, ...] = ("succeeded", "failed")
    harmless: Mapping[str, str] = field(default_factory=dict)
    succeeded: Callable[[Bare], bool] = says_so

    @property
    def seconds(self) -> float:
        """How long it may run: briefly where it would run for ever, else long enough for a busy machine."""
        return 4.0 if self.outcomes == ("timed out",) else 30.0
