"""All scenarios: importing this module registers them."""

from __future__ import annotations

from tests.faults import input_scenarios, network_scenarios, process_scenarios, server_scenarios
from tests.faults.scenario import SCENARIOS

__all__ = ["SCENARIOS", "input_scenarios", "network_scenarios", "process_scenarios", "server_scenarios"]
