import { make, setText } from "../dom.js";

/**
 * One number with its name, for a <dl class="figures">.
 * @param {string | Node} label
 * @param {{id?: string, before?: Node | null, value?: Node | null, after?: Node | null}} [more] `value` in place of text
 * @returns {{node: HTMLElement, value: HTMLElement, note: HTMLElement, set: (value: string, note?: string) => void}}
 */
export function figure(label, { id, before = null, value: content = null, after = null } = {}) {
  const value = make("dd", { class: "figure-value", "data-testid": id && `${id}-value` }, content);
  const note = make("dd", { class: "figure-note" });
  const node = make(
    "div",
    { class: "figure", "data-testid": id },
    make("dt", {}, before, label),
    value,
    note,
    after,
  );
  return {
    node,
    value,
    note,
    set(shown, noted = "") {
      setText(value, shown);
      setText(note, noted);
    },
  };
}

/** @param {string} name of the class @param {...{node: HTMLElement}} figures */
export function figures(name, ...figures) {
  return make("dl", { class: `figures ${name}` }, ...figures.map(({ node }) => node));
}
