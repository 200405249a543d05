const GLIDE_MS = 220;

/**
 * Runs a change of order; those that stand elsewhere afterwards slide there instead of jumping, so that an eye or a
 * pointer can follow. Who asked for reduced motion sees the jump, and nothing moves out of sight.
 * @param {Iterable<HTMLElement>} children
 * @param {() => void} change
 */
export function gliding(children, change) {
  if (document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) {
    change();
    return;
  }
  const before = [...children].map((child) => ({ child, top: child.offsetTop }));
  change();
  const moved = before
    .filter(({ child }) => child.isConnected)
    .map(({ child, top }) => ({ child, by: top - child.offsetTop }))
    .filter(({ child, by }) => by !== 0 && isSeen(child, by));
  for (const { child, by } of moved) {
    child.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], {
      duration: GLIDE_MS,
      easing: "ease-out",
    });
  }
}

/** Here or where it comes from. @param {HTMLElement} child @param {number} by */
function isSeen(child, by) {
  const { top, bottom } = child.getBoundingClientRect();
  const inside = (/** @type {number} */ from, /** @type {number} */ to) => to > 0 && from < innerHeight;
  return inside(top, bottom) || inside(top + by, bottom + by);
}
