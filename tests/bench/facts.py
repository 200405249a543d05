"""Many facts and the rows that belong to them, made up by ClickHouse itself.

Every customer has two events at least; the others follow a power law in which one customer of a million has
about a thousandth. Events are spread evenly over the last days: a tenth are orders or refunds, some are
answers to surveys and referrals.
"""

from __future__ import annotations

import time
from typing import Final

from clickhouse_connect.driver.client import Client

_FACTS_PER_INSERT: Final = 500_000
#: The rows of all customers at once would not fit into the memory of the embedded ClickHouse.
_CUSTOMERS_PER_INSERT: Final = 125_000
_MERGES_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.2

# Two numbers in a row are of one customer, so that there are refunds of this customer's orders.
_FACTS: Final = """
INSERT INTO events (event_id, customer_id, channel, type, occurred_at, session_id, source, properties,
                    source_topic, source_partition, source_offset, appended_at)
WITH
    intDiv(number, 2) AS pair,
    cityHash64(pair) AS luck,
    cityHash64(number, 'event') AS event_luck,
    toUInt64({customers:UInt64} * pow(luck / 18446744073709551616, 2)) AS drawn,
    if(pair < {customers:UInt64}, pair, drawn) AS customer,
    [
        ('website', 'page_viewed'), ('website', 'page_viewed'), ('website', 'page_viewed'),
        ('website', 'page_viewed'), ('website', 'page_viewed'), ('website', 'page_viewed'),
        ('website', 'page_viewed'), ('website', 'page_viewed'), ('website', 'page_viewed'),
        ('website', 'product_viewed'), ('website', 'product_viewed'), ('website', 'product_viewed'),
        ('website', 'product_viewed'), ('website', 'search_performed'), ('website', 'search_performed'),
        ('website', 'product_added'), ('website', 'product_added'), ('website', 'referral_made'),
        ('chat', 'conversation_started'), ('chat', 'conversation_started'), ('chat', 'message_sent'),
        ('chat', 'survey_answered'), ('purchase', 'order_completed'), ('purchase', 'order_completed')
    ][event_luck % 24 + 1] AS kind,
    kind.1 AS kind_channel,
    multiIf(
        kind.1 = 'purchase' AND number % 8 = 1, 'order_refunded',
        kind.2 = 'referral_made' AND number % 4 = 1, 'referral_converted',
        kind.2
    ) AS kind_type
SELECT
    lower(hex(sipHash128(number))),
    concat('c-', leftPad(toString(customer), 7, '0')),
    kind_channel,
    kind_type,
    now64(3, 'UTC') - toIntervalSecond(intHash64(event_luck) % ({days:UInt64} * 86400)),
    concat('s-', toString(pair)),
    'shop-web',
    multiIf(
        kind_type = 'order_completed',
        format('{{"order_id":"o-{}","total_minor":{},"currency":"{}"}}',
            toString(pair), toString(event_luck % 20000), ['EUR', 'EUR', 'USD'][pair % 3 + 1]),
        kind_type = 'order_refunded',
        format('{{"order_id":"o-{}","amount_minor":{},"currency":"{}"}}',
            toString(pair), toString(event_luck % 2000), ['EUR', 'EUR', 'USD'][pair % 3 + 1]),
        kind_type = 'survey_answered',
        if(pair % 2 = 0,
            format('{{"score":{},"survey":"nps"}}', toString(intHash64(pair) % 11)),
            format('{{"survey":"csat","score":{},"touchpoint":"{}"}}',
                toString(intHash64(pair) % 5 + 1), ['chat', 'checkout', 'delivery'][pair % 3 + 1])),
        kind_type = 'referral_made',
        format('{{"referral_code":"r-{}"}}', toString(customer)),
        kind_type = 'referral_converted',
        format('{{"referral_code":"r-{}","referred_id":"c-{}"}}', toString(customer),
            leftPad(toString(event_luck % {customers:UInt64}), 7, '0')),
        format('{{"url":"https://shop.example/{}","product_id":"p-{}","author":"customer"}}',
            toString(event_luck % 1000), toString(event_luck % 5000))
    ),
    concat('events.', kind_channel),
    customer % 8,
    number,
    now64(3, 'UTC')
FROM numbers({first:UInt64}, {count:UInt64})
"""

# What the worker would have written.
_ROWS: Final = (
    """
    INSERT INTO customer_state (customer_id, is_anonymous, first_seen_at, website_seen_at, chat_seen_at,
                                purchase_seen_at, events_total, orders_total, epoch, n_applied,
                                purchase_days, first_purchase_on, last_purchase_at)
    SELECT customer_id, 0, min(occurred_at), maxOrNullIf(occurred_at, channel = 'website'),
           maxOrNullIf(occurred_at, channel = 'chat'), maxOrNullIf(occurred_at, type = 'order_refunded'),
           count(), countIf(type = 'order_completed'), 0, count(),
           uniqExactIf(toDate(occurred_at), type = 'order_completed'),
           toDate(minOrNullIf(occurred_at, type = 'order_completed')),
           maxOrNullIf(occurred_at, type = 'order_completed')
    FROM events WHERE cityHash64(customer_id) % {slices:UInt64} = {slice:UInt64}
    GROUP BY customer_id
    """,
    """
    INSERT INTO customer_daily (customer_id, day, channel, events, counts, orders, conversations, messages,
                                epoch, n_applied)
    SELECT customer_id, toDate(occurred_at) AS day, channel, count(), sumMap(map(type, toUInt64(1))),
           countIf(type = 'order_completed'), countIf(type = 'conversation_started'),
           countIf(type = 'message_sent'), 0, count()
    FROM events WHERE cityHash64(customer_id) % {slices:UInt64} = {slice:UInt64}
    GROUP BY customer_id, day, channel
    """,
    """
    INSERT INTO customer_5m (customer_id, bucket_at, channel, events, orders, conversations, messages, epoch,
                             n_applied)
    SELECT customer_id, toStartOfFiveMinutes(toDateTime(occurred_at)) AS bucket_at, channel, count(),
           countIf(type = 'order_completed'), countIf(type = 'conversation_started'),
           countIf(type = 'message_sent'), 0, count()
    FROM events
    WHERE cityHash64(customer_id) % {slices:UInt64} = {slice:UInt64}
      AND occurred_at > now() - toIntervalHour(50)
    GROUP BY customer_id, bucket_at, channel
    """,
)


def customer_id(number: int) -> str:
    """The id of customer `number`, from 0."""
    return f"c-{number:07}"


def fill(client: Client, facts: int, customers: int, days: int = 90) -> None:
    """Put `facts` events of `customers` customers within so many days, and their rows, into an empty migrated
    database.

    As many as two events per customer are needed for all of them to be there. Returns when what ClickHouse
    merges in the background is merged.
    """
    for first in range(0, facts, _FACTS_PER_INSERT):
        count = min(_FACTS_PER_INSERT, facts - first)
        parameters = {"customers": customers, "first": first, "count": count, "days": days}
        client.command(_FACTS, parameters=parameters)
    slices = max(1, customers // _CUSTOMERS_PER_INSERT)
    for statement in _ROWS:
        for number in range(slices):
            client.command(statement, parameters={"slices": slices, "slice": number})
    _wait_for_merges(client)


def _wait_for_merges(client: Client) -> None:
    deadline = time.monotonic() + _MERGES_SECONDS
    while client.query("SELECT count() FROM system.merges").result_rows[0][0]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"merges go on after {_MERGES_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)
