"""Where the program begins. All that takes time to import is imported below, when Ctrl-C already ends it without a traceback."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line and exit with its code; 130 when Ctrl-C ended it."""
    before = signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))  # there is nothing to clean up yet
    from bot import commands

    signal.signal(signal.SIGINT, before)
    sys.exit(commands.main())


if __name__ == "__main__":
    main()
