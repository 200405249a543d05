import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MISSING,
  agos,
  durations,
  formats,
  money,
  span,
  utc,
} from "../../../streams/dashboard/static/format.js";

/** Intl writes no-break and narrow no-break spaces. */
const plain = (text) => text.replace(/[\u00a0\u202f]/g, " ");

test("numbers are written by the rules of the language", () => {
  const [english, german] = [formats("en-GB", "UTC"), formats("de-DE", "UTC")];

  assert.equal(english.integer(1234567), "1,234,567");
  assert.equal(german.integer(1234567), "1.234.567");
  assert.equal(english.decimal(71.96), "72.0");
  assert.equal(german.decimal(71.96), "72,0");
  assert.equal(english.percent(92.96), "93.0%");
  assert.equal(plain(german.percent(92.96)), "93,0 %");
  assert.equal(english.signed(2), "+2.0");
  assert.equal(english.signed(0), "0.0");
});

test("what is absent is a dash, never a zero", () => {
  const { integer, decimal, percent, rate, day, stamp } = formats("en", "UTC");

  for (const format of [integer, decimal, percent, rate, day, stamp]) assert.equal(format(null), MISSING);
  assert.equal(integer(0), "0");
});

test("money comes from minor units, as many as its currency has", () => {
  assert.equal(money("en-GB", 128450, "EUR"), "€1,284.50");
  assert.equal(money("en-GB", 11540, "JPY"), "JP¥11,540");
  assert.equal(plain(money("en-GB", 12345, "KWD")), "KWD 12.345");
  assert.equal(plain(money("de-DE", -500, "EUR")), "-5,00 €");
});

test("a code that is no currency is shown with its minor units as they are", () => {
  assert.equal(money("en", 500, "EURO"), "500 EURO");
  assert.equal(money("en", 0, null), MISSING);
});

test("an instant is shown in the time zone of the viewer, a date as it is", () => {
  const { clock, day } = formats("en-GB", "Asia/Tokyo");

  assert.equal(clock("2026-11-22T19:00:00.123Z"), "04:00:00");
  assert.equal(day("2026-11-22"), "22 Nov 2026");
  assert.equal(utc("2026-11-22T19:00:00.123Z"), "2026-11-22 19:00:00 UTC");
});

test("hours are counted as the language counts them", () => {
  const shown = (locale) => plain(formats(locale, "UTC").moment("2026-11-22T09:05:06.000Z"));

  assert.equal(shown("en-US"), "Nov 22, 9:05 AM");
  assert.equal(shown("en-GB"), "22 Nov, 09:05");
  assert.equal(shown("de-DE"), "22. Nov., 09:05");
});

test("a period is named by its grain", () => {
  const { period } = formats("en-GB", "America/New_York");

  assert.equal(period("2026-10-01", "quarter"), "Q4 2026");
  assert.equal(period("2026-10-01", "month"), "Oct 2026");
  assert.equal(period("2026-11-16", "week"), "16 Nov");
});

test("a span of time is told in the largest unit that fits", () => {
  assert.deepEqual(span(-3), { value: 0, unit: "second" });
  assert.deepEqual(span(59.9), { value: 59, unit: "second" });
  assert.deepEqual(span(60), { value: 1, unit: "minute" });
  assert.deepEqual(span(86_399), { value: 23, unit: "hour" });
  assert.deepEqual(span(3 * 86_400), { value: 3, unit: "day" });
});

test("what is past declines its unit as the language wants it", () => {
  assert.equal(agos("de-DE")(3 * 86_400), "vor 3 Tagen");
  assert.equal(plain(durations("de-DE")(3 * 86_400)), "3 Tage");
  assert.equal(agos("en-GB")(0.4), "now");
  assert.equal(agos("de-DE")(0.4), "jetzt");
});
