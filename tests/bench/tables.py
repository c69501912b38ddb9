"""Big tables: `python -m tests.bench tables` answers one question by a script of the planner's form, and by bare pandas beside it.

Each is a process of its own, so that what is imported counts; the least of three runs is taken.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.tier import PACKAGE
from tests.sandbox.test_fidelity import KEPT

MAKE = """
import numpy as np, pandas as pd
r, n = np.random.default_rng(1), 1_500_000
days = pd.Timestamp("2020-01-01") + pd.to_timedelta(r.integers(0, 1500, n), unit="D")
product = np.array([f"product-{i}" for i in range(500)])[r.integers(0, 500, n)]
note = np.array(["ordinary delivery", "express delivery", "none"])[r.integers(0, 3, n)]
t = pd.DataFrame({"day": days, "region": np.array(["North", "South"])[r.integers(0, 2, n)], "product": product,
                  "customer": r.integers(1, 300_000, n), "revenue": r.gamma(2, 50, n).round(2), "note": note})
t.to_csv("big.csv", index=False)
pd.concat([t, t]).to_parquet("big.parquet")
"""
OURS = "import tables\nt = tables.read({file!r})\nprint(t.groupby('region')['revenue'].sum())"
BARE = "import pandas\nt = pandas.read_{kind}({file!r})\nprint(t.groupby('region')['revenue'].sum())"


def main(arguments: list[str]) -> int:
    """Print the seconds of both, and their ratio, for a CSV of more than 82 MB and three million rows of parquet."""
    build = RuntimeBuild(KEPT)
    asyncio.run(build.build(print))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tables").symlink_to(PACKAGE / "tables")
        _seconds(MAKE, folder, str(build.current.site))
        for file, kind in (("big.csv", "csv"), ("big.parquet", "parquet")):
            size = (Path(folder) / file).stat().st_size / 1e6
            scripts = (OURS.format(file=file), BARE.format(file=file, kind=kind))
            ours, bare = (min(_seconds(s, folder, str(build.current.site)) for _ in range(3)) for s in scripts)
            print(f"{file} ({size:.0f} MB): tables {ours:.2f} s, bare pandas {bare:.2f} s, ratio {ours / bare:.2f}")
    return 0


def _seconds(script: str, folder: str, site: str) -> float:
    began = time.monotonic()
    environment = {"PYTHONPATH": f"{folder}:{site}"}
    subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began
