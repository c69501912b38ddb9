"""The values that the host and the processes inside send each other, encoded as JSON with the name of the type first.

Named tuples, not dataclasses: an interpreter is started for each cold run, and `dataclasses` would cost it a third of its start.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeVar


class BwrapRun(NamedTuple):
    """For launcher.py inside bwrap: a script for a fresh `python`, over an overlay of at most `disk` bytes in `inodes` files.

    Here and below, `limits` are by the name of their RLIMIT.
    """

    python: str
    script: str
    args: tuple[str, ...]
    env: dict[str, str]
    limits: dict[str, int]
    disk: int
    inodes: int


class LandlockRun(NamedTuple):
    """For launcher.py or a fork of the server in the landlock tier: a script that the process itself runs in `directory`.

    `path` is appended to `sys.path`. It may read and execute below `read`, and do anything but execute below `write`.
    """

    script: str
    args: tuple[str, ...]
    env: dict[str, str]
    limits: dict[str, int]
    directory: str
    path: tuple[str, ...]
    read: tuple[str, ...]
    write: tuple[str, ...]


class BwrapServer(NamedTuple):
    """For fork_server.py inside bwrap: what to import, and the limits of its runs, as in BwrapRun.

    `scratch` is the size of /tmp in bytes; with `proc`, each run gets a /proc of its own.
    """

    modules: tuple[str, ...]
    limits: dict[str, int]
    inodes: int
    scratch: int
    proc: bool


class ForkedRun(NamedTuple):
    """For a fork of the server inside bwrap: the script, and where the thread's `files` are in the folder of all threads."""

    files: str
    script: str
    args: tuple[str, ...]
    disk: int  # bytes of new files


class LandlockServer(NamedTuple):
    """For fork_server.py without namespaces: what to import, with what environment and what appended to `sys.path`."""

    modules: tuple[str, ...]
    env: dict[str, str]
    path: tuple[str, ...]


class Ready(NamedTuple):
    """Reported by a run that is set up (with the folders it may fill), by a server that has started, and by it for each fork."""


class Failed(NamedTuple):
    """Reported by a run that could not be set up, and by a server for a fork that failed."""

    error: str


class Exited(NamedTuple):
    """Reported for a script that has ended: its exit code, negative for a signal, and its own peak of memory in bytes."""

    exit_code: int
    peak_memory: int


Value = BwrapRun | LandlockRun | BwrapServer | ForkedRun | LandlockServer | Ready | Failed | Exited
Server = BwrapServer | LandlockServer
Kind = TypeVar("Kind", bound=Value)


def encode(value: Value) -> str:
    """Return a value as JSON."""
    return json.dumps([type(value).__name__, value._asdict()])


def decode(data: str | bytes, *kinds: type[Kind]) -> Kind:
    """Return the encoded value; raises ValueError when it is of none of these kinds, or has unknown or missing keys."""
    name, encoded = json.loads(data)
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in encoded.items()}
    for kind in kinds:
        if name == kind.__name__ and fields.keys() == set(kind._fields):
            return kind(**fields)
    raise ValueError(f"a {name} with {sorted(fields)} is none of {', '.join(kind.__name__ for kind in kinds)}")
