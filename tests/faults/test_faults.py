"""A few minutes of the fault suite; `make faults` runs all of it, with many seeds."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import SCENARIOS
from tests.faults.rig import Rig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SELECTED = [name for name, scenario in SCENARIOS.items() if scenario.selected]


@pytest.mark.parametrize("name", SELECTED)
def test_nothing_is_lost_or_counted_twice_after(rig: Rig, name: str) -> None:
    SCENARIOS[name].run(rig, 0)
