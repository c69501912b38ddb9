"""Attacks as an ordinary user's bot meets them: `python -m tests.sandbox.ordinary TIER DATA OUTSIDE` prints what each came to."""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.errors import SetupError
from bot.sandbox.limits import Limits
from bot.sandbox.sandboxes import open_sandboxes
from tests.sandbox.attacks import CALLS, LINKS, PROGRAMS, Attack
from tests.sandbox.tiers import ran

UID = 61_001  # whom nothing belongs to
LIMITS = Limits(seconds=30, memory=250_000_000, disk=20_000_000, output=100_000, inodes=2_000)
ALL_CALLS = "all calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What an attack came to."""

    outcome: str
    stdout: str


def attacks(tier: str) -> dict[str, Attack]:
    """Return the programs, and the calls as one of them, but for those that are harmless in this tier."""
    calls = "".join(f"exec({attack.script!r}, {{}})\n" for attack in CALLS.values() if tier not in attack.harmless)
    left = Attack(script=LINKS, outcomes=("succeeded",))
    return PROGRAMS | {ALL_CALLS: Attack(script=calls), "leave links, devices and hostile names": left}


async def met(tier: str, data: Path, outside: str) -> dict[str, Came]:
    """Run the attacks, each in a thread of its own, and return what they came to; raises SetupError."""
    came: dict[str, Came] = {}
    async with open_sandboxes(data, LIMITS, tier=tier, slots=2, warm=tier == "forkserver") as sandboxes:

        async def meet(name: str, attack: Attack) -> None:
            execution = await ran(sandboxes, attack.script, outside, ts=name, seconds=attack.seconds)
            came[name] = Came(outcome=str(execution.outcome), stdout=execution.stdout)

        async with asyncio.TaskGroup() as group:
            for name, attack in attacks(tier).items():
                group.create_task(meet(name, attack))
    return came


def main() -> int:
    """Print what the attacks came to as JSON, or why there is no sandbox."""
    tier, data, outside = sys.argv[1:]
    try:
        came = asyncio.run(met(tier, Path(data), outside))
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({name: asdict(each) for name, each in came.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
