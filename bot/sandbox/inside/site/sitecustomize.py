"""Orders the import path of a Python in the sandbox: the standard library, the libraries, our tools, the thread's files.

The thread's files come late, so that a json.py among them does not break every later run; the script's own folder is last.
"""

import os
import sys

_script = next((word for word in sys.orig_argv[1:] if not word.startswith("-")), "")
_behind = ["/opt/site", os.path.dirname(os.path.abspath(__file__)), "/mnt/data"]
if _script.startswith("/mnt/data/") and os.path.dirname(_script) not in _behind:
    _behind.append(os.path.dirname(_script))
sys.path[:] = [p for p in sys.path if p not in _behind] + _behind
os.environ.pop("PYTHONSAFEPATH", None)  # for the script only, not for programs that it starts
del _script, _behind
