import { make, setAttribute, setText } from "../dom.js";
import { MISSING } from "../format.js";
import { RATES, explanation, movement } from "../rates.js";
import { explained } from "./hint.js";

const ARROWS = Object.freeze({ up: "▲", down: "▼", same: "＝" });

/** @typedef {import("../rows.js").Overview["retention"]} Periods */

/**
 * Retention and churn of the last period that has ended, beside the one before; and how the running one stands.
 * @param {import("../context.js").Context} context
 */
export function rateTable(context) {
  const { t, format } = context;
  const last = make("th", { scope: "col", class: "is-number" }, MISSING);
  const before = make("th", { scope: "col", class: "is-number" }, MISSING);
  const rows = RATES.map((rate) => rateRow(context, rate));
  const running = make("p", { class: "soft running", "data-testid": "retention-running" });
  const head = make(
    "tr",
    {},
    make("th", { scope: "col" }, t("rate.name")),
    last,
    make("th", { scope: "col", class: "is-number" }, t("rate.change")),
    before,
  );
  const caption = make("caption", { class: "visually-hidden" }, t("overview.retention.title"));
  return {
    node: make(
      "div",
      {},
      make(
        "table",
        { class: "rates-table", "data-testid": "rates" },
        caption,
        make("thead", {}, head),
        make("tbody", {}, ...rows.map(({ node }) => node)),
      ),
      running,
    ),
    /** @param {Periods} periods */
    show(periods) {
      const name = (/** @type {import("../rows.js").PeriodRow | null} */ row) =>
        row === null ? MISSING : format.period(row.period_start, row.grain);
      setText(last, name(periods.last));
      setText(before, name(periods.before_last));
      for (const row of rows) row.show(periods);
      setText(running, runningText(context, periods.current));
    },
  };
}

/** @param {import("../context.js").Context} context @param {import("../rates.js").Rate} rate */
function rateRow(context, rate) {
  const { t, format } = context;
  const now = explained();
  const arrow = make("span", { "aria-hidden": "true" });
  const change = make("span");
  const moved = make("td", { class: "is-number change" }, arrow, " ", change);
  const previous = explained();
  return {
    node: make(
      "tr",
      { "data-testid": rate },
      make("th", { scope: "row" }, t(`metric.${rate}`)),
      make("td", { class: "is-number strong" }, now.node),
      moved,
      make("td", { class: "is-number" }, previous.node),
    ),
    /** @param {Periods} periods */
    show({ last, before_last }) {
      const why = (/** @type {import("../rows.js").PeriodRow | null} */ row) =>
        row === null ? t("rate.no_history") : explanation(context, row, rate);
      now.set(format.percent(last?.[rate]), why(last));
      previous.set(format.percent(before_last?.[rate]), why(before_last));
      const move = movement(last?.[rate], before_last?.[rate], rate);
      setText(arrow, move === null ? "" : ARROWS[move.direction]);
      setText(change, move === null ? MISSING : t("rate.points", { points: format.signed(move.points) }));
      setAttribute(moved, "data-good", String(move?.good ?? "none"));
    },
  };
}

/** @param {import("../context.js").Context} context @param {import("../rows.js").PeriodRow | null} row */
function runningText({ t, format }, row) {
  if (row === null) return t("rate.nothing_yet");
  return t("rate.so_far", {
    period: format.period(row.period_start, row.grain),
    start: format.integer(row.customers_start),
    end: format.integer(row.customers_end),
    new: format.integer(row.customers_new),
    won_back: format.integer(row.customers_won_back),
  });
}
