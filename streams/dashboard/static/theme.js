import { prefer, preference } from "./preferences.js";

export const THEMES = Object.freeze(["system", "light", "dark"]);

/** @returns {string} */
export function theme() {
  const chosen = preference("theme");
  return chosen !== null && THEMES.includes(chosen) ? chosen : "system";
}

/** @param {string} chosen */
export function setTheme(chosen) {
  prefer("theme", chosen);
  applyTheme();
}

/** Tells CSS, which follows the system unless one was chosen, and those who draw on a canvas. */
export function applyTheme() {
  document.documentElement.dataset.theme = theme();
  dispatchEvent(new Event("themechange"));
}

/**
 * Runs when colours have changed, by choice or by the system.
 * @param {() => void} changed
 * @param {AbortSignal} until
 */
export function onTheme(changed, until) {
  addEventListener("themechange", changed, { signal: until });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal: until });
}
