"""Two of the mutations; `make mutations` runs all of them."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import SCENARIOS
from tests.faults.mutation_check import run
from tests.faults.mutations import MUTATIONS
from tests.faults.rig import Rig


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_says_what_it_is_and_names_scenarios_that_exist(name: str) -> None:
    mutation = MUTATIONS[name]
    assert mutation.switches_off
    assert mutation.attempts
    assert {attempt.scenario for attempt in mutation.attempts} <= SCENARIOS.keys()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("committed before the inserts", "lost: events that are no facts"),
        ("replayed rows not written again", "wrong: customer_daily and the oracle"),
    ],
)
def test_without_a_measure_the_suite_fails(servers: Rig, name: str, finding: str) -> None:
    assert run(servers, MUTATIONS[name], MUTATIONS[name].attempts[0]).startswith(finding)
