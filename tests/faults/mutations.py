"""All mutations: importing this module registers them."""

from __future__ import annotations

from tests.faults import input_mutations, offset_mutations, state_mutations
from tests.faults.mutation import MUTATIONS

__all__ = ["MUTATIONS", "input_mutations", "offset_mutations", "state_mutations"]
