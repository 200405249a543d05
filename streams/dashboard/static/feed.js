import { Refused, ask } from "./api.js";

const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 30_000;
/** Pages without a stream are asked for again so often. */
const POLL_MS = 60_000;
/** A stream that is silent for so long may be cut off without our knowing: it is begun anew. */
const SILENCE_MS = 45_000;
const ANSWER_MS = 30_000;

/** @typedef {{state: "loading" | "live" | "current" | "reconnecting" | "problem", message?: string}} FeedState */
/**
 * @typedef {object} Listener
 * @property {(data: any) => void} data
 * @property {(state: FeedState) => void} state
 * @property {(refusal: Refused) => void} refused the address is wrong (4xx): asking again will not help
 */

/**
 * Data of one path: asked for once, then streamed (or polled) while the tab is seen. Nothing is held open by a hidden
 * tab, and answers to an earlier path are dropped.
 */
export class Feed {
  #listener;
  #path = "";
  #live = false;
  /** @type {AbortController | null} */
  #asking = null;
  /** @type {EventSource | null} */
  #source = null;
  #timer = 0;
  #retryMs = FIRST_RETRY_MS;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#stop() : this.#start()));
    addEventListener("pagehide", () => this.#stop());
    addEventListener("pageshow", (event) => event.persisted && this.#start());
  }

  /** @param {string} path below /api and /stream @param {boolean} live */
  watch(path, live) {
    this.#path = path;
    this.#live = live;
    this.#retryMs = FIRST_RETRY_MS;
    this.#listener.state({ state: "loading" });
    this.#start();
  }

  /** Ends it until the next `watch`. */
  close() {
    this.#path = "";
    this.#stop();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
    this.#source?.close();
    this.#source = null;
  }

  async #start() {
    this.#stop();
    if (this.#path === "" || document.hidden) return;
    const answer = await this.#answer();
    if (answer === null) return;
    this.#taken(answer);
    if (this.#live) {
      this.#stream();
    } else {
      this.#listener.state({ state: "current" });
      this.#later(POLL_MS);
    }
  }

  /** @returns {Promise<any>} null if there is none, or nobody waits for it any more */
  async #answer() {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const answer = await ask(this.#path, AbortSignal.any([asking.signal, AbortSignal.timeout(ANSWER_MS)]));
      return asking.signal.aborted ? null : answer;
    } catch (problem) {
      if (!asking.signal.aborted) this.#failed(problem);
      return null;
    }
  }

  #stream() {
    const source = new EventSource(`/stream${this.#path}`);
    this.#source = source;
    source.addEventListener("message", (event) => {
      this.#taken(JSON.parse(event.data));
      this.#listener.state({ state: "live" });
      this.#later(SILENCE_MS);
    });
    source.addEventListener("problem", (event) => {
      this.#listener.state({ state: "problem", message: String(JSON.parse(event.data).error) });
    });
    source.addEventListener("error", () => {
      this.#listener.state({ state: "reconnecting" });
      // The browser tries again by itself, unless the server refused.
      if (source.readyState === EventSource.CLOSED) this.#retry();
    });
  }

  /** @param {any} data */
  #taken(data) {
    this.#retryMs = FIRST_RETRY_MS;
    this.#listener.data(data);
  }

  /** @param {unknown} problem */
  #failed(problem) {
    if (problem instanceof Refused && problem.status < 500) {
      this.#listener.refused(problem);
      return;
    }
    const isSlow = problem instanceof DOMException && problem.name === "TimeoutError";
    if (!(problem instanceof Refused || problem instanceof TypeError || isSlow)) throw problem;
    this.#listener.state(
      problem instanceof Refused ? { state: "problem", message: problem.message } : { state: "reconnecting" },
    );
    this.#retry();
  }

  #retry() {
    this.#later(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  /** @param {number} delayMs */
  #later(delayMs) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), delayMs);
  }
}
