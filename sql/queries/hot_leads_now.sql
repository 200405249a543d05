-- EN: Who are the hot leads on the site right now?
-- DE: Wer sind die heißen Leads, die gerade da sind?
-- Views: v_live_visitors, v_lead_ledger
-- Read: Visitors of the last five minutes who have never ordered, the hottest first. why names the lead rules that gave them
--   points, the strongest first; last_summary is what they look at. Open a chat from the top. An id that begins with anon: is
--   a visitor who has not signed in.
SELECT
    customer_id,
    lead_score,
    why,
    channel,
    last_summary,
    last_at,
    since_at,
    score
FROM v_live_visitors
LEFT JOIN
(
    SELECT
        customer_id,
        arrayStringConcat(
            arrayMap(rule -> concat(rule.2, ' ', toString(-rule.1)), arraySort(groupArray((-rule_points, rule)))),
            ', '
        ) AS why
    FROM
    (
        SELECT customer_id, rule, sum(points) AS rule_points
        FROM v_lead_ledger
        WHERE customer_id IN (SELECT customer_id FROM v_live_visitors)
        GROUP BY customer_id, rule
    )
    GROUP BY customer_id
) AS rules USING (customer_id)
WHERE lead_score >= 10    -- yours: from how many points on a lead is hot
ORDER BY lead_score DESC, score DESC, customer_id
LIMIT 50
