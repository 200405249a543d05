/** What the database says in English about an event or a status, in the page's language. */

/**
 * `summary` of v_events is the type in words and, after a colon, what it is about.
 * @param {import("./context.js").Context} context
 * @param {string} type
 * @param {string} summary
 * @returns {{what: string, about: string}}
 */
export function eventWords({ named }, type, summary) {
  const plain = type.replaceAll("_", " ");
  const about = summary.startsWith(`${plain}: `)
    ? summary.slice(plain.length + 2)
    : summary === plain
      ? ""
      : summary;
  return { what: named(`type.${type}`, plain), about };
}

/** @type {readonly {pattern: RegExp, key: string}[]} the reasons that streams/core/status.py gives */
const REASONS = Object.freeze([
  { pattern: /^first order$/, key: "reason.first_order" },
  { pattern: /^order after (?<days>\d+) days, expected (?<expected>\d+)$/, key: "reason.order_after" },
  { pattern: /^(?<days>\d+) days since last order, expected (?<expected>\d+)$/, key: "reason.silence" },
]);

/**
 * @param {import("./context.js").Context} context
 * @param {string} reason
 * @returns {string} as it is if it is none that we know
 */
export function reasonWords({ t }, reason) {
  for (const { pattern, key } of REASONS) {
    const found = pattern.exec(reason);
    if (found !== null) return t(key, found.groups ?? {});
  }
  return reason;
}
