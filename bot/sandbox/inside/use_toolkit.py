"""Runs a toolkit on the files of the working directory: `use_toolkit.py logs|tables COMMAND FILE…`."""

import sys
from importlib import import_module

sys.exit(import_module(f"{sys.argv[1]}.command").main(sys.argv[2:]))
