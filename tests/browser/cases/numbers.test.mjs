// What stands on the page is what the views say. Nobody sends anything meanwhile.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { customerPath, eventually, number, open, openBrowser, sql, text, value } from "./stage.mjs";

let browser, page;
before(async () => {
  browser = await openBrowser();
  page = await browser.newPage();
});
after(async () => {
  await browser.close();
  assert.deepEqual(browser.faults, []);
});

const percent = (rate) => (rate === null ? "–" : `${rate.toFixed(1)}%`);
const cells = (id, column) => page.locator(`#${id} tbody .col-${column}`).allInnerTexts();

test("overview: who is here, who was active, scores", async () => {
  await open(page, "/");
  await eventually(async () => {
    assert.equal(await number(page, "live-visitors-value"), await value("SELECT count() FROM v_live_visitors"));
  });
  const [newest] = await sql("SELECT * FROM v_stickiness ORDER BY day DESC LIMIT 1");
  for (const name of ["dau", "wau", "mau"]) assert.equal(await number(page, `${name}-value`), newest[name]);
  const scores = await sql("SELECT score FROM v_customer_360 WHERE is_anonymous = 0");
  const tenths = Array(10).fill(0);
  for (const { score } of scores) tenths[Math.min(9, Math.floor(score / 10))] += 1;
  const shown = await page.getByTestId("score-bars").locator(".bar-value").allInnerTexts();
  assert.deepEqual(shown.map(Number), tenths);
});

test("overview: retention of the last whole month", async () => {
  const [last] = await sql(`SELECT * FROM v_retention_period WHERE grain = 'month' AND basis = 'purchase'
    AND is_complete ORDER BY period_start DESC LIMIT 1`);
  for (const name of ["retention_rate_pct", "retention_strict_pct", "churn_net_pct", "churn_gross_pct"]) {
    const shown = await page.getByTestId(name).locator("td").first().getByRole("button").innerText();
    assert.equal(shown, percent(last[name]), name);
  }
});

for (const channel of ["", "website", "chat", "purchase"]) {
  test(`visitors: ${channel || "all channels"}, in the order of the view`, async () => {
    await open(page, `/visitors?channel=${channel}`);
    const here = `FROM v_live_visitors WHERE '${channel}' IN ('', channel)`;
    await eventually(async () => {
      const rows = await sql(`SELECT customer_id, score ${here}
        ORDER BY lead_score DESC NULLS LAST, score DESC, last_at DESC, customer_id`);
      assert.deepEqual(
        await page.locator("#visitors-table a.who").allInnerTexts(),
        rows.map((row) => row.customer_id),
      );
      assert.deepEqual(
        await page.locator("#visitors-table .col-score .meter-text").allInnerTexts(),
        rows.map((row) => row.score.toFixed(1)),
      );
    });
  });
}

test("a customer: score, orders, revenue, events, ledger", async () => {
  const [{ id }] = await sql(`SELECT customer_id AS id FROM v_customer_360
    WHERE orders_total > 1 AND score > 0 ORDER BY events_total DESC LIMIT 1`);
  await open(page, customerPath(id));
  const [row] = await sql(`SELECT * FROM v_customer_360 WHERE customer_id = '${id}'`);
  assert.equal(await number(page, "customer-score-value"), row.score);
  assert.equal(await number(page, "customer-orders-value"), row.orders_total);
  assert.equal(await number(page, "customer-events-value"), row.events_total);
  assert.equal(Math.round(100 * (await number(page, "customer-revenue-value"))), row.revenue_minor_total);
  const points = await value(`SELECT sum(points) FROM v_score_ledger
    WHERE customer_id = '${id}' AND day > today() - 30`);
  assert.equal(await number(page, "score-points"), points);
  assert.equal(await page.locator("#orders-table tbody tr").count(), Math.min(50, row.orders_total));
  assert.match(await text(page, "score-ledger"), new RegExp(`Why ${row.score.toFixed(1)}`));
});

for (const [grain, basis] of [
  ["month", "purchase"],
  ["week", "engagement"],
  ["day", "engagement"],
]) {
  test(`retention: periods by ${grain}, ${basis}`, async () => {
    await open(page, `/retention?grain=${grain}&basis=${basis}`);
    const rows = await sql(`SELECT * FROM v_retention_period
      WHERE grain = '${grain}' AND basis = '${basis}' ORDER BY period_start DESC LIMIT 24`);
    for (const column of ["customers_start", "customers_end", "customers_new", "customers_won_back"]) {
      assert.deepEqual(
        (await cells("periods-table", column)).slice(1).map(Number),
        rows.slice(1).map((row) => row[column]),
        column,
      );
    }
    const rates = await page.locator("#periods-table tbody .col-retention_rate_pct button").allInnerTexts();
    assert.deepEqual(
      rates,
      rows.map((row) => percent(row.retention_rate_pct)),
    );
    const sizes = await page.getByTestId("cohorts-table").locator(".size").allInnerTexts();
    const cohorts = await sql(`SELECT cohort_start, any(size) AS size FROM v_retention_cohort
      WHERE grain = '${grain}' AND basis = '${basis}' GROUP BY cohort_start ORDER BY cohort_start DESC LIMIT 12`);
    assert.deepEqual(sizes.map(Number).sort(), cohorts.map((row) => row.size).sort());
  });
}

test("health: what was refused, how fresh rows are", async () => {
  await open(page, "/health");
  assert.equal(await number(page, "rejected-value"), await value("SELECT count() FROM v_rejected_events"));
  assert.deepEqual(
    await cells("freshness-table", "table"),
    (await sql("SELECT table_name FROM v_freshness ORDER BY table_name")).map((row) => row.table_name),
  );
});
