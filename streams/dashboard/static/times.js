import { make, setAttribute, setText } from "./dom.js";
import { MISSING, utc } from "./format.js";

/** @typedef {"clock" | "minute" | "moment" | "stamp" | "ago" | "lasting"} TimeStyle ago and lasting move on by themselves */

/**
 * Shows an instant in the viewer's time zone, UTC in its title.
 * @param {import("./context.js").Context} context
 * @param {Element} parent that holds nothing else
 * @param {string | null} iso
 * @param {TimeStyle} style
 */
export function setTime(context, parent, iso, style) {
  if (iso === null) {
    setText(parent, MISSING);
    return;
  }
  let time = parent.querySelector("time");
  if (time === null) {
    time = make("time");
    parent.replaceChildren(time);
  }
  setAttribute(time, "datetime", iso);
  setAttribute(time, "title", utc(iso));
  setAttribute(time, "data-moving", style === "ago" || style === "lasting" ? style : null);
  setText(time, shown(context, iso, style, Date.now()));
}

/**
 * Moves the relative times of the page on, once a second while it is seen.
 * @param {import("./context.js").Context} context
 */
export function keepMoving(context) {
  setInterval(() => {
    if (document.hidden) return;
    const nowMs = Date.now();
    for (const time of document.querySelectorAll("time[data-moving]")) {
      const style = /** @type {TimeStyle} */ (time.getAttribute("data-moving"));
      setText(time, shown(context, time.getAttribute("datetime") ?? "", style, nowMs));
    }
  }, 1000);
}

/**
 * @param {import("./context.js").Context} context
 * @param {string} iso
 * @param {TimeStyle} style
 * @param {number} nowMs
 */
function shown(context, iso, style, nowMs) {
  if (style === "ago") return context.ago(context.asOf.secondsSince(iso, nowMs));
  if (style === "lasting") return context.duration(context.asOf.secondsSince(iso, nowMs));
  return context.format[style](iso);
}
