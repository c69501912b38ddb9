"""Executes a command as an unprivileged user, for a root bot: `switch_user.py UID SOURCE… -- COMMAND…`.

Sources that the user could not reach, such as a data folder or an interpreter below /root, are bind-mounted as /mnt/0, /mnt/1, …
in a private mount namespace first. Without any it needs no privilege but to change its user.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

TYPE_CHECKING = False  # to import typing would slow every start down
if TYPE_CHECKING:
    from bot.sandbox.inside import kernel
else:
    import kernel

MOUNTS = "/mnt"


def main() -> None:
    """Execute the command as the user; end with 125 and a line on stderr when that is impossible."""
    end = sys.argv.index("--")
    uid, sources, command = int(sys.argv[1]), sys.argv[2:end], sys.argv[end + 1 :]
    try:
        if sources:
            _bind_mount(sources)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        kernel.die_with_parent()
        kernel.no_new_privileges()
        os.execve(command[0], command, {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
    except OSError as error:
        print(f"cannot switch the user: {error}", file=sys.stderr)
        os._exit(125)


def _bind_mount(sources: list[str]) -> None:
    kernel.unshare_mounts()
    kernel.mount("tmpfs", MOUNTS, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=1m")
    for number, source in enumerate(sources):
        target = f"{MOUNTS}/{number}"
        if os.path.isdir(source):
            os.mkdir(target)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)


if __name__ == "__main__":
    main()
