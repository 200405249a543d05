-- EN: What does chat do for sales?
-- DE: Was bringt der Chat für den Verkauf?
-- Views: v_chat_assisted, v_channel_handover
-- Read: chat_assisted_pct is the share of the month's orders whose customer had begun a conversation in the 24 hours before.
--   chat_to_purchase counts how often an order, or another event on that channel, was the next thing after the chat, within
--   24 hours; median_minutes is how long that took. Chat goes before these orders; that it caused them would take a test with
--   a group that is not offered chat. The last month has not ended, unless the data has.
SELECT
    month_start,
    orders,
    chat_assisted_orders,
    round(chat_assisted_pct, 1) AS chat_assisted_pct,
    coalesce(chat_handovers, 0) AS chat_to_purchase,
    if(chat_to_purchase > 0, minutes, NULL) AS median_minutes
FROM v_chat_assisted
LEFT JOIN
(
    SELECT month_start, handovers AS chat_handovers, round(median_seconds / 60, 1) AS minutes
    FROM v_channel_handover
    WHERE from_channel = 'chat' AND to_channel = 'purchase'
) AS handed_over USING (month_start)
ORDER BY month_start
