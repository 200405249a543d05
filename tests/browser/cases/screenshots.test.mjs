// Pictures of every page for a person to look at; and that nothing is wider than the screen.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { open, openBrowser, PATHS } from "./stage.mjs";

const DIRECTORY = fileURLToPath(new URL("../screenshots/", import.meta.url));

let browser, page;
before(async () => {
  await mkdir(DIRECTORY, { recursive: true });
  browser = await openBrowser();
  page = await browser.newPage();
});
after(() => browser.close());

for (const path of PATHS) {
  for (const width of [1280, 390]) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${path} at ${width} pixels, ${colorScheme}`, async () => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await open(page, path);
        await page.evaluate(() => document.fonts.ready);
        const name = path.split("/")[1] || "overview";
        await page.screenshot({ path: `${DIRECTORY}${name}-${width}-${colorScheme}.png`, fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${wide} pixels wider than the screen`);
      });
    }
  }
}
