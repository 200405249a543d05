-- EN: Who are our best customers, and how are they doing?
-- DE: Wer sind unsere besten Kunden, und wie geht es ihnen?
-- Views: v_rfm, v_customer_360
-- Read: r, f and m say in which fifth of their currency's customers they are by recency, frequency and revenue; 5 is best, and
--   the sum (rfm, 3 to 15) sorts the list. champions: thank them, ask them to refer. cannot_lose: were champions, call today.
--   loyal and big_spenders: offer more. score (0 to 100) is how engaged they are now, churn_status whether they are overdue.
SELECT
    customer_id,
    segment,
    r + f + m AS rfm,
    recency_days,
    frequency AS orders,
    monetary_minor AS revenue_minor,
    currency,
    score,
    churn_status,
    preferred_channel
FROM v_rfm
INNER JOIN
(
    SELECT customer_id, score, churn_status, preferred_channel
    FROM v_customer_360
    WHERE orders_total > 0
) AS now USING (customer_id)
WHERE segment IN ('champions', 'cannot_lose', 'loyal', 'big_spenders')
ORDER BY currency, rfm DESC, revenue_minor DESC, customer_id
LIMIT 100 BY currency    -- yours
