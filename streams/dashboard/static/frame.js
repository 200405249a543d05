import { find, make, setAttribute, setText } from "./dom.js";
import { prefer } from "./preferences.js";
import { LANGUAGES } from "./texts.js";
import { THEMES, setTheme, theme } from "./theme.js";

/**
 * Writes the words of index.html, and fills the switches of the footer.
 * @param {import("./context.js").Context} context
 */
export function fillFrame({ t, language }) {
  document.documentElement.lang = language;
  eachWith("data-text", (element, key) => setText(element, t(key)));
  eachWith("data-label", (element, key) => setAttribute(element, "aria-label", t(key)));
  eachWith("data-placeholder", (element, key) => setAttribute(element, "placeholder", t(key)));
  choices("#language", LANGUAGES, language, (name) => t(`language.${name}`), useLanguage);
  choices("#theme", THEMES, theme(), (name) => t(`theme.${name}`), setTheme);
}

/** @param {string} attribute @param {(element: Element, value: string) => void} write */
function eachWith(attribute, write) {
  for (const element of document.querySelectorAll(`[${attribute}]`))
    write(element, element.getAttribute(attribute) ?? "");
}

/** @param {string} language */
function useLanguage(language) {
  prefer("language", language);
  const query = new URLSearchParams(location.search);
  query.delete("lang");
  location.replace(query.size === 0 ? location.pathname : `${location.pathname}?${query}`);
}

/**
 * @param {string} selector
 * @param {readonly string[]} values
 * @param {string} current
 * @param {(value: string) => string} name
 * @param {(value: string) => void} chosen
 */
function choices(selector, values, current, name, chosen) {
  const select = find(selector, HTMLSelectElement);
  select.replaceChildren(...values.map((value) => make("option", { value }, name(value))));
  select.value = current;
  select.addEventListener("change", () => chosen(select.value));
}
