import { make, setAttribute, setText } from "../dom.js";
import { earning, ordered, pointsOf, scoreKey } from "../ledger.js";
import { setChannel } from "./marks.js";
import { panel } from "./panel.js";
import { table } from "./table.js";

/** @typedef {import("../rows.js").ScoreRow} ScoreRow */

/**
 * Why the score is what it is: each day, channel and type with its count, weight, cap and points.
 * @param {import("../context.js").Context} context
 */
export function scoreLedger(context) {
  const { t, format } = context;
  const title = make("span");
  const sum = make("td", { class: "is-number", "data-testid": "score-points" });
  const foot = make(
    "tfoot",
    {},
    make("tr", {}, make("th", { scope: "row", colspan: 4 }, t("score.sum")), sum),
  );
  const rows = table({
    id: "score-ledger-table",
    tall: true,
    caption: t("score.caption"),
    columns: columns(context),
    key: scoreKey,
    empty: t("score.empty"),
    foot,
  });
  const formula = make("p", { class: "formula", "data-testid": "score-formula" });
  const node = panel({ id: "score-ledger", title: "", note: t("score.note") }, rows.node, formula);
  node.querySelector("h2")?.append(title);
  return {
    node,
    /** @param {ScoreRow[]} ledger @param {number} score */
    show(ledger, score) {
      const points = format.short(pointsOf(ledger));
      const shown = format.decimal(score);
      setText(title, t("score.why", { score: shown }));
      setText(sum, points);
      setText(formula, t("score.formula", { points, score: shown }));
      rows.show(ordered(ledger));
    },
  };
}

/** @param {import("../context.js").Context} context @returns {import("./table.js").Column<ScoreRow>[]} */
function columns(context) {
  const { t, named, format } = context;
  return [
    {
      id: "day",
      kind: "row",
      head: t("score.day"),
      fill: (cell, row) => setText(cell, format.dayShort(row.day)),
    },
    { id: "channel", head: t("channel.name"), fill: (cell, row) => setChannel(context, cell, row.channel) },
    {
      id: "type",
      head: t("score.type"),
      fill: (cell, row) => setText(cell, named(`type.${row.type}`, row.type.replaceAll("_", " "))),
    },
    {
      id: "count",
      kind: "number",
      head: t("score.count"),
      fill: (cell, row) => fillCount(context, cell, row),
    },
    {
      id: "points",
      kind: "number",
      head: t("score.points"),
      fill: (cell, row) => setText(cell, format.short(row.points)),
    },
  ];
}

/** @param {import("../context.js").Context} context @param {HTMLElement} cell @param {ScoreRow} row */
function fillCount({ t, format }, cell, row) {
  const { earning: paid, capped } = earning(row);
  const product = `${format.integer(paid)} × ${format.short(row.weight)}`;
  setText(cell, capped ? t("score.capped", { product, count: format.integer(row.count) }) : product);
  setAttribute(cell, "data-capped", capped);
}
