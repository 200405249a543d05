"""One customer: everything that the views say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from streams.dashboard.parameters import CHANNELS, chosen, text
from streams.dashboard.refusals import Refused
from streams.dashboard.subject import Answer, Look, Row, Views
from streams.dashboard.timeline import NO_END, events_page

STATE: Final = """
SELECT *, (SELECT as_of FROM v_clock) AS as_of FROM v_customer_360 WHERE customer_id = {id:String}
"""
TRANSITIONS: Final = """
SELECT * FROM v_transitions
WHERE customer_id = {id:String}
ORDER BY changed_at DESC, from_status, to_status
LIMIT 500
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
    "orders": """
SELECT * FROM v_orders WHERE customer_id = {id:String} ORDER BY ordered_at DESC, order_id LIMIT 50
""",
}

#: However quiet the customer is, all is looked at again after so long.
_WHOLE_SECONDS: Final = 30.0


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

        All but status changes, which are told a moment later.
        """
        (as_of, state), transitions = await asyncio.gather(
            self._state(views), views.live.rows(TRANSITIONS, id=self.customer_id)
        )
        fresh = {"as_of": as_of, "customer": state, "transitions": transitions}
        now = time.monotonic()
        if last and now - last.notes < _WHOLE_SECONDS:
            same = {**last.answer, "as_of": as_of}
            if {**same, **fresh} == same:
                return Look(same, last.notes)
        return Look({**fresh, **await self._parts(views)}, now)

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
