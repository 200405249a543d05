-- Metrics: Stickiness. A customer's last 30 days are the bits of one number.
CREATE OR REPLACE VIEW v_active_days
(
    active_days UInt8 COMMENT 'UTC dates with an engagement event among the last 30, that of as_of included',
    customers UInt64 COMMENT 'Customers with exactly so many; numbers that nobody has are absent'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH assumeNotNull((SELECT toDate(as_of) FROM v_clock)) AS today
SELECT active_days, count() AS customers
FROM
(
    SELECT toUInt8(bitCount(groupBitOr(bitShiftLeft(toUInt32(1), today - day)))) AS active_days
    FROM customer_daily FINAL
    WHERE day > today - 30 AND day <= today AND notEmpty(counts) AND NOT startsWith(customer_id, 'anon:')
    GROUP BY customer_id
)
GROUP BY active_days
COMMENT 'How many customers were active on how many of the last 30 days'
