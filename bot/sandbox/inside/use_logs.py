"""Runs the log toolkit on the files of the working directory: `use_logs.py COMMAND FILE…`."""

import sys

from logs.command import main

sys.exit(main(sys.argv[1:]))
