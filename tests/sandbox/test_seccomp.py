"""The table of system calls: each number belongs to its name, and no call leaves it unnoticed."""

import ctypes
import hashlib
import platform

import pytest

from bot.sandbox.inside import seccomp

X86_64 = 0xC000003E
UNKNOWN = -1  # to a libseccomp older than the call


def test_each_system_call_bears_its_own_number() -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp.so.2 is not installed")
    groups = [seccomp.RULED, seccomp.REFUSED]
    groups += [seccomp.REFUSED_WITHOUT_NAMESPACES, seccomp.IGNORED_WITHOUT_NAMESPACES]
    table = [(name, number) for group in groups for name, number in group.items()]

    resolved = {name: library.seccomp_syscall_resolve_name_arch(X86_64, name.encode()) for name, _ in table}

    known = [(name, number) for name, number in table if resolved[name] != UNKNOWN]
    assert known == [(name, resolved[name]) for name, _ in known]
    assert len(known) > 120
    assert len({number for _, number in table}) == len(dict(table)) == len(table)
    assert max(number for _, number in table) <= seccomp.NEWEST


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the table is that of x86-64")
def test_what_the_filter_refuses_changes_on_purpose_only() -> None:
    programs = seccomp.build() + seccomp.build(single_process=4321)

    # No other test names every refused call. Whoever changes the table says why, and pins the new programs here.
    assert hashlib.sha256(programs).hexdigest() == "34ad2b7b8c6f2904e4ac06f92db2421f0f0a36574d3802b3d668b5d989ca991d"
