import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenLanguage, filled, translator } from "../../../streams/dashboard/static/texts.js";

test("names in braces are replaced, and a value is never a template itself", () => {
  assert.equal(filled("{a} of {b}", { a: "{b}", b: 3 }), "{b} of 3");
});

test("a text without one of its values is an error, not an undefined on the page", () => {
  assert.throws(() => filled("{n} customers", {}), /needs a value for n/);
});

test("a key that is not in the catalogue is an error", () => {
  assert.throws(() => translator({}, "de").t("nav.home"), /texts\.de\.json has no "nav\.home"/);
});

test("a count chooses one or other", () => {
  const { counted } = translator({ "x.one": "{n} customer", "x.other": "{n} customers" }, "en");

  assert.deepEqual(
    [0, 1, 2].map((n) => counted("x", n, String(n))),
    ["0 customers", "1 customer", "2 customers"],
  );
});

test("names that producers make up stay as they are", () => {
  assert.equal(translator({}, "en").named("type.shrugged", "shrugged"), "shrugged");
});

test("the link's language goes before the one chosen, and that before the browser's", () => {
  assert.deepEqual(chosenLanguage("de", "en", ["en-US"]), { language: "de", locale: "de" });
  assert.deepEqual(chosenLanguage(null, "de", ["en-US", "de-AT"]), { language: "de", locale: "de-AT" });
  assert.deepEqual(chosenLanguage(null, null, ["fr-FR", "de-CH"]), { language: "de", locale: "de-CH" });
});

test("a language that there is none of is passed over", () => {
  assert.deepEqual(chosenLanguage("xx", "../secret", ["fr"]), { language: "en", locale: "en" });
});
