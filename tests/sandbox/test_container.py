"""The seccomp profile for containers: without any privilege the best tiers work under it, and what none needs is refused."""

import asyncio
import ctypes
import errno
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.limits import Limits
from bot.sandbox.sandboxes import probe
from bot.sandbox.tier import BindMounts, interpreter

Rules = list[dict[str, Any]]

TOP = Path(__file__).parents[2]
PROFILE: Rules = json.loads((TOP / "bot/sandbox/container_seccomp.json").read_text())["syscalls"]
# As Docker's default has it: clone makes no namespaces, and glibc is told to use it instead of clone3.
DEFAULT: Rules = [
    *(rule for rule in PROFILE if "unshare" not in rule["names"]),
    {"names": ["clone"], "args": [{"index": 0, "value": 0x7E020000, "op": "SCMP_CMP_MASKED_EQ"}]},
    {"names": ["clone3"], "errnoRet": errno.ENOSYS},
]
COMPARISONS = {"SCMP_CMP_NE": 1, "SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
ORDINARY = "keyctl", "process_vm_readv", "ptrace"  # a process without privilege has a use for them
PRIVILEGED = (
    "add_key", "bpf", "delete_module", "finit_module", "fsopen", "init_module", "io_uring_enter", "io_uring_register",
    "io_uring_setup", "kexec_file_load", "kexec_load", "move_mount", "open_by_handle_at", "open_tree", "perf_event_open",
    "pidfd_getfd", "process_vm_writev", "quotactl", "reboot", "request_key", "settimeofday", "swapon", "userfaultfd",
)  # fmt: skip


try:
    SECCOMP = ctypes.CDLL("libseccomp.so.2")
except OSError:
    pytest.skip("libseccomp.so.2 is not installed", allow_module_level=True)
SECCOMP.seccomp_init.restype = ctypes.c_void_p


class Argument(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint), ("op", ctypes.c_int), ("value", ctypes.c_uint64), ("value_two", ctypes.c_uint64),
    )  # fmt: skip


def load(rules: Rules) -> None:
    """Put this process and its children under the rules, without new privileges; all else is EPERM."""
    context = ctypes.c_void_p(SECCOMP.seccomp_init(ERRNO | errno.EPERM))
    for rule in rules:
        action = ERRNO | rule["errnoRet"] if "errnoRet" in rule else ALLOW
        compared = [Argument(a["index"], COMPARISONS[a["op"]], a["value"], 0) for a in rule.get("args", ())]
        for name in rule["names"]:
            number = SECCOMP.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:  # a library older than the call does not know it
                array = (Argument * len(compared))(*compared)
                assert SECCOMP.seccomp_rule_add_array(context, action, number, len(compared), array) == 0, name
    assert SECCOMP.seccomp_load(context) == 0


def refused(names: tuple[str, ...]) -> list[str]:
    """The calls, of those given, that are answered with EPERM whatever they are asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = {name: SECCOMP.seccomp_syscall_resolve_name(name.encode()) for name in names}
    return [n for n in names if libc.syscall(numbers[n], -1, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM]


def confined(rules: Rules | None, task: str) -> Any:
    """Do a task in a process of its own, as an ordinary user, under the rules or none: probe a tier, or try the calls."""
    python, prefix = interpreter()
    root = os.geteuid() == 0
    at = BindMounts(lambda _: root)
    top, packages = at(TOP), at(sysconfig.get_path("purelib"))
    words = ["/usr/bin/env", f"PYTHONPATH={top}:{packages}", f"{at(prefix)}/{os.path.relpath(python, prefix)}"]
    words += ["-B", f"{top}/tests/sandbox/{Path(__file__).name}", json.dumps([rules, task])]
    command = at.command(words) if root else words
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if done.returncode in (125, 127):
        pytest.skip(f"an ordinary user cannot run our Python: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def main() -> None:
    rules, task = json.loads(sys.argv[1])
    if rules is not None:
        load(rules)
    if task == "calls":
        print(json.dumps(refused(ORDINARY + PRIVILEGED)))
    else:
        print(json.dumps(asyncio.run(probe(task, Limits())).works))


@pytest.mark.parametrize(("tier", "without"), [("forkserver", False), ("bwrap", False), ("landlock", True)])
def test_every_tier_works_under_the_profile_and_landlock_without_its_namespace_calls(tier: str, without: bool) -> None:
    if not confined(None, tier):
        pytest.skip(f"{tier} does not work on this machine for an ordinary user")

    assert confined(PROFILE, tier)
    assert confined(DEFAULT, tier) == without


def test_what_no_container_needs_is_refused() -> None:
    assert not set(confined(None, "calls")) & set(ORDINARY)
    assert confined(PROFILE, "calls") == [*ORDINARY, *PRIVILEGED]


if __name__ == "__main__":
    main()
