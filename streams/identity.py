"""Identity: an anonymous visitor becomes a customer, whose rows are then what they would have been had all
of the visitor's events carried the customer's id.

The facts hold everything, as sent: events, and claims among them. So nothing is moved; owners tell one
another through `engagement.rekeyed` to look at the facts anew, and every answer is absolute:

1. Whoever owns a customer tells the owner of the claimed visitor that there is a claim among the facts.
2. The visitor's owner computes the links from all claims, writes them to `identity_links`, empties the
   visitor's own rows, and tells the owners of all customers concerned.
3. The customer's owner folds the customer anew from the facts of the customer and the linked visitors.
4. From then on the visitor's owner forwards the visitor's events to the customer's owner, under their
   source coordinates.

Each step comes after what it builds on is durable, and is repeated by whoever reads the same records again.
A forwarded event that no link covers is left alone: links have changed since, and 3 has seen to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.fields import ANONYMOUS_PREFIX
from schemas.rows import IdentityLinkRow
from schemas.topics import REKEYED, partition_of
from streams.churn import Churn
from streams.core import five_cells, project
from streams.core.dedupe import DedupeLimits
from streams.core.five_cells import FiveCell
from streams.core.fold import Customer
from streams.core.identity import Link, links_of, owner_at
from streams.core.refold import Bucket, Refolded, append_order, refold
from streams.core.state import CHANNEL_BITS, CHANNEL_INDEX, DayCell
from streams.core.windows import FIVE_MINUTES_MS, oldest_five_held
from streams.customers import CustomerCache
from streams.folded import Folded
from streams.intake import News
from streams.sending import Producer, Record, send_by_partition
from streams.sinks.base import Cell, InThread, Sink, StoredLink

_CUSTOMERS_AT_ONCE: Final = 500

#: (partition, stored id)
Address = tuple[int, str]


class Identity:
    """The step of a flush that follows claims and links, see above."""

    def __init__(
        self,
        *,
        customers: CustomerCache,
        producer: Producer,
        sink: Sink,
        in_thread: InThread,
        partitions: int,
        dedupe: DedupeLimits,
        churn: Churn,
        epoch: int,
    ) -> None:
        self._customers = customers
        self._producer = producer
        self._sink = sink
        self._in_thread = in_thread
        self._partitions = partitions
        self._dedupe = dedupe
        self._churn = churn
        self._epoch = epoch

    async def follow(self, folded: Folded, news: dict[News, dict[Address, None]]) -> None:
        """Whatever follows from this flush's facts and news; needs the facts durable, and no state.

        Visitors and customers that change are replaced in `folded`.
        """
        await self._tell(News.CLAIMED, folded.claims)
        if news[News.CLAIMED]:
            await self._link(folded, list(news[News.CLAIMED]))
        placed = (
            (partition_of(customer_id, self._partitions), record) for customer_id, record in forwarded(folded)
        )
        await send_by_partition(self._producer, REKEYED, placed)
        if news[News.LINKED]:
            await self._refold(folded, list(news[News.LINKED]))

    async def _tell(self, news: News, about: Iterable[str]) -> None:
        keys = [stored_id.removeprefix(ANONYMOUS_PREFIX) for stored_id in sorted(about)]
        placed = ((partition_of(key, self._partitions), news.record(key)) for key in keys)
        await send_by_partition(self._producer, REKEYED, placed)

    async def _link(self, folded: Folded, visitors: list[Address]) -> None:
        """Links of visitors anew; their own rows are emptied."""
        linked = await self._in_thread(link, {visitor for _, visitor in visitors}, self._sink, self._epoch)
        moved = [self._customers.get(*address) for address in visitors if address[1] in linked]
        # State with these links is younger than the news of them. Most claims repeat what is known: an SDK
        # identifies on every page.
        changed = [visitor.id for visitor in moved if visitor.state.links != linked[visitor.id].links]
        await self._tell(
            News.LINKED, {customer for visitor in changed for customer in linked[visitor].customers}
        )
        for visitor in moved:
            visitor.state.links = linked[visitor.id].links
            visitor.state.n_applied += 1
        await self._put(folded, moved, [{} for _ in moved])

    async def _refold(self, folded: Folded, addresses: list[Address]) -> None:
        """Customers anew, from their facts and those of visitors linked to them."""
        found = await self._in_thread(refolded, addresses, self._sink, self._dedupe)
        for customer, _ in found:
            customer.succeed(self._customers.get(customer.partition, customer.id))
            self._customers.replace(customer)
        await self._put(folded, [one.customer for one in found], [one.days for one in found])

    async def _put(
        self, folded: Folded, customers: list[Customer], days: Sequence[Mapping[Bucket, DayCell]]
    ) -> None:
        """Replace customers in `folded`: rows of these days and of their five minutes, and no others."""
        since_ms = {customer.id: _since_ms(customer) for customer in customers}
        cells = defaultdict(list)
        for cell in await self._in_thread(self._sink.filled, since_ms):
            cells[cell.customer_id].append(cell)
        folded.drop(since_ms)
        for customer, held in zip(customers, days, strict=True):
            days_and_fives = rows_of(customer, held, cells[customer.id], self._epoch)
            self._churn.note(folded, customer)
            folded.put(customer, *days_and_fives, self._epoch)


class Linked(NamedTuple):
    """A visitor's links, computed anew, and every customer who has or had one."""

    links: list[Link]
    customers: set[str]


def link(visitors: Collection[str], sink: Sink, epoch: int) -> dict[str, Linked]:
    """Compute the links of visitors from the claims among the facts, and write them. Blocks on the sink."""
    claims, stored = defaultdict(list), defaultdict(list)
    for claim in sink.claims(visitors):
        claims[claim.anonymous_id].append(claim)
    for old, _ in sink.links(anonymous_ids=visitors):
        stored[old.anonymous_id].append(old)
    found, rows = {}, []
    for visitor, made in claims.items():
        links = links_of(made)
        held = {_key(one) for one in links}
        gone = [old for old in stored[visitor] if _key(old) not in held]
        rows += [_link_row(one, False, epoch, len(made)) for one in links]
        rows += [_link_row(one, True, epoch, len(made)) for one in gone]
        found[visitor] = Linked(links, {one.customer_id for one in (*links, *stored[visitor])})
    sink.insert(IdentityLinkRow, project.transpose(rows))
    return found


def _key(one: Link) -> tuple[object, ...]:
    """What tells the rows of links apart."""
    return one.anonymous_id, one.claimed, one.customer_id


def _link_row(one: Link, is_void: bool, epoch: int, n_claims: int) -> project.Cells:
    """In the order of `schemas.rows.IdentityLinkRow`."""
    names = (one.anonymous_id, one.customer_id)
    return (*names, *one.claimed, *one.start, *one.end, int(is_void), epoch, n_claims)


def forwarded(folded: Folded) -> Iterator[tuple[str, Record]]:
    """The events of linked visitors, in order of arrival, each with the customer that it is forwarded to."""
    links = {customer.id: customer.state.links for customer in folded.touched if customer.state.is_moved}
    if links:
        for item in folded.facts:
            if item.customer in links:
                customer_id = owner_at(links[item.customer], item.event.moment)
                yield customer_id, item.forwarded_to(customer_id)


def refolded(customers: Sequence[Address], sink: Sink, limits: DedupeLimits) -> list[Refolded]:
    """Customers from their facts and those of the visitors linked to them. Blocks on the sink."""
    return [
        found
        for at in range(0, len(customers), _CUSTOMERS_AT_ONCE)
        for found in _refolded(customers[at : at + _CUSTOMERS_AT_ONCE], sink, limits)
    ]


def _refolded(customers: Sequence[Address], sink: Sink, limits: DedupeLimits) -> Iterator[Refolded]:
    links: dict[str, list[StoredLink]] = defaultdict(list)
    for stored in sink.links(customer_ids=[customer_id for _, customer_id in customers]):
        links[stored.link.customer_id].append(stored)
    # Void links as well: what lies with others now may have been counted for the customer before.
    ids = {
        customer_id: {customer_id, *(stored.link.anonymous_id for stored in links[customer_id])}
        for _, customer_id in customers
    }
    rows = defaultdict(list)
    for row in sink.history(set().union(*ids.values())):
        rows[row[0]].append(row)
    for partition, customer_id in customers:
        held = [stored.link for stored in links[customer_id] if not stored.is_void]
        history = sorted((row for one in ids[customer_id] for row in rows[one]), key=append_order)
        yield refold(partition, customer_id, held, history, limits)


def _since_ms(customer: Customer) -> int:
    """From when on rows of five minutes must be right: no window sees older ones; a visitor may have none."""
    state = customer.state
    return 0 if state.is_moved else oldest_five_held(state.newest_ms) * FIVE_MINUTES_MS


def rows_of(
    customer: Customer, days: Mapping[Bucket, DayCell], filled: Iterable[Cell], epoch: int
) -> tuple[list[project.Cells], list[project.Cells]]:
    """Rows of these days, and of five minutes in state unless moved; empty ones for what else is filled."""
    state = customer.state
    fives = {} if state.is_moved else five_cells.unpack(state.fives) | customer.dirty_fives
    day_rows = [project.day_row(customer, *at, cell, epoch) for at, cell in days.items()]
    five_rows = [project.five_row(customer, key, cell, epoch) for key, cell in fives.items()]
    for _, is_day, bucket, channel in filled:
        at = (bucket, CHANNEL_INDEX[channel])
        key = bucket << CHANNEL_BITS | CHANNEL_INDEX[channel]
        if is_day and at not in days:
            day_rows.append(project.day_row(customer, *at, DayCell(0, {}), epoch))
        elif not is_day and key not in fives:
            five_rows.append(project.five_row(customer, key, FiveCell(0, 0, 0, 0), epoch))
    return day_rows, five_rows
