"""How a run ended is known from the signal that ended it, and said in words."""

from pathlib import Path

import pytest

from bot.sandbox.limits import Limits
from bot.thread.outcomes import Outcome
from tests.sandbox.tiers import ran, way


@pytest.mark.parametrize(
    ("signal", "outcome", "message"),
    [
        ("SIGXCPU", Outcome.TIMED_OUT, "It ran longer than 20 s and was ended."),
        ("SIGXFSZ", Outcome.DISK_FULL, "It wrote more than 128 MB of new files, or more than 4,096 of them."),
        ("SIGKILL", Outcome.KILLED, "It was killed by itself, or from outside its sandbox, as when the machine's memory runs out."),
        ("SIGTERM", Outcome.FAILED, "It was ended by the signal SIGTERM."),
    ],
)
async def test_the_signal_that_ends_a_script_says_what_it_met(signal: str, outcome: Outcome, message: str, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        f"if '{signal}' != 'SIGKILL': signal.signal(signal.{signal}, signal.SIG_DFL)\n"
        f"os.kill(os.getpid(), signal.{signal})"
    )
    async with way("forkserver", tmp_path, Limits(seconds=20)) as sandboxes:
        execution = await ran(sandboxes, script)

    assert (execution.outcome, execution.message) == (outcome, message), execution
