"""All checks, as one command: `python -m tests [pytest arguments]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PYTHON = sys.executable
TOP = Path(__file__).resolve().parent.parent
CHECKS = (
    ("lint", [PYTHON, "-m", "ruff", "check", "."]),
    ("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
    ("types", [PYTHON, "-m", "mypy"]),
    ("imports", [PYTHON, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"]),
    ("tests", [PYTHON, "-m", "pytest", *sys.argv[1:]]),
)


def main() -> int:
    """Run every check and return 0 when all pass; a failing one does not hide the next."""
    failed = []
    for name, command in CHECKS:
        print(f"== {name}", flush=True)
        if subprocess.run(command, cwd=TOP, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
