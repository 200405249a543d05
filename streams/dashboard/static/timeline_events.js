import { distinct } from "./diff.js";

/** @typedef {import("./rows.js").EventRow} EventRow */
/** @typedef {{day: string, rows: EventRow[]}} Day */

/** @param {EventRow} row @returns {string} events have no id in the view; those that look alike are numbered */
export function eventKey(row) {
  return [row.occurred_at, row.channel, row.type, row.summary, row.session_id, row.source].join("\u0000");
}

/**
 * The newest events of an answer in front of older ones kept on the page.
 * @param {readonly EventRow[]} newest newest first
 * @param {readonly EventRow[]} kept newest first
 * @param {boolean} hasMore there are older ones than `newest`
 * @returns {{events: EventRow[], joined: boolean}} not joined: so much happened meanwhile that the two do not meet;
 *   then only the newest are left, as a hole must not look like silence
 */
export function merged(newest, kept, hasMore) {
  if (newest.length === 0 || kept.length === 0) return { events: [...newest], joined: kept.length === 0 };
  const oldest = newest[newest.length - 1].occurred_at;
  const known = new Set(distinct(newest.map(eventKey)));
  const keys = distinct(kept.map(eventKey));
  const meets = !hasMore || kept[0].occurred_at >= oldest;
  if (!meets) return { events: [...newest], joined: false };
  const older = kept.filter((row, index) => row.occurred_at <= oldest && !known.has(keys[index]));
  return { events: [...newest, ...older], joined: true };
}

/**
 * @param {readonly EventRow[]} events newest first
 * @param {(iso: string) => string} dayOf
 * @returns {Day[]}
 */
export function byDay(events, dayOf) {
  /** @type {Day[]} */
  const days = [];
  for (const row of events) {
    const day = dayOf(row.occurred_at);
    if (days.at(-1)?.day !== day) days.push({ day, rows: [] });
    days[days.length - 1].rows.push(row);
  }
  return days;
}
