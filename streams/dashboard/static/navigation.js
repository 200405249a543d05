import { place } from "./places.js";

/**
 * Links within the page change the address without loading it anew; everything else is left to the browser.
 * @param {(place: import("./places.js").Place) => void} arrived
 * @returns {(path: string, how?: {replace?: boolean}) => void} goes to a path
 */
export function navigation(arrived) {
  const here = () => arrived(place(location.pathname, location.search));
  /** @param {string} path @param {{replace?: boolean}} how */
  const go = (path, { replace = false } = {}) => {
    if (path === location.pathname + location.search) return;
    history[replace ? "replaceState" : "pushState"](null, "", path);
    here();
  };
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || !ours(link, event)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  addEventListener("popstate", here);
  here();
  return go;
}

/**
 * @param {HTMLAnchorElement} link
 * @param {MouseEvent} event
 */
function ours(link, event) {
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  const inPage = link.hash !== "" && link.pathname === location.pathname;
  return plain && !event.defaultPrevented && !inPage && link.origin === location.origin && link.target === "";
}
