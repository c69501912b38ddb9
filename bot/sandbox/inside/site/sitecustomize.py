"""Orders a script's import path: the standard library, the libraries, our tools, and the thread's own files last.

Last, so that a file that a thread calls json.py does not break every later run in it. What else is installed on this machine
is not for scripts.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_behind = [p for p in (os.environ.pop("CODEBOT_SITE", ""), _here, os.environ.pop("CODEBOT_DATA", "")) if p]
_others = ("site-packages", "dist-packages")
sys.path[:] = [p for p in sys.path if p not in _behind and os.path.basename(p) not in _others] + _behind
os.environ.pop("PYTHONPATH", None)
os.environ.pop("PYTHONSAFEPATH", None)
del _here, _behind, _others
