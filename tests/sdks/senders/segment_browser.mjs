// @segment/analytics-next in Chromium, on a page of the origin http://127.0.0.1:PAGE_PORT.
//     node segment_browser.mjs COLLECTOR_URL WRITE_KEY PAGE_PORT CHROMIUM
// Also tells `{"blocked": message}` when the browser refuses to let the page call the collector.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { calls, tell } from "./calls.mjs";

const [url, writeKey, pagePort, executablePath] = process.argv.slice(2);
const FILES = {
  "/": ["text/html", new URL("page.html", import.meta.url)],
  "/analytics.js": [
    "text/javascript",
    new URL("../node_modules/@segment/analytics-next/dist/umd/index.js", import.meta.url),
  ],
};

const server = createServer(async (request, response) => {
  const [kind, file] = FILES[request.url] ?? [];
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": kind }).end(await readFile(file));
});
await new Promise((listening) => server.listen(Number(pagePort), "127.0.0.1", listening));

const browser = await chromium.launch({ executablePath, args: ["--disable-background-networking"] });
const page = await browser.newPage();
page.on("console", (message) => {
  if (message.text().includes("CORS policy")) tell({ blocked: message.text() });
});
await page.goto(`http://127.0.0.1:${pagePort}/#${writeKey}@${new URL(url).host}/v1`);
await page.evaluate(() => window.analytics.then(() => undefined));

const sending = [];
let userId;
for await (const [number, call] of calls()) {
  // The SDK looks up who the visitor is a moment after the call.
  if (call.userId !== userId) await Promise.all(sending);
  userId = call.userId;
  sending.push(
    page
      .evaluate((what) => window.send(what), call)
      .then((messageId) => tell({ call: number, message_id: messageId })),
  );
}

await Promise.all(sending);
const errors = await page.evaluate(() => window.errors);
await browser.close();
server.close();
if (errors.length) {
  console.error("not delivered:", errors);
  process.exit(1);
}
