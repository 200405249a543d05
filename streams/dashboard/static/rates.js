/** Rates of a period, with the formula that the metric dictionary gives and the numbers that went in. */

/** @typedef {"retention_rate_pct" | "retention_strict_pct" | "churn_net_pct" | "churn_gross_pct"} Rate */

/** @type {readonly Rate[]} */
export const RATES = Object.freeze([
  "retention_rate_pct",
  "retention_strict_pct",
  "churn_net_pct",
  "churn_gross_pct",
]);

/**
 * Why a rate is what it is, or why there is none.
 * @param {import("./context.js").Context} context
 * @param {import("./rows.js").PeriodRow} row
 * @param {Rate} rate
 * @returns {string}
 */
export function explanation({ t, format }, row, rate) {
  if (!row.is_complete) return t("rate.running");
  if (row[rate] === null) return t("rate.nobody");
  const values = {
    cs: format.integer(row.customers_start),
    ce: format.integer(row.customers_end),
    cn: format.integer(row.customers_new),
    wb: format.integer(row.customers_won_back),
    all: format.percentWhole(100),
    strict: format.percent(row.retention_strict_pct),
    rate: format.percent(row[rate]),
  };
  return `${t(`formula.${rate}`, values)}\n${t("formula.letters")}`;
}

/**
 * How a rate moved, and whether that is good: retention is to rise, churn to fall.
 * @param {number | null | undefined} now
 * @param {number | null | undefined} before
 * @param {Rate} rate
 * @returns {{points: number, direction: "up" | "down" | "same", good: boolean | null} | null} null without both
 */
export function movement(now, before, rate) {
  if (now === null || now === undefined || before === null || before === undefined) return null;
  const points = Math.round((now - before) * 10) / 10;
  if (points === 0) return { points: 0, direction: "same", good: null };
  const rises = points > 0;
  return { points, direction: rises ? "up" : "down", good: rises === rate.startsWith("retention") };
}
