// Filters, deep links and the keyboard: an address shows the same thing to everybody.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { DASHBOARD, eventually, open, openBrowser, settled, text } from "./stage.mjs";

let browser, page;
before(async () => {
  browser = await openBrowser();
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage();
});
after(async () => {
  await browser.close();
  assert.deepEqual(browser.faults, []);
});

const address = () => page.url().slice(DASHBOARD.length);
const visitors = () => page.locator("#visitors-table a.who").allInnerTexts();
const channels = () => page.locator("#visitors-table [data-channel]").evaluateAll((all) => all.map((one) => one.dataset.channel));

test("a chosen channel is in the address, and the address chooses it", async () => {
  await open(page, "/visitors");
  await page.getByTestId("channel-filter-purchase").click();
  await eventually(async () => assert.deepEqual([...new Set(await channels())], ["purchase"]));
  assert.equal(new URL(page.url()).searchParams.get("channel"), "purchase");
  const shown = await visitors();

  const link = address();
  await page.goto("about:blank");
  await open(page, link);
  assert.deepEqual(await visitors(), shown);
});

test("Back leads to what was shown before", async () => {
  await open(page, "/visitors");
  const all = await visitors();
  await page.getByTestId("channel-filter-chat").click();
  await eventually(async () => assert.notDeepEqual(await visitors(), all));
  await page.goBack();
  await eventually(async () => assert.equal((await visitors()).length, all.length));
  assert.equal(address(), "/visitors");
});

test("a least score leaves the others out", async () => {
  await open(page, "/visitors?min_score=30");
  const scores = await page.locator("#visitors-table .meter-text").allInnerTexts();
  assert.ok(scores.every((score) => Number(score) >= 30), scores.join());
});

test("grain and basis of retention are in the address", async () => {
  await open(page, "/retention");
  await page.getByTestId("grain-week").click();
  await page.getByTestId("basis-engagement").click();
  await settled(page);
  const query = new URL(page.url()).searchParams;
  assert.deepEqual([query.get("grain"), query.get("basis")], ["week", "engagement"]);
  assert.equal(await page.getByTestId("grain-week").getAttribute("aria-current"), "true");
});

test("a customer's timeline shows one channel when asked", async () => {
  await open(page, "/customers/c-000?channel=website");
  const shown = await page
    .getByTestId("timeline")
    .locator("[data-channel]")
    .evaluateAll((all) => [...new Set(all.map((one) => one.dataset.channel))]);
  assert.deepEqual(shown, ["website"]);
});

test("an unknown customer is said to be unknown", async () => {
  await page.goto(`${DASHBOARD}/customers/nobody%2Fat%20all`);
  await page.getByTestId("missing").waitFor();
  // The browser itself says what it was answered.
  assert.ok(browser.faults.splice(0).every((fault) => fault.includes("404")));
});

test("from a name in the list to the customer's page", async () => {
  await open(page, "/visitors");
  const [first] = await visitors();
  await page.locator("#visitors-table a.who").first().click();
  await page.getByTestId("customer-score").waitFor();
  assert.equal(address(), `/customers/${encodeURIComponent(first)}`);
});

test("the keyboard alone finds a customer", async () => {
  await open(page, "/");
  const focused = () => page.evaluate(() => document.activeElement.id);
  for (let presses = 0; presses < 20 && (await focused()) !== "search"; presses += 1) await page.keyboard.press("Tab");
  assert.equal(await focused(), "search");
  await page.keyboard.type("c-00");
  await page.getByRole("option", { name: "c-001" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByTestId("customer-score").waitFor();
  assert.equal(address(), "/customers/c-001");
});

test("every focused element shows that it has the focus", async () => {
  await open(page, "/visitors");
  for (let presses = 0; presses < 15; presses += 1) {
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return [style.outlineStyle, style.boxShadow, document.activeElement.outerHTML.slice(0, 80)];
    });
    assert.ok(outline[0] !== "none" || outline[1] !== "none", outline[2]);
  }
});

for (const [name, path, german] of [
  ["overview", "/", "Übersicht"],
  ["visitors", "/visitors", "Besuch"],
  ["retention", "/retention", "Kunden"],
]) {
  test(`German texts with ?lang=de on ${name}, remembered afterwards`, async () => {
    await open(page, `${path}?lang=de`);
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    assert.match(await page.locator("body").innerText(), new RegExp(german));
    await open(page, "/health");
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    await open(page, "/health?lang=en");
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
  });
}

test("numbers are written as the language does", async () => {
  await open(page, "/customers/c-000?lang=en");
  const english = await text(page, "customer-score-value");
  await open(page, "/customers/c-000?lang=de");
  assert.equal(await text(page, "customer-score-value"), english.replace(".", ","));
  await open(page, "/?lang=en");
});
