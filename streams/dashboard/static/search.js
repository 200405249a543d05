import { ask } from "./api.js";
import { find, make, setAttribute, setText } from "./dom.js";
import { customerPath } from "./places.js";

const TYPING_PAUSE_MS = 120;

/** Customer ids by their beginning: a combobox as the ARIA practices describe it. Enter opens. */
export class Search {
  #context;
  #go;
  #input = find("#search", HTMLInputElement);
  #list = find("#suggestions", HTMLUListElement);
  #status = find("#search-status", HTMLElement);
  /** @type {string[]} ids on the list */
  #ids = [];
  #active = -1;
  /** What the list answers. */
  #answered = "";
  #timer = 0;
  #asking = new AbortController();

  /** @param {import("./context.js").Context} context @param {(path: string) => void} go */
  constructor(context, go) {
    this.#context = context;
    this.#go = go;
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    this.#input.addEventListener("focus", () => this.#typed());
    this.#input.addEventListener("blur", () => this.#close());
    this.#input.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    // The list takes no focus: a click would blur the field and close the list before it counts.
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
    addEventListener("keydown", (event) => this.#slash(event));
  }

  /** @param {KeyboardEvent} event */
  #slash(event) {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#input.focus();
    this.#input.select();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#asking.abort();
    const typed = this.#input.value.trim();
    if (typed === "") this.#close();
    else this.#timer = setTimeout(() => this.#suggest(typed), TYPING_PAUSE_MS);
  }

  /** @param {string} typed */
  async #suggest(typed) {
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const { customers } = await ask(`/customers?q=${encodeURIComponent(typed)}`, signal);
      if (!signal.aborted && document.activeElement === this.#input) this.#show(typed, customers);
    } catch (problem) {
      if (signal.aborted) return;
      this.#close();
      setText(this.#status, this.#context.t("search.failed"));
      console.warn(problem);
    }
  }

  /** @param {string} typed @param {import("./rows.js").Suggestion[]} customers */
  #show(typed, customers) {
    const { t, counted } = this.#context;
    this.#answered = typed;
    this.#ids = customers.map((customer) => customer.customer_id);
    this.#list.replaceChildren(...customers.map((customer, index) => this.#option(customer, index)));
    if (customers.length === 0)
      this.#list.append(
        make("li", { class: "none", role: "option", "aria-disabled": "true" }, t("search.none")),
      );
    setText(this.#status, counted("search.found", customers.length));
    this.#list.hidden = false;
    setAttribute(this.#input, "aria-expanded", "true");
    this.#activate(-1);
  }

  /** @param {import("./rows.js").Suggestion} customer @param {number} index */
  #option(customer, index) {
    const { format, named } = this.#context;
    const status = customer.churn_status;
    return make(
      "li",
      { role: "option", id: `suggestion-${index}`, onclick: () => this.#open(customer.customer_id) },
      make("span", { class: "id" }, customer.customer_id),
      make("span", { class: "soft" }, status === null ? "" : named(`status.${status}`, status)),
      make("span", { class: "number" }, format.decimal(customer.score)),
    );
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && !this.#list.hidden && this.#ids.length > 0) {
      event.preventDefault();
      const places = this.#ids.length + 1;
      this.#activate(((this.#active + 1 + step + places) % places) - 1);
    } else if (event.key === "Escape") {
      if (this.#list.hidden) this.#input.value = "";
      this.#close();
    }
  }

  /** @param {number} index -1: the field itself */
  #activate(index) {
    this.#active = index;
    [...this.#list.children].forEach((option, at) =>
      setAttribute(option, "aria-selected", String(at === index)),
    );
    setAttribute(this.#input, "aria-activedescendant", index < 0 ? null : `suggestion-${index}`);
    if (index >= 0) this.#list.children[index].scrollIntoView({ block: "nearest" });
  }

  /** The one chosen; else what was typed if there is such an id, or nothing better is known; else the first. */
  #submit() {
    const typed = this.#input.value.trim();
    if (typed === "") return;
    const known = this.#answered === typed ? this.#ids : [];
    const first = known.length === 0 || known.includes(typed) ? typed : known[0];
    this.#open(this.#active >= 0 ? this.#ids[this.#active] : first);
  }

  /** @param {string} id */
  #open(id) {
    this.#close();
    this.#input.value = "";
    this.#go(customerPath(id));
  }

  #close() {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#ids = [];
    this.#answered = "";
    this.#active = -1;
    this.#list.hidden = true;
    setAttribute(this.#input, "aria-expanded", "false");
    setAttribute(this.#input, "aria-activedescendant", null);
  }
}
