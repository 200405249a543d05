"""A change of a customer's churn status, as it travels on `engagement.transitions`."""

from __future__ import annotations

import uuid
from enum import Enum
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_NAMESPACE: Final = uuid.UUID("6f1c1f0e-6a1b-5d0e-9a53-5b7c9f3d2a10")


class ChurnStatus(str, Enum):
    """How likely a customer is to come back; `prospect` has no order."""

    PROSPECT = "prospect"
    ACTIVE = "active"
    AT_RISK = "at_risk"
    CHURNED = "churned"
    WON_BACK = "won_back"


class StatusChanged(BaseModel):
    """A change of churn status, or with `is_retracted` the news that orders which came late have undone it.

    The topic is at-least-once: a change may come again, with the same `change_id`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    change_id: Annotated[str, Field(description="The same for customer, `changed_at` and `to_status`")]
    customer_id: str
    changed_at: Annotated[
        AwareDatetime, Field(description="When the condition became true: an order's time, or midnight UTC")
    ]
    from_status: ChurnStatus
    to_status: ChurnStatus
    reason: Annotated[str, Field(examples=["61 days since last order, expected 28"])]
    days_since_order: Annotated[int, Field(description="Whole days since the last purchase day")]
    expected_gap_days: Annotated[float, Field(description="Days within which an order was expected")]
    overdue_ratio: Annotated[float, Field(description="days_since_order / expected_gap_days")]
    is_retracted: bool = False

    def to_value(self) -> bytes:
        """The record's value, UTF-8 JSON."""
        return self.model_dump_json().encode()


def change_id(customer_id: str, changed_at_ms: int, to_status: str) -> str:
    """The deterministic id of a change."""
    return str(uuid.uuid5(_NAMESPACE, f"{changed_at_ms} {to_status} {customer_id}"))
