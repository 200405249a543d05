/** A server that replays history is this far from the viewer's clock; then time stands still between answers. */
const REPLAY_MS = 600_000;

/** The instant that the page's numbers hold for; between answers it moves on with the viewer's clock. */
export class AsOf {
  #asOfMs = 0;
  #heardMs = 0;

  /** @param {string} iso `as_of` of an answer @param {number} nowMs */
  heard(iso, nowMs) {
    this.#asOfMs = Date.parse(iso);
    this.#heardMs = nowMs;
  }

  /** @param {number} nowMs @returns {number} milliseconds since 1970 */
  at(nowMs) {
    const replays = Math.abs(this.#heardMs - this.#asOfMs) > REPLAY_MS;
    return replays ? this.#asOfMs : this.#asOfMs + nowMs - this.#heardMs;
  }

  /** @param {string} iso @param {number} nowMs @returns {number} seconds from then to as_of, never negative */
  secondsSince(iso, nowMs) {
    return Math.max(0, (this.at(nowMs) - Date.parse(iso)) / 1000);
  }
}
