import { make } from "../dom.js";
import { filter, minScore, withFilters } from "../places.js";
import { CHANNELS } from "../rows.js";
import { channelSwitcher } from "./switcher.js";

const MOST_ROWS = 100;
const TYPING_PAUSE_MS = 300;

/**
 * Channel and least score, as the address has them.
 * @param {import("../app.js").Room} room
 */
export function visitorFilters({ context, go }) {
  const { t } = context;
  const channels = channelSwitcher(context, "channel-filter");
  const score = make("input", {
    id: "min-score",
    type: "number",
    min: 0,
    max: 100,
    step: 5,
    inputmode: "numeric",
    placeholder: "0",
    "data-testid": "min-score",
  });
  const form = make(
    "form",
    { class: "score-filter" },
    make("label", { for: "min-score" }, t("filter.min_score")),
    score,
  );
  let channel = "";
  let timer = 0;
  const path = (/** @type {string} */ chosen) =>
    withFilters("/visitors", { channel: chosen, min_score: minScore(score.value) });
  const apply = () => go(path(channel), { replace: true });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  score.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, TYPING_PAUSE_MS);
  });
  return {
    node: make("div", { class: "filters" }, channels.node, form),
    close: () => clearTimeout(timer),
    /** @param {URLSearchParams} query @returns {string} the path of the data */
    mark(query) {
      channel = filter(query, "channel", CHANNELS, "");
      const least = minScore(query.get("min_score") ?? "");
      if (document.activeElement !== score) score.value = least;
      channels.mark(channel, path);
      return withFilters("/visitors", { channel, min_score: least, limit: String(MOST_ROWS) });
    },
  };
}
