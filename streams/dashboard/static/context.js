import { agos, durations, formats } from "./format.js";
import { AsOf } from "./as_of.js";
import { translator } from "./texts.js";

/**
 * What every part of the page needs to speak the viewer's language.
 * @typedef {object} Context
 * @property {string} language
 * @property {string} locale
 * @property {import("./texts.js").Translate} t
 * @property {(key: string, count: number) => string} counted "1 visitor", "12 visitors"
 * @property {(key: string, otherwise: string) => string} named
 * @property {import("./format.js").Formats} format
 * @property {(seconds: number) => string} duration
 * @property {(seconds: number) => string} ago
 * @property {AsOf} asOf
 */

/**
 * @param {import("./texts.js").Catalogue} catalogue
 * @param {{language: string, locale: string}} chosen
 * @returns {Context}
 */
export function context(catalogue, { language, locale }) {
  const { t, counted, named } = translator(catalogue, language);
  const format = formats(locale);
  return {
    language,
    locale,
    t,
    counted: (key, count) => counted(key, count, format.integer(count)),
    named,
    format,
    duration: durations(locale),
    ago: agos(locale),
    asOf: new AsOf(),
  };
}

/**
 * @param {string} language
 * @returns {Promise<import("./texts.js").Catalogue>}
 */
export async function loadCatalogue(language) {
  const answer = await fetch(`/static/texts.${language}.json`);
  if (!answer.ok) throw new Error(`texts.${language}.json: HTTP ${answer.status}`);
  return answer.json();
}
