"""All checks, as one command: `python -m tests [--all | --rest] [--coverage] [pytest arguments]`.

The tests are the short lane: every room, each attack in the best tier, each contract on every adapter. `--all` runs the full
matrix instead, `--rest` only what the short lane leaves out. Arguments that begin with neither go to pytest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from coverage import Coverage

PYTHON = sys.executable
TOP = Path(__file__).resolve().parent.parent
CHECKS = {
    "lint": ("-m", "ruff", "check", "."), "format": ("-m", "ruff", "format", "--check", "."), "types": ("-m", "mypy"),
    "imports": ("-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"),
}  # fmt: skip
PARALLEL = ("-n", "auto", "--dist", "worksteal")  # one worker for each core; `-n 0` after it takes that back
LANES = {"short": ("-m", "not matrix"), "rest": ("-m", "matrix"), "all": ()}


def main() -> int:
    """Run every check and return 0 when all pass; a failing one does not hide the next."""
    parser = argparse.ArgumentParser(prog="python -m tests", allow_abbrev=False, description=__doc__.split("\n")[0])
    lane = parser.add_mutually_exclusive_group()
    lane.add_argument("--all", dest="lane", action="store_const", const="all", help="run the full matrix")
    lane.add_argument("--rest", dest="lane", action="store_const", const="rest", help="run what the short lane leaves out")
    parser.add_argument("--coverage", action="store_true", help="say which files of bot/ are covered by less than 90 %%")
    options, more = parser.parse_known_args()
    name = options.lane or "short"

    checks = {} if name == "rest" else dict(CHECKS)
    checks["tests"] = ("-m", "pytest", *PARALLEL, "--durations=10", *LANES[name], *more)
    with tempfile.TemporaryDirectory(prefix="workings-coverage-") as folder:
        environment = dict(os.environ)
        if options.coverage:
            environment["COVERAGE_FILE"] = f"{folder}/coverage"
            checks["tests"] += ("--cov=bot", "--cov-report=")
        failed = []
        for check, words in checks.items():
            print(f"== {check}", flush=True)
            if subprocess.run([PYTHON, *words], cwd=TOP, env=environment, check=False).returncode:
                failed.append(check)
        if options.coverage:
            print_coverage(Path(folder, "coverage"))
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed", flush=True)
    return 1 if failed else 0


def print_coverage(data: Path) -> None:
    """Print each file of which less than 90 % of the statements ran, the least first, and the total."""
    coverage = Coverage(data_file=data)
    coverage.load()
    rows, total, missed = [], 0, 0
    for name in coverage.get_data().measured_files():
        _, statements, _, missing, _ = coverage.analysis2(name)
        total, missed = total + len(statements), missed + len(missing)
        if statements and len(missing) > 0.1 * len(statements):
            rows.append((100 - 100 * len(missing) / len(statements), os.path.relpath(name, TOP)))
    for share, name in sorted(rows):
        print(f"{share:5.1f} % {name}")
    print(f"{100 - 100 * missed / max(total, 1):5.1f} % of bot/")


if __name__ == "__main__":
    sys.exit(main())
