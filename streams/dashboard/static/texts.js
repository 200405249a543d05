/** The words of the page: `texts.<language>.json`, flat, with {names} for values and .one/.other for counts. */

export const LANGUAGES = Object.freeze(["en", "de"]);

/** @typedef {Record<string, string>} Catalogue */
/** @typedef {(key: string, values?: Record<string, string | number>) => string} Translate */

/**
 * @param {string} template
 * @param {Record<string, string | number>} values
 * @returns {string} with each {name} replaced; a name without a value is an error of ours
 */
export function filled(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`"${template}" needs a value for ${name}`);
    return String(values[name]);
  });
}

/**
 * @param {Catalogue} catalogue
 * @param {string} language
 * @returns {{t: Translate, counted: (key: string, count: number, shown: string) => string,
 *   named: (key: string, otherwise: string) => string}}
 *   `t` takes a key that must exist, `counted` picks key.one or key.other, `named` falls back for values that
 *   producers make up
 */
export function translator(catalogue, language) {
  const plural = new Intl.PluralRules(language);
  /** @type {Translate} */
  const t = (key, values = {}) => {
    if (!(key in catalogue)) throw new Error(`texts.${language}.json has no "${key}"`);
    return filled(catalogue[key], values);
  };
  return {
    t,
    counted: (key, count, shown) =>
      t(`${key}.${plural.select(count) === "one" ? "one" : "other"}`, { n: shown }),
    named: (key, otherwise) => catalogue[key] ?? otherwise,
  };
}

/**
 * The page's language: the link's, else the one chosen before, else the first of the browser's that there is.
 * @param {string | null} asked
 * @param {string | null} remembered
 * @param {readonly string[]} preferred as in navigator.languages
 * @returns {{language: string, locale: string}} the locale keeps the browser's region: de-AT writes numbers its way
 */
export function chosenLanguage(asked, remembered, preferred) {
  const wishes = [asked, remembered, ...preferred.map((tag) => tag.split("-")[0])];
  const language = wishes.find((wish) => wish !== null && LANGUAGES.includes(wish)) ?? LANGUAGES[0];
  const locale = preferred.find((tag) => tag.split("-")[0] === language) ?? language;
  return { language, locale };
}
