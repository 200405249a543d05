import { setAttribute } from "../dom.js";

/** @type {WeakMap<Element, string>} */
const names = new WeakMap();

const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const box =
      target.parentElement !== null && names.has(target.parentElement) ? target.parentElement : target;
    describe(box);
  }
});

/**
 * A box that scrolls sideways or down can be reached and scrolled with the keyboard, and says what it is; one that
 * does not is no stop on the way.
 * @param {HTMLElement} box
 * @param {string} name
 */
export function scrollable(box, name) {
  names.set(box, name);
  observer.observe(box);
  if (box.firstElementChild) observer.observe(box.firstElementChild);
}

/** @param {Element} box */
function describe(box) {
  const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  setAttribute(box, "tabindex", scrolls ? 0 : null);
  setAttribute(box, "role", scrolls ? "group" : null);
  setAttribute(box, "aria-label", scrolls ? names.get(box) : null);
}
