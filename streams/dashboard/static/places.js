/** Where one is: page, customer and filters, all of it in the address, so that a link shows the same thing. */

/** @typedef {"overview" | "visitors" | "customer" | "retention" | "health" | "nowhere"} PageName */
/** @typedef {{page: PageName, id: string, query: URLSearchParams}} Place */

/** @type {Readonly<Record<string, PageName>>} */
const PAGES = Object.freeze({
  "/": "overview",
  "/visitors": "visitors",
  "/retention": "retention",
  "/health": "health",
});

/**
 * @param {string} pathname
 * @param {string} search
 * @returns {Place}
 */
export function place(pathname, search) {
  const query = new URLSearchParams(search);
  const customer = /^\/customers\/([^/]+)$/.exec(pathname);
  if (customer === null) return { page: PAGES[pathname] ?? "nowhere", id: "", query };
  try {
    return { page: "customer", id: decodeURIComponent(customer[1]), query };
  } catch {
    // A % that encodes nothing: no id of ours was written so.
    return { page: "nowhere", id: "", query };
  }
}

/** @param {string} id @returns {string} */
export function customerPath(id) {
  return `/customers/${encodeURIComponent(id)}`;
}

/**
 * @param {string} path
 * @param {Record<string, string | null | undefined>} filters those without a value are left out
 * @returns {string}
 */
export function withFilters(path, filters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value) query.set(name, value);
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

/**
 * @param {URLSearchParams} query
 * @param {string} name
 * @param {readonly string[]} allowed
 * @param {string} otherwise
 * @returns {string} the filter's value; `otherwise` for one that is not allowed
 */
export function filter(query, name, allowed, otherwise) {
  const value = query.get(name);
  return value !== null && allowed.includes(value) ? value : otherwise;
}

/** @param {string} text @returns {string} a number from 0 to 100 as the address has it; empty for any score */
export function minScore(text) {
  const score = Number(text);
  return text.trim() === "" || !Number.isFinite(score) || score <= 0 ? "" : String(Math.min(100, score));
}
