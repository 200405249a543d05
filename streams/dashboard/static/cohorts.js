/** Cohorts as a grid: one row per cohort, newest first, one column per period after the first. */

/** More columns than this are no picture any more. */
export const MOST_COLUMNS = 24;

/** @typedef {{pct: number | null, running: boolean} | null} Share null: that period has not begun */
/** @typedef {{start: string, size: number, shares: Share[]}} Cohort */

/**
 * @param {readonly import("./rows.js").CohortRow[]} rows
 * @param {"on_pct" | "on_or_after_pct"} measure
 * @returns {{columns: number, cohorts: Cohort[]}}
 */
export function cohortGrid(rows, measure) {
  const columns = Math.min(
    MOST_COLUMNS,
    rows.reduce((most, { k }) => Math.max(most, k + 1), 0),
  );
  /** @type {Map<string, Cohort>} */
  const cohorts = new Map();
  for (const row of rows) {
    const cohort = cohorts.get(row.cohort_start) ?? {
      start: row.cohort_start,
      size: row.size,
      shares: new Array(columns).fill(null),
    };
    if (row.k < columns) cohort.shares[row.k] = { pct: row[measure], running: !row.is_complete };
    cohorts.set(row.cohort_start, cohort);
  }
  return { columns, cohorts: [...cohorts.values()].sort((a, b) => b.start.localeCompare(a.start)) };
}
