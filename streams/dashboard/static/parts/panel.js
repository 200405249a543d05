import { make } from "../dom.js";

/**
 * A part of a page with a heading. `aside` stands at the heading's right: a note or a switch.
 * @param {{id: string, title: string, note?: string | Node | null, aside?: Node | null}} head
 * @param {...(Node | string | null)} body
 * @returns {HTMLElement}
 */
export function panel({ id, title, note = null, aside = null }, ...body) {
  return make(
    "section",
    { class: "panel", id, "aria-labelledby": `${id}-title`, "data-testid": id },
    make(
      "div",
      { class: "panel-head" },
      make("h2", { id: `${id}-title` }, title),
      note && make("p", { class: "soft" }, note),
      aside,
    ),
    ...body,
  );
}

/**
 * The first lines of a page.
 * @param {string} title
 * @param {...(Node | string | null)} beside
 */
export function pageHead(title, ...beside) {
  return make("div", { class: "page-head" }, make("h1", {}, title), ...beside);
}
