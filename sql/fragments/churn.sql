    -- Metrics: At risk, before the customer leaves. WITH elements over `customer_state AS state`; they need `today`. Two
    -- gaps of the population stand beside the customer's own until there are many of these.
    ${population_gap_days} AS population_gap_days,
    toDate(if(is_anonymous, NULL, state.last_purchase_at)) AS last_purchase_on,
    greatest(today - last_purchase_on, 0) AS days_since_order,
    (last_purchase_on - first_purchase_on + 2 * population_gap_days) / (purchase_days + 1) AS expected_gap_days,
    days_since_order / expected_gap_days AS overdue_ratio,
    multiIf(
        is_anonymous, NULL,
        isNull(last_purchase_on), 'prospect',
        today < won_back_on + 30, 'won_back',
        overdue_ratio < 1.5, 'active',
        overdue_ratio < 3, 'at_risk',
        'churned'
    ) AS churn_status