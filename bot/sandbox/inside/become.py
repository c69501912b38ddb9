"""For a root bot without namespaces: `become.py UID COMMAND…` becomes that user and executes the command."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    uid = int(sys.argv[1])
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.execve(sys.argv[2], sys.argv[2:], {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
