"""How templates group on LogHub's labelled samples, beside drain3: `python -m tests.bench grouping [--loghub DIR]`.

Both read the raw lines with one setting for all systems. The measure is grouping accuracy: the share of lines in groups that
hold exactly the lines of one true group.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from tests.bench.logs import drain3
from tests.logs.test_score import LOGHUB, grouping_accuracy, samples, templates_of

DRAIN = """
import sys
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig
config = TemplateMinerConfig(); config.profiling_enabled = False
miner = TemplateMiner(config=config)
lines = open(sys.argv[1], encoding="utf-8", errors="replace", newline="\\n").read().split("\\n")[:int(sys.argv[2])]
print(*[miner.add_log_message(line.rstrip())["cluster_id"] for line in lines])
"""


def main(arguments: list[str]) -> int:
    """Print a row for each system, and the mean."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--loghub", type=Path, default=LOGHUB)
    asked = parser.parse_args(arguments)
    if not asked.loghub.is_dir():
        print(f"There are no samples in {asked.loghub}; give the folder with --loghub.")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        drain = drain3(Path(folder) / "drain")
        rows = []
        for log, true in samples(asked.loghub):
            ours = grouping_accuracy(templates_of(log, len(true)), true)
            theirs = 0.0
            if drain:
                command = [str(drain), "-c", DRAIN, str(log), str(len(true))]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                theirs = grouping_accuracy(list(said.split()), true)
            rows.append((log.parent.name, ours, theirs))
    print(f"{'system':14}{'ours':>8}{'drain3':>8}")
    means = (sum(r[1] for r in rows) / len(rows), sum(r[2] for r in rows) / len(rows))
    for name, ours, theirs in [*rows, ("mean", *means)]:
        print(f"{name:14}{ours:8.3f}{theirs:8.3f}")
    return 0
