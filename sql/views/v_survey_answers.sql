-- Metrics: Satisfaction. The answers that v_nps and v_csat are made of, by customer; those of anonymous visitors too.
CREATE OR REPLACE VIEW v_survey_answers
(
    customer_id String COMMENT 'Customer; anon:<id> for an anonymous visitor',
    answered_at DateTime64(3, 'UTC') COMMENT 'When the customer answered',
    survey String COMMENT 'nps (how likely to recommend, 0 to 10) or csat (how satisfied, 1 to 5)',
    score UInt8 COMMENT 'The answer; of nps, 9 and 10 are promoters, 0 to 6 detractors',
    touchpoint String COMMENT 'What the customer was asked about; empty if the answer names nothing'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    customer_id,
    occurred_at AS answered_at,
    toString(answer.1) AS survey,
    answer.2 AS score,
    toString(answer.3) AS touchpoint
FROM (${answers})
SETTINGS join_use_nulls = 0
COMMENT 'Every answer to a survey; for the net promoter score the latest of a customer in a quarter counts'
