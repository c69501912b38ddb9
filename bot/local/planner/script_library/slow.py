"""A run that takes its time."""

from __future__ import annotations

import time


def count_slowly(seconds: int) -> None:
    """Print a number each second: something to stop."""
    for n in range(1, seconds + 1):
        print(f"{n} of {seconds}", flush=True)
        time.sleep(1)
    print("Done.")
