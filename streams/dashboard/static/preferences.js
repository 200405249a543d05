/** What a viewer chose, kept in localStorage; without storage (private windows) it lasts as long as the page. */

/** @type {Map<string, string>} */
const unsaved = new Map();

/** @param {"language" | "theme"} name @returns {string | null} */
export function preference(name) {
  try {
    return localStorage.getItem(`engage.${name}`);
  } catch {
    return unsaved.get(name) ?? null;
  }
}

/** @param {"language" | "theme"} name @param {string} value */
export function prefer(name, value) {
  unsaved.set(name, value);
  try {
    localStorage.setItem(`engage.${name}`, value);
  } catch {
    // Storage is switched off: kept above.
  }
}
