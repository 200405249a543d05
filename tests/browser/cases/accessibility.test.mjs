// axe-core finds nothing serious or critical on any page, light and dark, wide and narrow.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeViolations, open, openBrowser, PATHS } from "./stage.mjs";

let browser, page;
before(async () => {
  browser = await openBrowser();
  page = await browser.newPage();
});
after(async () => {
  await browser.close();
  assert.deepEqual(browser.faults, []);
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    for (const path of PATHS) {
      test(`${path}, ${colorScheme}, ${width} pixels`, async () => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await open(page, path);
        assert.deepEqual(await axeViolations(page), []);
      });
    }
  }
}

test("a page that has such a fault is found out", async () => {
  await open(page, "/health");
  await page.evaluate(() => document.querySelector("#search").labels.forEach((label) => label.remove()));
  await page.evaluate(() => document.querySelector("#search").removeAttribute("data-placeholder"));
  await page.evaluate(() => document.querySelector("#search").removeAttribute("placeholder"));
  assert.ok((await axeViolations(page)).some((line) => line.includes("label")));
});
