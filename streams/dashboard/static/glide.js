const GLIDE_MS = 220;

/**
 * Runs a change of order; those that stand elsewhere afterwards slide there instead of jumping, so that an eye or a
 * pointer can follow. Who asked for reduced motion sees the jump.
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
    .map(({ child, top }) => ({ child, by: child.isConnected ? top - child.offsetTop : 0 }))
    .filter(({ by }) => by !== 0);
  for (const { child, by } of moved) {
    child.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], {
      duration: GLIDE_MS,
      easing: "ease-out",
    });
  }
}
