-- Which anonymous visitor (device) belongs to which customer, and since when. Facts stay as sent: views find a
-- device's facts through `identity_links`.

-- Every claim that facts make: an `identify` with both ids, or an `alias`. Row for row, whatever else is claimed.
CREATE TABLE IF NOT EXISTS identity_claims
(
    anonymous_id String,
    claimed_at   DateTime64(3, 'UTC'),
    event_id     String,
    customer_id  String,
    version      UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (anonymous_id, claimed_at, event_id, customer_id)
SETTINGS index_granularity = 256
COMMENT 'Claims of anonymous ids (as stored, anon:<id>) by customers, from identify and alias events';

CREATE MATERIALIZED VIEW IF NOT EXISTS identity_claims_mv TO identity_claims
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    concat('anon:', device) AS anonymous_id,
    occurred_at AS claimed_at,
    event_id,
    customer_id,
    version
FROM
(
    SELECT
        if(type = 'alias', JSONExtractString(properties, 'previous_id'), anonymous_id) AS device,
        occurred_at,
        event_id,
        customer_id,
        version
    FROM events
    WHERE type IN ('identify', 'alias') AND NOT startsWith(customer_id, 'anon:')
)
WHERE device != '';

-- The facts from before this migration. The view above is there already, so no fact falls between the two.
INSERT INTO identity_claims (anonymous_id, claimed_at, event_id, customer_id, version)
SELECT
    concat('anon:', device) AS anonymous_id,
    occurred_at AS claimed_at,
    event_id,
    customer_id,
    version
FROM
(
    SELECT
        if(type = 'alias', JSONExtractString(properties, 'previous_id'), anonymous_id) AS device,
        occurred_at,
        event_id,
        customer_id,
        version
    FROM events
    WHERE type IN ('identify', 'alias') AND NOT startsWith(customer_id, 'anon:')
)
WHERE device != '';

-- An event of the anonymous id is the customer's when
-- (valid_from, valid_from_event_id) <= (occurred_at, event_id) < (valid_until, valid_until_event_id), in the row of
-- the highest version, unless that is void. A device's valid links leave no time out, from 1970 to 2299-12-31.
-- With customer_id in the key the index on it is safe with FINAL; and two customers may claim by events of one id
-- at one instant.
CREATE TABLE IF NOT EXISTS identity_links
(
    anonymous_id         String,
    customer_id          String,
    claimed_at           DateTime64(3, 'UTC'),
    event_id             String,
    valid_from           DateTime64(3, 'UTC'),
    valid_from_event_id  String,
    valid_until          DateTime64(3, 'UTC'),
    valid_until_event_id String,
    is_void              UInt8,
    epoch                UInt32,
    n_claims             UInt64,
    version              UInt64 DEFAULT bitShiftLeft(toUInt64(epoch), 40) + n_claims,
    written_at           DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX customer_id_filter customer_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (anonymous_id, claimed_at, event_id, customer_id)
SETTINGS index_granularity = 256
COMMENT 'Which stretch of an anonymous id''s time is which customer''s; one row per claim that begins a link';

-- The same by customer, so that a view finds a customer's devices by key. FINAL leaves void links out by itself, and
-- moments are ready to be compared: each expression costs a lookup planning time.
CREATE TABLE IF NOT EXISTS customer_links
(
    customer_id  String,
    anonymous_id String,
    claimed_at   DateTime64(3, 'UTC'),
    event_id     String,
    starts       Tuple(DateTime64(3, 'UTC'), String),
    ends         Tuple(DateTime64(3, 'UTC'), String),
    is_void      UInt8,
    version      UInt64
)
ENGINE = ReplacingMergeTree(version, is_void)
ORDER BY (customer_id, anonymous_id, claimed_at, event_id)
SETTINGS index_granularity = 256
COMMENT 'identity_links by customer: events of the anonymous id in [starts, ends) are the customer''s';

CREATE MATERIALIZED VIEW IF NOT EXISTS customer_links_mv TO customer_links
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    customer_id,
    anonymous_id,
    claimed_at,
    event_id,
    (valid_from, valid_from_event_id) AS starts,
    (valid_until, valid_until_event_id) AS ends,
    is_void,
    version
FROM identity_links;

-- 1: all events of this anonymous visitor count in the rows of customers now.
ALTER TABLE customer_state ADD COLUMN IF NOT EXISTS is_moved UInt8 AFTER n_applied;
