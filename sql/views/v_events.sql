-- Metrics: Terms (customer, event counted once).
CREATE OR REPLACE VIEW v_events
(
    customer_id String COMMENT 'Customer; anon:<id> for an anonymous visitor',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it happened',
    channel String COMMENT 'website, chat or purchase',
    type String COMMENT 'Type of the event',
    session_id String COMMENT 'Session; empty if none was sent',
    source String COMMENT 'System that sent it; empty if none was named',
    summary String COMMENT 'What happened, in one line'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    -- The first of these properties that is there says what the event is about.
    [
        'name', 'product_id', 'query', 'title', 'url', 'form_id', 'order_id', 'topic', 'conversation_id',
        'survey', 'referral_code', 'previous_id'
    ] AS subjects,
    arrayFirst(text -> text != '', arrayMap(key -> JSONExtractString(properties, key), subjects)) AS subject
SELECT
    customer_id,
    occurred_at,
    toString(channel) AS channel,
    toString(type) AS type,
    session_id,
    source,
    substringUTF8(
        replaceRegexpAll(trimRight(concat(replaceAll(toString(type), '_', ' '), ': ', subject), ': '), '\\s+', ' '), 1, 200
    ) AS summary
FROM events FINAL
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'The omnichannel timeline: every event once'
