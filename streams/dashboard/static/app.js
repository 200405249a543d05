import { context, loadCatalogue } from "./context.js";
import { find, setAttribute } from "./dom.js";
import { Feed } from "./feed.js";
import { fillFrame } from "./frame.js";
import { navigation } from "./navigation.js";
import { customer } from "./pages/customer.js";
import { health } from "./pages/health.js";
import { missing } from "./pages/missing.js";
import { overview } from "./pages/overview.js";
import { retention } from "./pages/retention.js";
import { visitors } from "./pages/visitors.js";
import { installHints } from "./parts/hint.js";
import { prefer, preference } from "./preferences.js";
import { Search } from "./search.js";
import { StatusLine } from "./status_line.js";
import { chosenLanguage } from "./texts.js";
import { applyTheme } from "./theme.js";
import { keepMoving } from "./times.js";

/**
 * A page: made once, shown anew when its filters change, filled with each answer.
 * @typedef {object} Page
 * @property {string} title
 * @property {(query: URLSearchParams) => string} show marks the filters; returns the path of its data
 * @property {(data: any) => void} render
 * @property {() => void} [close]
 */
/** @typedef {(path: string, how?: {replace?: boolean}) => void} Go */
/** @typedef {{context: import("./context.js").Context, main: HTMLElement, id: string, go: Go}} Room */
/** @typedef {(room: Room) => Page} MakePage */

/** @type {Record<string, {make: MakePage, live: boolean}>} */
const PAGES = {
  overview: { make: overview, live: true },
  visitors: { make: visitors, live: true },
  customer: { make: customer, live: true },
  retention: { make: retention, live: false },
  health: { make: health, live: true },
};

class App {
  #context;
  #main = find("#main", HTMLElement);
  #status;
  #feed;
  /** @type {Page | null} */
  #page = null;
  #shown = "";
  /** @type {Go} */
  #go = () => undefined;

  /** @param {import("./context.js").Context} context */
  constructor(context) {
    this.#context = context;
    this.#status = new StatusLine(context);
    this.#feed = new Feed({
      data: (data) => this.#render(data),
      state: (state) => this.#status.show(state),
      refused: (refusal) => this.#refused(refusal),
    });
    this.#go = navigation((place) => this.#arrived(place));
    new Search(context, this.#go);
  }

  /** @param {import("./places.js").Place} place */
  #arrived({ page, id, query }) {
    const wanted = `${page} ${id}`;
    if (wanted !== this.#shown || this.#page === null) this.#open(page, id);
    if (this.#page === null) return;
    setAttribute(this.#main, "aria-busy", "true");
    this.#feed.watch(this.#page.show(query), PAGES[page].live);
  }

  /** @param {string} page @param {string} id */
  #open(page, id) {
    const first = this.#shown === "";
    this.#leave();
    this.#shown = `${page} ${id}`;
    this.#mark(page);
    if (!(page in PAGES)) {
      this.#say(this.#context.t("missing.page"));
      return;
    }
    this.#main.classList.add("is-loading");
    const go = /** @type {Go} */ ((path, how) => this.#go(path, how));
    this.#page = PAGES[page].make({ context: this.#context, main: this.#main, id, go });
    this.#entitle(this.#page.title);
    if (!first) this.#begin();
  }

  #leave() {
    this.#feed.close();
    this.#page?.close?.();
    this.#page = null;
    this.#status.forget();
    this.#main.replaceChildren();
  }

  /** Screen readers and keyboards begin where the new page begins. */
  #begin() {
    scrollTo(0, 0);
    this.#main.focus({ preventScroll: true });
  }

  /** @param {string} page */
  #mark(page) {
    for (const link of document.querySelectorAll("nav.pages a")) {
      setAttribute(link, "aria-current", link.getAttribute("data-page") === page ? "page" : null);
    }
  }

  /** @param {any} data */
  #render(data) {
    this.#context.asOf.heard(data.as_of, Date.now());
    this.#status.heard(data.as_of);
    this.#main.classList.remove("is-loading");
    setAttribute(this.#main, "aria-busy", null);
    this.#page?.render(data);
  }

  /** @param {import("./api.js").Refused} refusal */
  #refused(refusal) {
    this.#leave();
    this.#say(refusal.status === 404 ? this.#context.t("missing.customer") : refusal.message);
  }

  /** @param {string} why */
  #say(why) {
    this.#main.classList.remove("is-loading");
    setAttribute(this.#main, "aria-busy", null);
    this.#status.show({ state: "current" });
    this.#main.append(missing(this.#context, why));
    this.#entitle(this.#context.t("missing.title"));
  }

  /** @param {string} title */
  #entitle(title) {
    document.title = `${title} · Engagement Streams`;
  }
}

async function start() {
  applyTheme();
  const asked = new URLSearchParams(location.search).get("lang");
  const chosen = chosenLanguage(asked, preference("language"), navigator.languages);
  if (asked === chosen.language) prefer("language", asked);
  const words = context(await loadCatalogue(chosen.language), chosen);
  fillFrame(words);
  installHints();
  keepMoving(words);
  new App(words);
}

await start();
