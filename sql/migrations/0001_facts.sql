-- Facts and what follows from facts alone. Materialized views run on every insert into `events`, so each is
-- idempotent (a replayed event changes nothing that a view shows) and never fails: a failing one would
-- leave the fact committed without its consequence.

-- Granules are small where one customer is looked up: a lookup reads one per part.

-- One row per logical event. Of several deliveries of an event the earliest wins: `version` falls with the
-- broker's append time and, within a millisecond, with the offset (42 bits of time, 22 of offset).
CREATE TABLE IF NOT EXISTS events
(
    event_id         String,
    customer_id      String,
    anonymous_id     String,
    channel          LowCardinality(String),
    type             LowCardinality(String),
    occurred_at      DateTime64(3, 'UTC'),
    session_id       String,
    source           String,
    properties       String,
    extra            String,
    source_topic     LowCardinality(String),
    source_partition UInt32,
    source_offset    UInt64,
    appended_at      DateTime64(3, 'UTC'),
    ingested_at      DateTime64(3, 'UTC') DEFAULT now64(3),
    version          UInt64 DEFAULT bitShiftLeft(toUInt64(4398046511103 - toUnixTimestamp64Milli(appended_at)), 22)
                                  + bitAnd(bitNot(source_offset), 4194303)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (customer_id, occurred_at, event_id)
SETTINGS index_granularity = 2048
COMMENT 'Facts: every accepted event once, as sent';

-- Orders and refunds, row for row.
CREATE TABLE IF NOT EXISTS order_events
(
    customer_id  String,
    order_id     String,
    type         LowCardinality(String),
    occurred_at  DateTime64(3, 'UTC'),
    event_id     String,
    channel      LowCardinality(String),
    currency     LowCardinality(String),
    amount_minor Int64,
    version      UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (customer_id, order_id, type, occurred_at, event_id)
SETTINGS index_granularity = 1024
COMMENT 'order_completed and order_refunded events with their amounts, in minor units';

CREATE MATERIALIZED VIEW IF NOT EXISTS order_events_mv TO order_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    customer_id,
    JSONExtractString(properties, 'order_id') AS order_id,
    type,
    occurred_at,
    event_id,
    channel,
    JSONExtractString(properties, 'currency') AS currency,
    JSONExtractInt(properties, if(type = 'order_completed', 'total_minor', 'amount_minor')) AS amount_minor,
    version
FROM events
WHERE type IN ('order_completed', 'order_refunded');

-- Sessions as the producers name them. Event ids are kept as 64-bit hashes: within one session two ids
-- would have to collide to be counted as one.
CREATE TABLE IF NOT EXISTS sessions
(
    customer_id String,
    session_id  String,
    started_at  SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    ended_at    SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    events      AggregateFunction(uniqExact, UInt64),
    channels    SimpleAggregateFunction(groupUniqArrayArray, Array(String))
)
ENGINE = AggregatingMergeTree
ORDER BY (customer_id, session_id)
SETTINGS index_granularity = 1024
COMMENT 'Set, min and max states per session, from events with a session_id';

CREATE MATERIALIZED VIEW IF NOT EXISTS sessions_mv TO sessions
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    customer_id,
    session_id,
    min(occurred_at) AS started_at,
    max(occurred_at) AS ended_at,
    uniqExactState(cityHash64(event_id)) AS events,
    groupUniqArray(toString(channel)) AS channels
FROM events
WHERE session_id != ''
GROUP BY customer_id, session_id;

-- Traffic in five-minute buckets. Sets of 64-bit hashes instead of counters, as a replay must not count
-- twice; in a bucket of three million events the expected number of colliding pairs is below one in a million.
CREATE TABLE IF NOT EXISTS activity_5m
(
    bucket_at DateTime64(3, 'UTC'),
    channel   LowCardinality(String),
    type      LowCardinality(String),
    events    AggregateFunction(uniqExact, UInt64),
    customers AggregateFunction(uniqExact, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (bucket_at, channel, type)
COMMENT 'Set states of (customer, event) and of customers per five minutes, channel and type';

CREATE MATERIALIZED VIEW IF NOT EXISTS activity_5m_mv TO activity_5m
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toDateTime64(toStartOfFiveMinutes(occurred_at), 3, 'UTC') AS bucket_at,
    channel,
    type,
    uniqExactState(cityHash64(customer_id, event_id)) AS events,
    uniqExactState(cityHash64(customer_id)) AS customers
FROM events
GROUP BY bucket_at, channel, type;
