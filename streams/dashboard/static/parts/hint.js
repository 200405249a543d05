import { find, make, setAttribute, setText } from "../dom.js";
import { MISSING } from "../format.js";

let lastId = 0;
const GAP_PX = 6;

/**
 * A value that explains itself on hover and on focus: a button described by a text of its own.
 * @returns {{node: HTMLElement, set: (value: string, explanation: string) => void}}
 */
export function explained() {
  lastId += 1;
  const value = make(
    "button",
    {
      type: "button",
      class: "explained",
      "aria-describedby": `explained-${lastId}`,
    },
    MISSING,
  );
  const text = make("span", { id: `explained-${lastId}`, hidden: true });
  return {
    node: make("span", {}, value, text),
    set(shown, explanation) {
      setText(value, shown);
      setText(text, explanation);
    },
  };
}

/** Shows explanations in one box above everything; Escape closes it, and the pointer may rest on it. */
export function installHints() {
  const box = find("#hint", HTMLElement);
  /** @type {Element | null} */
  let owner = null;
  const hide = () => {
    owner = null;
    if (box.matches(":popover-open")) box.hidePopover();
  };
  /** @param {Event} event */
  const show = (event) => {
    const target = event.target instanceof Element ? event.target.closest(".explained") : null;
    if (target === null || target === owner) return;
    owner = target;
    const text = document.getElementById(target.getAttribute("aria-describedby") ?? "");
    setText(box, text?.textContent ?? "");
    if (!box.matches(":popover-open")) box.showPopover();
    place(box, target.getBoundingClientRect());
  };
  /** @param {MouseEvent} event */
  const leave = (event) => {
    const to = event.relatedTarget;
    const stays = to instanceof Node && (box.contains(to) || owner?.contains(to));
    if (!stays && document.activeElement !== owner) hide();
  };
  const follow = () => {
    const by = owner?.getBoundingClientRect();
    if (by === undefined) return;
    if (by.bottom < 0 || by.top > innerHeight) hide();
    else place(box, by);
  };
  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("mouseout", leave);
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", follow, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

/**
 * Below the value, above it where there is no room, never beyond the edges.
 * @param {HTMLElement} box
 * @param {DOMRect} by
 */
function place(box, by) {
  const { width, height } = box.getBoundingClientRect();
  const left = Math.min(Math.max(by.left + by.width / 2 - width / 2, GAP_PX), innerWidth - width - GAP_PX);
  const below = by.bottom + GAP_PX + height < innerHeight;
  box.style.left = `${Math.max(left, GAP_PX)}px`;
  box.style.top = `${below ? by.bottom + GAP_PX : Math.max(by.top - GAP_PX - height, GAP_PX)}px`;
  setAttribute(box, "data-below", below);
}
