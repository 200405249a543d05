// A browser on the live page, whose every misstep is noted; ClickHouse's own word; and somebody who sends events.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const DASHBOARD = process.env.DASHBOARD.replace(/\/$/, "");
export const PATHS = ["/", "/visitors", "/customers/c-000", "/retention", "/health"];
export const SCRIPT_ID = "<script>document.title='owned'</script><img src=x onerror=alert(1)>";
export const customerPath = (id) => `/customers/${encodeURIComponent(id)}`;

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const AXE = createRequire(import.meta.url).resolve("axe-core");

/** One browser in an empty profile; `close` ends it and removes the profile. */
export async function openBrowser({ flags = [], ...options } = {}) {
  const profile = await mkdtemp(join(tmpdir(), "engagement-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    args: [...FLAGS, ...flags],
    locale: "en-US",
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  const faults = watch(context);
  await context.addInitScript(noteFromWithin);
  return {
    context,
    faults,
    newPage: () => context.newPage(),
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** What no page may do: fail, complain, or ask anybody but its own server. */
function watch(context) {
  const faults = [];
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && origin !== DASHBOARD) faults.push(`asked ${request.url()}`);
    if (request.url().endsWith("/csp-report")) faults.push(`reported ${request.postData()}`);
  });
  context.on("weberror", (error) => faults.push(`threw ${error.error().message}`));
  context.on("dialog", (dialog) => {
    faults.push(`opened a dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  context.on("console", (message) => {
    if (message.type() === "error") faults.push(`said ${message.text()}`);
  });
  return faults;
}

/** Runs within each page before its own scripts. */
function noteFromWithin() {
  window.noted = { violations: [], shift: 0 };
  addEventListener("securitypolicyviolation", (event) => {
    window.noted.violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
  });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.noted.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}

/** Go there, and wait until the first answer is shown. */
export async function open(page, path) {
  await page.goto(DASHBOARD + path);
  await settled(page);
}

/** Until the answer to the address that is shown now is on the page. */
export async function settled(page) {
  await page.waitForFunction(() => {
    const main = document.querySelector("main");
    const state = document.querySelector("#feed-status").dataset.state;
    return main.childElementCount > 0 && main.ariaBusy !== "true" && state !== "loading";
  });
}

/** The text of the element with this test id. */
export const text = (page, id) => page.getByTestId(id).innerText();
/** Its number, whatever separates thousands. */
export const number = async (page, id) => Number((await text(page, id)).replace(/[^0-9.-]/g, ""));

/** Rows of a query, as objects. */
export async function sql(query) {
  const url = new URL(process.env.CLICKHOUSE);
  const database = url.pathname.slice(1);
  const parameters = { database, default_format: "JSONEachRow", output_format_json_quote_64bit_integers: 0 };
  const answer = await fetch(`${url.origin}/?${new URLSearchParams(parameters)}`, {
    method: "POST",
    body: query,
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(body);
  return body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The only value of a query with one row of one column. */
export async function value(query) {
  const [row] = await sql(query);
  return Object.values(row)[0];
}

/** Look until a check passes: numbers and pages move on, but both must agree at some moment. */
export async function eventually(check, patienceMs = 20_000) {
  for (const end = Date.now() + patienceMs; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((later) => setTimeout(later, 100));
    }
  }
}

/** Sends events through the product's own producer. */
export class Sender {
  #process = spawn(process.env.PYTHON, ["-m", "tests.browser.sender"], {
    cwd: new URL("../../..", import.meta.url),
    stdio: ["pipe", "pipe", "inherit"],
  });
  #answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();

  /** Resolves, once Kafka has it, with the moment at which it was made (milliseconds since 1970). */
  async send(event) {
    this.#process.stdin.write(`${JSON.stringify(event)}\n`);
    return Number((await this.#answers.next()).value);
  }

  close() {
    this.#process.stdin.end();
  }
}

/** What axe-core finds that matters much, a line each. */
export async function axeViolations(page) {
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}
