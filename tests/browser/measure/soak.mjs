// What a tab takes while it shows 10,000 live customers: a JSON line every so often.
//     node measure/soak.mjs MINUTES

import { open, openBrowser } from "../cases/stage.mjs";

const minutes = Number(process.argv[2]);
const everyMs = Math.max(5_000, (minutes * 60_000) / 60);

const browser = await openBrowser();
const page = await browser.newPage();
const session = await browser.context.newCDPSession(page);
await session.send("Performance.enable");
await open(page, "/visitors");

let before = await taskSeconds();
for (const end = Date.now() + minutes * 60_000; Date.now() < end; ) {
  await page.waitForTimeout(everyMs);
  const now = await taskSeconds();
  const cpuPct = (100 * (now.tasks - before.tasks)) / (now.at - before.at);
  // Garbage is not growth. Collecting it is our work, not the page's: its time is not counted.
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
  const shown = Number((await page.getByTestId("visitors-total-value").innerText()).replace(/\D/g, ""));
  const { shift } = await page.evaluate(() => window.noted);
  const line = { heap_mib: usedSize / 2 ** 20, cpu_pct: cpuPct, nodes, listeners: jsEventListeners, shown, shift };
  console.log(JSON.stringify(line));
  before = await taskSeconds();
}
await browser.close();
if (browser.faults.length > 0) throw new Error(browser.faults.join("\n"));

/** Seconds that the tab's main thread has worked, and when. */
async function taskSeconds() {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  return { tasks: of("TaskDuration"), at: of("Timestamp") };
}
