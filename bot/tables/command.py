"""The command `tables`: profiles tables, from a terminal and inside the sandbox."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from .api import profile
from .profiles import Profile, told
from .records import is_log
from .sources import TableError, may_hold_table

NO_PANDAS = "Scripts cannot import pandas yet; those of the standard library run."
IS_LOG = "“{name}” is a log."
HERE = Path("logs.index")  # hidden in a thread's workspace, beside the indexes of logs


def main(arguments: Sequence[str] | None = None, *, kept: Path | None = None) -> int:
    """Run the command, with profiles kept in a folder; return 0, 1 for a file that is no table, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="tables", description="Tables of any form, profiled without a model.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="profile")
    one = commands.add_parser("profile", help="rows, columns, types, ranges, missing and unreadable cells")
    one.add_argument("files", nargs="+", metavar="FILE")
    one.add_argument("--sheet", help="the sheet of a workbook; by default the first that holds a table")
    one.add_argument("--find", action="append", default=[], metavar="PHRASE", help="say where a phrase stands as a value")
    one.add_argument("--libraries", action="store_true", help="say so when scripts cannot import pandas yet")
    one.add_argument("--unless-log", action="store_true", help="refuse what is a log")
    one.add_argument("--insist", action="store_true", help="fail where a library is missing, for who can wait for it")
    one.add_argument("--json", action="store_true", help="print JSON")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    code = 0
    if options.libraries and find_spec("pandas") is None:
        print(NO_PANDAS, file=sys.stderr)
    for file in options.files:
        try:
            if options.unless_log and is_log(file):
                raise TableError(IS_LOG.format(name=Path(file).name))
            found = profile(file, sheet=options.sheet, find=options.find, index=kept or HERE)
            if options.unless_log and may_hold_table(file) and _is_prose(found):
                raise TableError(f"“{Path(file).name}” holds no table.")
        except TableError as error:
            print(error, file=sys.stderr)
            code = 1
        except ModuleNotFoundError as error:
            if options.insist or error.name not in {"pandas", "numpy", "openpyxl", "pyarrow"}:
                raise  # whoever runs the sandbox knows whether it is being installed
            print(f"“{Path(file).name}” needs {error.name} to be read, which is not installed here.", file=sys.stderr)
            code = 1
        else:
            print(json.dumps(asdict(found), ensure_ascii=False) if options.json else told(found))
    return code


def _is_prose(found: Profile) -> bool:
    """Return whether a text, whose name does not say that it is a table, was cut at the commas of sentences."""
    return found.rows < 2 or ("by ," in found.form and all(column.kind in {"text", "empty"} for column in found.columns))
