"""The border between the host and the processes inside: what one side encodes the other decodes, and nothing else."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.inside import plan
from bot.sandbox.sandboxes import TIERS
from bot.settings import Settings

KINDS: tuple[Any, ...] = (
    plan.BwrapRun, plan.LandlockRun, plan.BwrapServer, plan.ForkedRun, plan.LandlockServer, plan.Ready, plan.Failed,
    plan.Exited,
)  # fmt: skip
READY = plan.encode(plan.Ready())
EXITED: list[Any] = json.loads(plan.encode(plan.Exited(exit_code=0, peak_memory=1)))


@given(st.one_of(*(st.from_type(kind) for kind in KINDS)))
def test_a_value_arrives_as_it_was_sent(value: Any) -> None:
    arrived = plan.decode(plan.encode(value).encode(), type(value))

    assert (type(arrived), arrived) == (type(value), value)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (json.dumps([EXITED[0], EXITED[1] | {"pid": 1}]), plan.Exited),
        (json.dumps([EXITED[0], {"exit_code": 0}]), plan.Exited),
        (json.dumps(["Unheard", EXITED[1]]), plan.Exited),
        (READY, plan.Exited),
        ("{}", plan.Ready),
        ('["Ready"]', plan.Ready),
        ('{"ready": true}', plan.Ready),
        ("ready", plan.Ready),
    ],
)
def test_unknown_and_missing_keys_and_other_kinds_are_refused(data: str, kind: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        plan.decode(data, kind)


def test_one_of_several_kinds_is_told_by_its_name() -> None:
    assert plan.decode(READY, plan.Failed, plan.Exited, plan.Ready) == plan.Ready()


def test_the_setting_names_every_tier() -> None:
    assert get_args(Settings.model_fields["sandbox_tier"].annotation) == ("auto", *TIERS)
    assert all(kind.name == name and kind.advice for name, kind in TIERS.items())
