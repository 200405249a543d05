"""One customer: everything that the views say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from streams.dashboard.parameters import CHANNELS, chosen, text
from streams.dashboard.refusals import Refused
from streams.dashboard.subject import Answer, Look, Row, Views
from streams.dashboard.timeline import NO_END, events_page

STATE: Final = """
SELECT *, (SELECT as_of FROM v_clock) AS as_of FROM v_customer_360 WHERE customer_id = {id:String}
"""
PARTS: Final = {
    "windows": """
SELECT * FROM v_customer_windows
WHERE customer_id = {id:String}
ORDER BY channel, indexOf(['1h', '24h', '7d', '30d', '90d'], window_name)
""",
    "score_ledger": """
SELECT * FROM v_score_ledger
WHERE customer_id = {id:String}
    AND day > toDate((SELECT as_of FROM v_clock)) - 30
    AND day <= toDate((SELECT as_of FROM v_clock))
ORDER BY day DESC, points DESC, channel, type
""",
    "lead_ledger": """
SELECT * FROM v_lead_ledger WHERE customer_id = {id:String} ORDER BY occurred_at DESC, rule LIMIT 500
""",
    "transitions": """
SELECT * FROM v_transitions
WHERE customer_id = {id:String}
ORDER BY changed_at DESC, from_status, to_status
LIMIT 500
""",
    "orders": """
SELECT * FROM v_orders WHERE customer_id = {id:String} ORDER BY ordered_at DESC, order_id LIMIT 50
""",
}

#: However quiet the customer is, all is looked at again after so long.
_WHOLE_SECONDS: Final = 30.0


class Noted(NamedTuple):
    """When all was looked at (monotonic), and whether that look told nothing new."""

    at_seconds: float
    is_settled: bool


@dataclass(frozen=True)
class Customer:
    """`channel` chooses among the events; a score is explained by all channels."""

    customer_id: str
    channel: str

    every_seconds: ClassVar[float] = 1.0

    @classmethod
    def asked(cls, customer_id: str, query: Mapping[str, str]) -> Customer:
        return cls(text(customer_id, "customer id"), chosen(query, "channel", CHANNELS, ""))

    async def look(self, views: Views, last: Look | None) -> Look:
        """Whatever happens to a customer changes the row of v_customer_360, so that is looked at first.

        Some tables are written just behind that one: whole looks follow a change until nothing is new.
        """
        as_of, state = await self._state(views)
        now = time.monotonic()
        if last and state == last.answer["customer"] and _is_current(last.notes, now):
            return Look({**last.answer, "as_of": as_of}, last.notes)
        parts = await self._parts(views)
        answer = {"as_of": as_of, "customer": state, **parts}
        is_settled = last is not None and {**last.answer, "as_of": as_of} == answer
        return Look(answer, Noted(now, is_settled))

    async def _state(self, views: Views) -> tuple[str, Row]:
        found = await views.live.rows(STATE, id=self.customer_id)
        if not found:
            raise Refused(404, "there is no customer with this id; anonymous visitors are anon:ID")
        (row,) = found
        return str(row.pop("as_of")), row

    async def _parts(self, views: Views) -> Answer:
        page, rows = await asyncio.gather(
            events_page(views, self.customer_id, NO_END, self.channel),
            asyncio.gather(*(views.live.rows(sql, id=self.customer_id) for sql in PARTS.values())),
        )
        return {**dict(zip(PARTS, rows, strict=True)), **page}


def _is_current(noted: Noted, now: float) -> bool:
    return noted.is_settled and now - noted.at_seconds < _WHOLE_SECONDS
