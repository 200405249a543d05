import { make } from "../dom.js";

/**
 * What stands where there is no such page or customer.
 * @param {import("../context.js").Context} context
 * @param {string} why
 */
export function missing({ t }, why) {
  return make(
    "div",
    { class: "missing", "data-testid": "missing" },
    make("h1", {}, t("missing.title")),
    make("p", {}, why),
    make("p", {}, make("a", { href: "/" }, t("missing.back"))),
  );
}
