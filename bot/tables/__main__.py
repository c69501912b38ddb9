"""`python -m tables`."""

import sys

from .command import main

sys.exit(main())
