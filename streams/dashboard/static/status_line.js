import { find, setText } from "./dom.js";

/** Says in the footer how fresh the numbers are, and in a notice above the page when they are not. */
export class StatusLine {
  #context;
  #line = find("#feed-status", HTMLElement);
  #text = find("#feed-text", HTMLElement);
  #notice = find("#notice", HTMLElement);
  /** @type {string | null} */
  #asOf = null;

  /** @param {import("./context.js").Context} context */
  constructor(context) {
    this.#context = context;
  }

  /** @param {string} asOf */
  heard(asOf) {
    this.#asOf = asOf;
  }

  /** @param {import("./feed.js").FeedState} feed */
  show({ state, message }) {
    const { t, format } = this.#context;
    const at = this.#asOf === null ? "" : format.stamp(this.#asOf);
    const brief = this.#asOf === null ? "" : format.minute(this.#asOf);
    const stale = state === "problem" || state === "reconnecting";
    this.#line.dataset.state = state;
    document.body.dataset.stale = String(stale && this.#asOf !== null);
    setText(this.#text, t(`feed.${state}`, { at: brief }));
    const old = this.#asOf === null ? t("feed.none_yet") : t("feed.old", { at });
    const why = state === "problem" ? t("feed.problem_says", { message: message ?? "" }) : t("feed.lost");
    setText(this.#notice, stale ? `${why} · ${old}` : "");
    this.#notice.hidden = !stale;
  }

  /** Another page: its numbers are not there yet. */
  forget() {
    this.#asOf = null;
  }
}
