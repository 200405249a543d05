import { make, setAttribute } from "../dom.js";
import { CHANNELS } from "../rows.js";
import { channelMark } from "./marks.js";

/**
 * A row of links of which one is current: a filter that lives in the address.
 * @param {{id: string, label: string, options: {value: string, label: string, mark?: Node}[]}} how
 * @returns {{node: HTMLElement, mark: (current: string, href: (value: string) => string) => void}}
 */
export function switcher({ id, label, options }) {
  const links = options.map(({ value, label: text, mark }) =>
    make("a", { "data-value": value, "data-testid": `${id}-${value || "all"}` }, mark ?? null, text),
  );
  return {
    node: make("nav", { class: "switcher", "aria-label": label, "data-testid": id }, ...links),
    mark(current, href) {
      for (const link of links) {
        const value = link.getAttribute("data-value") ?? "";
        setAttribute(link, "href", href(value));
        setAttribute(link, "aria-current", value === current ? "true" : null);
      }
    },
  };
}

/**
 * All channels or one of them.
 * @param {import("../context.js").Context} context
 * @param {string} id
 */
export function channelSwitcher({ t, named }, id) {
  const channels = CHANNELS.map((value) => ({
    value,
    label: named(`channel.${value}`, value),
    mark: channelMark(value),
  }));
  return switcher({
    id,
    label: t("filter.channel"),
    options: [{ value: "", label: t("filter.all") }, ...channels],
  });
}
