"""With pandas at hand, a table is the same as rows, as a small frame and as a big one."""

import os
import subprocess
from pathlib import Path

import pytest

from bot import tables
from bot.sandbox.runtime import RuntimeBuild
from bot.sandbox.tier import interpreter
from tests.sandbox.test_fidelity import KEPT

build = RuntimeBuild(KEPT)


@pytest.mark.skipif(not build.done(), reason="the libraries of scripts are not installed; tests/sandbox installs them")
def test_rows_and_frames_agree_on_generated_tables(tmp_path: Path) -> None:
    (tmp_path / "tables").symlink_to(Path(tables.__file__).parent)
    path = os.pathsep.join([str(build.current.site), str(tmp_path)])

    script = Path(__file__).with_name("agreeing.py")
    run = subprocess.run(
        [interpreter()[0], str(script), str(tmp_path)],
        env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (run.stdout, run.stderr) == ("compared\n", "")
