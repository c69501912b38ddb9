"""Writes generated logs to a folder and prints what is true of them as JSON."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from tests.logs.incidents.big import LAYOUTS, big
from tests.logs.incidents.catalogue import catalogue
from tests.logs.incidents.truth import Quiet
from tests.logs.incidents.write import write


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.logs.incidents", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="write the log of this name")
    parser.add_argument("--big", type=int, metavar="BYTES", help="write one log of this size instead")
    parser.add_argument("--format", choices=sorted(LAYOUTS), default="iso", help="the format of the big log")
    parser.add_argument("--seed", type=int, default=7, help="the seed of the big log")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    truths: list[Quiet]
    if args.big:
        truths = [big(args.folder / f"big-{args.format}.log", args.big, args.format, args.seed)]
    else:
        truths = [write(spec, args.folder) for spec in catalogue() if args.only in (None, spec.name)]
    print(json.dumps([asdict(truth) for truth in truths], indent=1, default=str))


if __name__ == "__main__":
    main()
