"""Which tests a change waits for, and which are left to the full matrix: it is decided here and nowhere else."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.tiers import WAYS, dump_probes, load_probes, probed

HERE = Path(__file__).parent
LEFT_TO_THE_MATRIX = {  # beside the ways
    "test_without_a_defence_the_attack_succeeds": "only a change of an attack can make it fail",
    "test_nine_of_ten_planted_incidents_are_found_and_quiet_logs_have_none": "two minutes of a processor for one figure",
    "test_the_first_click_of_the_first_start_ends_in_a_picture": "it installs the libraries over the network",
    "test_a_newcomer_walks_the_page": "two minutes for four walks, of which other tests of the page go parts",
    "test_two_hundred_megabytes_packed_give_a_profile_and_a_chart": "a minute for what smaller logs show as well",
    "test_the_short_lane_has_each_attack_in_one_way_and_each_contract_on_every_adapter": "it collects the tests twice more",
}


# They start as many processes as they can. The landlock tier has no namespace, and the kernel counts them against its runs, too.
TAKE_ALL_PROCESSES = {
    "fork without end", "fork in every fork", "start threads without end", "allocate in many processes",
    "test_a_run_has_its_threads_though_another_has_taken_all_of_its_own",
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a sandbox, what needs a browser, and what is left to the full matrix.

    A test of several ways in which runs are carried out stays in the short lane in the best that works on this machine; a
    contract stays in it on every adapter.
    """
    tests = [item for item in items if isinstance(item, pytest.Function)]
    best: dict[object, str] = {}
    for test in tests:
        room, way = test.path.relative_to(HERE).parts[0], _way(test)
        if test.path.name.startswith("test_page"):
            test.add_marker("page")
        if room == "sandbox" or way:
            test.add_marker("sandbox")
        if way and room != "contracts" and probed()[WAYS[way][0]].works:
            best[_case(test)] = min(way, best.get(_case(test), way), key=list(WAYS).index)
        if iscoroutinefunction(test.function) and any(name.startswith("serving") for name in test.fixturenames):
            # Its sandboxes live as long as the module, and so must the loop that they live in.
            test.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
    for test in tests:
        if test.originalname in LEFT_TO_THE_MATRIX or _way(test) != best.get(_case(test), _way(test)):
            test.add_marker("matrix")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what is found out once in a session: what the machine's sandboxes can do."""
    node.workerinput["probes"] = dump_probes()


def pytest_configure(config: pytest.Config) -> None:
    """Take over, in a worker, what it was told."""
    load_probes(getattr(config, "workerinput", {}).get("probes", {}))


@pytest.fixture(autouse=True)
def _processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep what takes all processes from the runs of another worker that would go without."""
    test = request.node
    takes_all = not TAKE_ALL_PROCESSES.isdisjoint({test.originalname, *map(str, _parameters(test).values())})
    if not takes_all and not _way(test).startswith("landlock"):
        yield
        return
    with (Path(tempfile.gettempdir()) / f"workings-tests-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if takes_all else fcntl.LOCK_SH)
        yield


def _way(test: pytest.Function) -> str:
    """Return the way in which the runs of a test are carried out; an empty string when that is not what it varies."""
    return next((value for value in _parameters(test).values() if value in tuple(WAYS)), "")


def _case(test: pytest.Function) -> tuple[object, ...]:
    """Return what is tested, whatever the way."""
    others = ((name, str(value)) for name, value in _parameters(test).items() if value not in tuple(WAYS))
    return test.path, test.originalname, tuple(sorted(others))


def _parameters(test: pytest.Function) -> dict[str, Any]:
    return dict(test.callspec.params) if hasattr(test, "callspec") else {}
