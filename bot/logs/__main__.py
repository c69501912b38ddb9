"""`python -m logs`."""

import sys

from .command import main

sys.exit(main())
