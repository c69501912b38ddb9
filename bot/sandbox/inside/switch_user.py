"""For a root bot: `switch_user.py PLAN`. Shows the folders of a plan to an unprivileged user as /mnt/0, /mnt/1, … in a private
mount namespace, becomes that user, and executes the plan's command. Without folders it needs no privilege but to change its user.

The user could not reach them otherwise: a data folder or an interpreter below /root is closed to it.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel

STAGE = "/mnt"


def main() -> None:
    """Carry out the plan; ends with 125 and a line on stderr when that cannot be done."""
    plan = json.loads(sys.argv[1])
    try:
        if plan["shown"]:
            _show(plan["shown"])
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
        kernel.die_with_parent()
        kernel.no_new_privileges()
        command = plan["command"]
        os.execve(command[0], command, {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
    except OSError as error:
        print(f"cannot stage: {error}", file=sys.stderr)
        os._exit(125)


def _show(folders: list[str]) -> None:
    kernel.unshare_mounts()
    kernel.mount("tmpfs", STAGE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=1m")
    for number, source in enumerate(folders):
        target = f"{STAGE}/{number}"
        if os.path.isdir(source):
            os.mkdir(target)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)


if __name__ == "__main__":
    main()
