// Names and addresses come from the open internet: they stay text, and the page asks nobody else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { customerPath, DASHBOARD, open, openBrowser, PATHS, SCRIPT_ID } from "./stage.mjs";

let browser, page;
before(async () => {
  browser = await openBrowser();
  page = await browser.newPage();
});
after(() => browser.close());

const violations = () => page.evaluate(() => window.noted.violations);

test("a customer whose id is a script tag stays text, on their page", async () => {
  await open(page, customerPath(SCRIPT_ID));
  assert.ok((await page.locator("main").innerText()).includes(SCRIPT_ID));
  assert.ok((await page.title()).startsWith(SCRIPT_ID));
  assert.equal(await page.locator("main script, main img, main b").count(), 0);
  assert.deepEqual(await violations(), []);
});

test("… among the visitors, and in the search", async () => {
  await open(page, "/visitors");
  await page.getByRole("link", { name: SCRIPT_ID }).waitFor();
  await page.locator("#search").fill("<script");
  await page.getByRole("option", { name: SCRIPT_ID }).click();
  await page.getByTestId("customer-score").waitFor();
  assert.equal(page.url(), DASHBOARD + customerPath(SCRIPT_ID));
  assert.deepEqual(await violations(), []);
});

test("an address that is a script is no link", async () => {
  await open(page, customerPath(SCRIPT_ID));
  const targets = await page.locator("a").evaluateAll((all) => all.map((link) => link.protocol));
  assert.deepEqual([...new Set(targets)], ["http:"]);
});

for (const path of PATHS) {
  test(`the content security policy has nothing to report on ${path}`, async () => {
    await open(page, path);
    await page.mouse.move(640, 450);
    assert.deepEqual(await violations(), []);
  });
}

test("the policy would report: a script in the page does not run", async () => {
  const other = await browser.newPage();
  await open(other, "/health");
  await other.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
  });
  await other.waitForFunction(() => window.noted.violations.length > 0);
  assert.equal(await other.evaluate(() => window.ran), undefined);
  await other.close();
  const reported = browser.faults.splice(0);
  assert.ok(reported.some((fault) => fault.startsWith("reported ")), reported.join("\n"));
});

test("nothing was asked of others, nothing failed, nothing was reported", () => {
  assert.deepEqual(browser.faults, []);
});
