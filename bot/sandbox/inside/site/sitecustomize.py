"""Orders a script's import path: the standard library, the libraries, our tools, and the thread's own files last.

Last, so that a file that a thread calls json.py does not break every later run in it.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_behind = [p for p in (os.environ.pop("CODEBOT_SITE", ""), _here, os.environ.pop("CODEBOT_DATA", "")) if p]
sys.path[:] = [p for p in sys.path if p not in _behind] + _behind
os.environ.pop("PYTHONPATH", None)
os.environ.pop("PYTHONSAFEPATH", None)
del _here, _behind
