-- What surveys, referrals and hand-overs need of the facts, row for row, so that their views read neither all facts nor
-- JSON. As in 0001: each materialized view is idempotent and never fails. `customer_id` is the id as sent; views find
-- a device's rows through `identity_links`.

CREATE TABLE IF NOT EXISTS survey_answers
(
    customer_id String,
    occurred_at DateTime64(3, 'UTC'),
    event_id    String,
    survey      LowCardinality(String),
    score       UInt8,
    touchpoint  String,
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (customer_id, occurred_at, event_id)
SETTINGS index_granularity = 1024
COMMENT 'survey_answered events: nps scores of 0 to 10, csat scores of 1 to 5; an empty touchpoint is none';

CREATE MATERIALIZED VIEW IF NOT EXISTS survey_answers_mv TO survey_answers
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    customer_id,
    occurred_at,
    event_id,
    JSONExtractString(properties, 'survey') AS survey,
    toUInt8(JSONExtractUInt(properties, 'score')) AS score,
    JSONExtractString(properties, 'touchpoint') AS touchpoint,
    version
FROM events
WHERE type = 'survey_answered';

CREATE TABLE IF NOT EXISTS referral_events
(
    customer_id   String,
    occurred_at   DateTime64(3, 'UTC'),
    event_id      String,
    type          LowCardinality(String),
    referral_code String,
    referred_id   String,
    version       UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (customer_id, occurred_at, event_id)
SETTINGS index_granularity = 1024
COMMENT 'referral_made and referral_converted events; only the latter have a referred_id';

CREATE MATERIALIZED VIEW IF NOT EXISTS referral_events_mv TO referral_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    customer_id,
    occurred_at,
    event_id,
    type,
    JSONExtractString(properties, 'referral_code') AS referral_code,
    JSONExtractString(properties, 'referred_id') AS referred_id,
    version
FROM events
WHERE type IN ('referral_made', 'referral_converted');

-- Orders are left out: of several order_completed with one order_id only the smallest is an engagement event, which
-- `order_events` tells.
CREATE TABLE IF NOT EXISTS engagement_moments
(
    customer_id String,
    occurred_at DateTime64(3, 'UTC'),
    event_id    String,
    channel     LowCardinality(String),
    type        LowCardinality(String),
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (customer_id, occurred_at, event_id)
SETTINGS index_granularity = 2048
COMMENT 'When and where engagement events other than orders happened';

CREATE MATERIALIZED VIEW IF NOT EXISTS engagement_moments_mv TO engagement_moments
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT customer_id, occurred_at, event_id, channel, type, version
FROM events
WHERE type NOT IN ('identify', 'alias', 'conversation_ended', 'order_completed')
    AND (type != 'message_sent' OR JSONExtractString(properties, 'author') = 'customer');

-- The facts from before this migration. The views above are there already, so no fact falls between the two.
INSERT INTO survey_answers (customer_id, occurred_at, event_id, survey, score, touchpoint, version)
SELECT
    customer_id,
    occurred_at,
    event_id,
    JSONExtractString(properties, 'survey') AS survey,
    toUInt8(JSONExtractUInt(properties, 'score')) AS score,
    JSONExtractString(properties, 'touchpoint') AS touchpoint,
    version
FROM events
WHERE type = 'survey_answered';

INSERT INTO referral_events (customer_id, occurred_at, event_id, type, referral_code, referred_id, version)
SELECT
    customer_id,
    occurred_at,
    event_id,
    type,
    JSONExtractString(properties, 'referral_code') AS referral_code,
    JSONExtractString(properties, 'referred_id') AS referred_id,
    version
FROM events
WHERE type IN ('referral_made', 'referral_converted');

INSERT INTO engagement_moments (customer_id, occurred_at, event_id, channel, type, version)
SELECT customer_id, occurred_at, event_id, channel, type, version
FROM events
WHERE type NOT IN ('identify', 'alias', 'conversation_ended', 'order_completed')
    AND (type != 'message_sent' OR JSONExtractString(properties, 'author') = 'customer');
