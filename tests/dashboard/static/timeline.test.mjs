import assert from "node:assert/strict";
import { test } from "node:test";
import { byDay, merged } from "../../../streams/dashboard/static/timeline_events.js";

const event = (minute, summary = "page viewed") => ({
  occurred_at: `2026-11-22T10:${String(minute).padStart(2, "0")}:00.000Z`,
  channel: "website",
  type: "page_viewed",
  session_id: "",
  source: "",
  summary,
});
const minutes = (events) => events.map(({ occurred_at }) => Number(occurred_at.slice(14, 16)));

test("older events stay below the newest", () => {
  const { events, joined } = merged([event(9), event(8)], [event(8), event(7), event(6)], true);

  assert.deepEqual(minutes(events), [9, 8, 7, 6]);
  assert.ok(joined);
});

test("what slides out of the newest is kept", () => {
  assert.deepEqual(
    minutes(merged([event(9), event(8)], [event(8), event(7), event(6)], true).events),
    [9, 8, 7, 6],
  );
  assert.deepEqual(
    minutes(merged([event(10), event(9)], [event(9), event(8), event(7)], true).events),
    [10, 9, 8, 7],
  );
});

test("two events that look alike are two", () => {
  assert.deepEqual(
    minutes(merged([event(9), event(9)], [event(9), event(9), event(8)], true).events),
    [9, 9, 8],
  );
});

test("of one instant, those that the newest do not have are kept", () => {
  const { events } = merged(
    [event(9, "a"), event(8, "b")],
    [event(8, "b"), event(8, "c"), event(7, "d")],
    true,
  );

  assert.deepEqual(
    events.map(({ summary }) => summary),
    ["a", "b", "c", "d"],
  );
});

test("when so much happened that the two do not meet, no hole is shown as silence", () => {
  assert.deepEqual(merged([event(9), event(8)], [event(5), event(4)], true), {
    events: [event(9), event(8)],
    joined: false,
  });
});

test("without older ones on the server there is no hole", () => {
  assert.deepEqual(minutes(merged([event(9), event(8)], [event(5)], false).events), [9, 8, 5]);
});

test("days are those of the viewer, newest first", () => {
  const rows = [event(9), event(8), { ...event(7), occurred_at: "2026-11-21T23:59:00.000Z" }];

  assert.deepEqual(
    byDay(rows, (iso) => iso.slice(0, 10)).map(({ day, rows: those }) => [day, those.length]),
    [
      ["2026-11-22", 2],
      ["2026-11-21", 1],
    ],
  );
});
