-- EN: Which lost customers came back, and what brought them?
-- DE: Welche verlorenen Kunden kamen zurück, und was brachte sie?
-- Views: v_transitions, v_events
-- Read: One line per return: an order of a customer who had churned, the newest first. last_touch is what the customer did last
--   in the week before that order, on which channel; empty: nothing that we saw, so an advert, a letter or a friend. Count the
--   lines by touch_channel to see which channel brings people back. days_gone is the time since churned, not since the order before.
WITH touches.occurred_at >= won_back_at - INTERVAL 7 DAY AS is_recent    -- yours
SELECT
    returns.customer_id AS customer_id,
    won_back_at,
    dateDiff('day', churned_at, won_back_at) AS days_gone,
    if(is_recent, touches.channel, '') AS touch_channel,
    if(is_recent, touches.summary, '') AS last_touch,
    if(is_recent, dateDiff('minute', touches.occurred_at, won_back_at), NULL) AS minutes_before_order
FROM
(
    SELECT
        customer_id,
        changed_at AS won_back_at,
        any(changed_at) OVER change_before AS churned_at,
        to_status
    FROM v_transitions
    WHERE to_status IN ('churned', 'won_back')
    WINDOW change_before AS (PARTITION BY customer_id ORDER BY changed_at ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)
) AS returns
ASOF LEFT JOIN
(
    SELECT customer_id, occurred_at, channel, summary
    FROM v_events
    WHERE customer_id IN (SELECT customer_id FROM v_transitions WHERE to_status = 'won_back')
        AND type NOT IN ('identify', 'alias', 'conversation_ended', 'order_completed', 'order_refunded')
) AS touches
    ON touches.customer_id = returns.customer_id AND touches.occurred_at < returns.won_back_at
WHERE to_status = 'won_back'
ORDER BY won_back_at DESC, customer_id
LIMIT 200
