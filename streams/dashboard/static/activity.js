/** Activity on a grid of five minutes: pure shapes for the chart, the sparklines and the table beside them. */

export const BUCKET_SECONDS = 300;
export const BUCKETS_PER_DAY = 288;
const BUCKETS_PER_HOUR = 12;

/** @typedef {{starts: number[], counts: Record<string, number[]>}} Grid starts in seconds since 1970, oldest first */

/**
 * The last 24 hours; buckets without a row hold 0.
 * @param {readonly import("./rows.js").ActivityRow[]} rows
 * @param {number} asOfMs
 * @param {readonly string[]} channels
 * @returns {Grid} its last bucket is the one that as_of lies in, which has not ended
 */
export function grid(rows, asOfMs, channels) {
  const last = Math.floor(asOfMs / 1000 / BUCKET_SECONDS) * BUCKET_SECONDS;
  const first = last - (BUCKETS_PER_DAY - 1) * BUCKET_SECONDS;
  const starts = Array.from({ length: BUCKETS_PER_DAY }, (_, index) => first + index * BUCKET_SECONDS);
  const counts = Object.fromEntries(channels.map((channel) => [channel, new Array(BUCKETS_PER_DAY).fill(0)]));
  for (const { bucket_at, channel, events } of rows) {
    const index = (Date.parse(bucket_at) / 1000 - first) / BUCKET_SECONDS;
    if (channel in counts && index in starts) counts[channel][index] += events;
  }
  return { starts, counts };
}

/**
 * From when to when a picture of it is worth looking at: the whole day, or less when the first event is younger.
 * @param {Grid} grid
 * @returns {[number, number]} seconds since 1970; the end of the last bucket is the end
 */
export function shownTimes({ starts, counts }) {
  const first = starts.findIndex((_, index) => Object.values(counts).some((row) => row[index] > 0));
  const latest = BUCKETS_PER_DAY - BUCKETS_PER_HOUR;
  const begin = first < 0 ? 0 : Math.max(0, Math.min(first - 1, latest));
  return [starts[begin], starts[BUCKETS_PER_DAY - 1] + BUCKET_SECONDS];
}

/**
 * Sums from the first channel up: what a bar of each channel reaches when they stand on one another.
 * @param {Grid} grid
 * @param {readonly string[]} channels
 * @returns {number[][]} one row per channel, in their order
 */
export function stacked({ starts, counts }, channels) {
  let below = starts.map(() => 0);
  return channels.map((channel) => {
    below = below.map((sum, index) => sum + counts[channel][index]);
    return below;
  });
}

/**
 * @param {Grid} grid
 * @param {string} channel
 * @returns {number}
 */
export function total({ counts }, channel) {
  return counts[channel].reduce((sum, count) => sum + count, 0);
}

/**
 * @param {Grid} grid
 * @param {readonly string[]} channels
 * @returns {{start: string, counts: number[]}[]} clock hours of UTC, newest first
 */
export function hours({ starts, counts }, channels) {
  /** @type {Map<number, number[]>} */
  const byHour = new Map();
  starts.forEach((start, index) => {
    const hour = Math.floor(start / BUCKET_SECONDS / BUCKETS_PER_HOUR);
    const sums = byHour.get(hour) ?? channels.map(() => 0);
    byHour.set(
      hour,
      sums.map((sum, at) => sum + counts[channels[at]][index]),
    );
  });
  const seconds = BUCKETS_PER_HOUR * BUCKET_SECONDS * 1000;
  return [...byHour]
    .reverse()
    .map(([hour, sums]) => ({ start: new Date(hour * seconds).toISOString(), counts: sums }));
}
