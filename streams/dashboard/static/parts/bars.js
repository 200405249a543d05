import { make, setProperty, setText } from "../dom.js";

/**
 * Upright bars with a number above and a name below, as a list: ten bins of a score.
 * @param {{id: string, label: string, names: readonly string[]}} how
 */
export function uprightBars({ id, label, names }) {
  const bars = names.map((name) => {
    const value = make("span", { class: "bar-value" });
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    const item = make(
      "li",
      {},
      make("span", { class: "bar-room" }, value, bar),
      make("span", { class: "bar-name" }, name),
    );
    return { value, bar, item };
  });
  return {
    node: make(
      "ol",
      { class: "upright-bars", "aria-label": label, "data-testid": id },
      ...bars.map(({ item }) => item),
    ),
    /** @param {readonly number[]} values @param {(value: number) => string} text */
    show(values, text) {
      const top = Math.max(1, ...values);
      bars.forEach(({ value, bar }, index) => {
        const count = values[index] ?? 0;
        setText(value, text(count));
        setProperty(bar, "--share", String(count / top));
      });
    },
  };
}

/**
 * A bar that fills its cell from the left, behind or below a number.
 * @param {HTMLElement} cell
 * @param {string} text
 * @param {number} share 0 to 1
 */
export function setMeter(cell, text, share) {
  let meter = /** @type {HTMLElement | null} */ (cell.querySelector(".meter"));
  if (meter === null) {
    meter = make("span", { class: "meter", "aria-hidden": "true" });
    cell.replaceChildren(make("span", { class: "meter-text" }), meter);
  }
  setText(/** @type {Element} */ (cell.firstElementChild), text);
  setProperty(meter, "--share", String(Math.min(1, Math.max(0, share))));
}
