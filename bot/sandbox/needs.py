"""What a script needs: read from its source before it runs, and from its traceback afterwards."""

from __future__ import annotations

import ast
import os
import re
import tomllib

from bot.sandbox.descriptors import FOLDER, opened, reading
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.tier import Script
from bot.sandbox.workspace import Workspace
from bot.thread.files import FileName
from bot.thread.outcomes import Execution, Outcome

FRESH = "# /// script\n# [tool.workings]\n# fresh = true\n# ///\n"
_MISSING = re.compile(r"^(?:ModuleNotFoundError: No module named|.*Missing optional dependency) '([\w.]+)'", re.M)
_METADATA = re.compile(r"^# /// script\s*\n((?:#.*\n)*?)# ///\s*$", re.M)  # PEP 723


def source(workspace: Workspace, script: Script) -> bytes:
    """Return the first 64 KB of a script, nothing of a toolkit; raises NoSuchFile when there is no such script, and OSError."""
    if script.name is None:
        return b""
    with opened(str(workspace.files), FOLDER) as root, reading(root, FileName(script.name)) as descriptor:
        return os.pread(descriptor, 1 << 16, 0)


def wants_fresh(source: bytes) -> bool:
    """Return whether a script asks in its inline metadata (PEP 723) for an interpreter that has loaded nothing."""
    if not (block := _METADATA.search(source.decode(errors="replace"))):
        return False
    try:
        metadata = tomllib.loads("".join(line[2:] for line in block[1].splitlines(keepends=True)))
    except tomllib.TOMLDecodeError:
        return False
    tools = metadata.get("tool")
    ours = tools.get("workings", tools.get("codebot")) if isinstance(tools, dict) else None  # or the earlier name
    return isinstance(ours, dict) and ours.get("fresh") is True


def imports(source: bytes) -> list[str]:
    """Return the packages that a script imports, sorted; none if it cannot be parsed, which its run will show."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return sorted({name.split(".")[0] for name in names})


def missing(execution: Execution) -> str:
    """Return the module that a script failed without, "" for any other end."""
    found = _MISSING.search(execution.stderr) if execution.outcome is Outcome.FAILED else None
    return found[1] if found else ""


def advice(execution: Execution, runtime: RuntimeBuild | None) -> str:
    """Return advice for a script that failed because a library or input was missing, "" for any other end."""
    if module := missing(execution):
        if runtime:
            return runtime.about(module)
        return f"{module.split('.')[0]} is not here: only the standard library is, and there is no network."
    if execution.outcome is Outcome.FAILED and "EOFError: EOF when reading a line" in execution.stderr:
        return "It asked for input (`input()`) and there was none. Say what it should read, or pass arguments."
    return ""
