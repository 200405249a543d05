/** The arithmetic behind "why 72?", from the rows of v_score_ledger. */

/** @typedef {import("./rows.js").ScoreRow} ScoreRow */

/**
 * How many events of a row earned points: `points` is weight · min(count, cap).
 * @param {ScoreRow} row
 * @returns {{earning: number, capped: boolean}}
 */
export function earning({ count, weight, points }) {
  // Weights may be fractions such as 0.1: the quotient is a whole number but for rounding.
  const paid = weight === 0 ? count : Math.round(points / weight);
  return { earning: paid, capped: paid < count };
}

/** @param {readonly {points: number}[]} rows @returns {number} */
export function pointsOf(rows) {
  return Math.round(rows.reduce((sum, { points }) => sum + points, 0) * 1e6) / 1e6;
}

/** @param {ScoreRow} row @returns {string} */
export function scoreKey({ day, channel, type }) {
  return `${day} ${channel} ${type}`;
}

/**
 * Newest day first, then the most points.
 * @param {readonly ScoreRow[]} rows
 * @returns {ScoreRow[]}
 */
export function ordered(rows) {
  return [...rows].sort(
    (a, b) => b.day.localeCompare(a.day) || b.points - a.points || scoreKey(a).localeCompare(scoreKey(b)),
  );
}
