"""The whole crash and fault suites: `python -m tests.bench survive [STORY…] [--seed N]`; prints kills and faults by kind."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine

from tests.survive import suites
from tests.survive.suites import Ends


def main(arguments: list[str]) -> int:
    """Print what each story did and what was wrong at its end; 1 when anything was."""
    logging.disable(logging.ERROR)
    rng = random.Random()
    stories: dict[str, Callable[[], Coroutine[None, None, Ends]]] = {
        "points": lambda: suites.deaths_at_points(1),
        "random": lambda: suites.deaths_at_random(10, 5, 40, rng),
        "deploys": lambda: suites.deploys(10),
        "frozen": lambda: suites.frozen(30.0),
        "disk": lambda: suites.full_disk(8),
        "helpers": lambda: suites.helpers_killed(10),
        "faults-5": lambda: suites.spoiled(0.05, 10, 10, rng),
        "faults-10": lambda: suites.spoiled(0.1, 10, 10, rng),
        "faults-30": lambda: suites.spoiled(0.3, 10, 10, rng),
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("stories", nargs="*", choices=[[], *stories], default=[])
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    rng.seed(asked.seed)
    failed = False
    for name in asked.stories or stories:
        began = time.monotonic()
        wrong, done = asyncio.run(stories[name]())
        failed |= bool(wrong)
        counts = ", ".join(f"{number} {what}" for what, number in sorted(done.items(), key=lambda item: -item[1]))
        print(f"{name} ({time.monotonic() - began:.0f} s): {counts}", flush=True)
        kinds = ("lost", "twice", "apologised", "left standing", "left behind")
        print("  " + ", ".join(f"{kind}: {sum(w.startswith(kind) for w in wrong)}" for kind in kinds), flush=True)
        for what in wrong[:20]:
            print(f"  {what}")
    return int(failed)
