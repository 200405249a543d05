import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BUCKETS_PER_DAY,
  grid,
  hours,
  shownTimes,
  stacked,
  total,
} from "../../../streams/dashboard/static/activity.js";
import { AsOf } from "../../../streams/dashboard/static/as_of.js";
import { MOST_COLUMNS, cohortGrid } from "../../../streams/dashboard/static/cohorts.js";
import { earning, ordered, pointsOf } from "../../../streams/dashboard/static/ledger.js";
import { explanation, movement } from "../../../streams/dashboard/static/rates.js";

import { points } from "../../../streams/dashboard/static/parts/sparkline.js";

const AS_OF = Date.parse("2026-11-22T19:02:30.000Z");
const CHANNELS = ["website", "chat"];

test("activity is a grid of a day up to the bucket of as_of, zero where nothing happened", () => {
  const shown = grid(
    [
      { bucket_at: "2026-11-22T19:00:00.000Z", channel: "website", events: 5 },
      { bucket_at: "2026-11-22T18:55:00.000Z", channel: "chat", events: 2 },
      { bucket_at: "2026-11-21T19:00:00.000Z", channel: "chat", events: 99 },
    ],
    AS_OF,
    CHANNELS,
  );

  assert.equal(shown.starts.length, BUCKETS_PER_DAY);
  assert.equal(new Date(shown.starts.at(-1) * 1000).toISOString(), "2026-11-22T19:00:00.000Z");
  assert.deepEqual(shown.counts.website.slice(-2), [0, 5]);
  assert.equal(total(shown, "chat"), 2);
  assert.deepEqual(
    stacked(shown, CHANNELS).map((row) => row.slice(-2)),
    [
      [0, 5],
      [2, 5],
    ],
  );
  assert.deepEqual(hours(shown, CHANNELS)[0], { start: "2026-11-22T19:00:00.000Z", counts: [5, 0] });
});

test("a line of the ledger says how many events earned, and whether the cap held back others", () => {
  assert.deepEqual(earning({ count: 31, weight: 1, points: 20 }), { earning: 20, capped: true });
  assert.deepEqual(earning({ count: 3, weight: 0.1, points: 0.1 * 3 }), { earning: 3, capped: false });
  assert.deepEqual(earning({ count: 4, weight: 0, points: 0 }), { earning: 4, capped: false });
});

test("points are summed without the dust of binary fractions", () => {
  assert.equal(pointsOf([{ points: 0.1 }, { points: 0.2 }]), 0.3);
});

test("the ledger begins with the newest day, and there with most points", () => {
  const row = (day, type, points) => ({ day, channel: "website", type, count: 1, weight: points, points });
  const rows = [row("2026-11-21", "a", 9), row("2026-11-22", "b", 1), row("2026-11-22", "c", 4)];

  assert.deepEqual(
    ordered(rows).map(({ type }) => type),
    ["c", "b", "a"],
  );
});

test("retention that rises is good, churn that rises is not", () => {
  assert.deepEqual(movement(93, 91.5, "retention_rate_pct"), { points: 1.5, direction: "up", good: true });
  assert.deepEqual(movement(8, 7, "churn_gross_pct"), { points: 1, direction: "up", good: false });
  assert.deepEqual(movement(7.04, 7, "churn_net_pct"), { points: 0, direction: "same", good: null });
  assert.equal(movement(93, null, "retention_rate_pct"), null);
});

test("cohorts stand newest first; what has not begun is null, what runs has no rate", () => {
  const cell = (cohort_start, k, on_pct, is_complete) => ({
    cohort_start,
    k,
    size: 3,
    on_pct,
    on_or_after_pct: on_pct,
    is_complete,
  });
  const { columns, cohorts } = cohortGrid(
    [cell("2026-10-01", 0, 100, 1), cell("2026-10-01", 1, null, 0), cell("2026-11-01", 0, null, 0)],
    "on_pct",
  );

  assert.equal(columns, 2);
  assert.deepEqual(
    cohorts.map(({ start }) => start),
    ["2026-11-01", "2026-10-01"],
  );
  assert.deepEqual(cohorts[0].shares, [{ pct: null, running: true }, null]);
  assert.deepEqual(cohorts[1].shares[0], { pct: 100, running: false });
});

test("a long history of days is cut to what makes a picture", () => {
  const rows = Array.from({ length: 90 }, (_, k) => ({
    cohort_start: "2026-01-01",
    k,
    size: 1,
    on_pct: 0,
    is_complete: 1,
  }));

  assert.equal(cohortGrid(rows, "on_pct").cohorts[0].shares.length, MOST_COLUMNS);
});

test("time goes on between answers, but stands still in a replay of history", () => {
  const now = Date.parse("2026-11-22T19:00:00.000Z");
  const [live, replayed] = [new AsOf(), new AsOf()];
  live.heard("2026-11-22T18:59:58.000Z", now);
  replayed.heard("1997-09-30T00:00:00.000Z", now);

  assert.equal(live.secondsSince("2026-11-22T18:59:48.000Z", now + 5000), 15);
  assert.equal(replayed.secondsSince("1997-09-29T23:59:00.000Z", now + 5000), 60);
  assert.equal(live.secondsSince("2026-11-22T20:00:00.000Z", now), 0);
});

test("the picture of a young stream begins shortly before its first event, and shows an hour at least", () => {
  const shown = (bucket_at) =>
    shownTimes(grid(bucket_at ? [{ bucket_at, channel: "chat", events: 1 }] : [], AS_OF, CHANNELS)).map(
      (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16),
    );

  assert.deepEqual(shown("2026-11-22T12:00:00.000Z"), ["11:55", "19:05"]);
  assert.deepEqual(shown("2026-11-22T19:00:00.000Z"), ["18:05", "19:05"]);
  assert.deepEqual(shown(null), ["19:05", "19:05"]);
});

test("a rate is explained by its formula with the numbers of its row, or by why there is none", () => {
  const context = {
    t: (key, { cs, ce, cn, rate } = {}) =>
      cs === undefined ? key : `((${ce} - ${cn}) / ${cs}) * 100 = ${rate}`,
    format: { integer: String, percent: String, percentWhole: String },
  };
  const row = {
    is_complete: 1,
    customers_start: 200,
    customers_end: 190,
    customers_new: 10,
    retention_rate_pct: 90,
  };
  const why = (changes) => explanation(context, { ...row, ...changes }, "retention_rate_pct");

  assert.equal(why({}), "((190 - 10) / 200) * 100 = 90\nformula.letters");
  assert.equal(why({ customers_start: 0, retention_rate_pct: null }), "rate.nobody");
  assert.equal(why({ is_complete: 0, retention_rate_pct: null }), "rate.running");
});

test("a sparkline goes from the left edge to the right, from nothing at the bottom to the most at the top", () => {
  assert.equal(points([0, 5, 10]), "0,23 50,12 100,1");
  assert.equal(points([0, 0]), "0,23 100,23");
});
