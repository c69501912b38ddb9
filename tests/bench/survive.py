"""The whole crash and fault suites: `python -m tests.bench survive [STORY…] [--seed N]`; prints kills and faults by kind."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import time

from tests.survive.suites import STORIES

KINDS = ("lost", "twice", "apologised", "left standing", "left behind")


def main(arguments: list[str]) -> int:
    """Print what each story did and what was wrong at its end; 1 when anything was."""
    logging.disable(logging.ERROR)
    parser = argparse.ArgumentParser()
    parser.add_argument("stories", nargs="*", metavar="STORY", help=", ".join(STORIES))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    rng, failed = random.Random(asked.seed), False
    for name in asked.stories or STORIES:
        began = time.monotonic()
        wrong, done = asyncio.run(STORIES[name][1](rng))
        failed |= bool(wrong)
        counts = ", ".join(f"{number} {what}" for what, number in done.most_common())
        print(f"{name} ({time.monotonic() - began:.0f} s): {counts}")
        print(
            "  " + ", ".join(f"{kind}: {sum(w.startswith(kind) for w in wrong)}" for kind in KINDS),
            *wrong[:20],
            sep="\n  ",
            flush=True,
        )
    return int(failed)
