import { setText } from "../dom.js";
import { setTime } from "../times.js";
import { emptyWith } from "./marks.js";
import { panel } from "./panel.js";
import { markRow, table } from "./table.js";

/** Older than this, a worker that has something to read would have written. The alerts of deploy/ warn later. */
const SLOW_SECONDS = 60;

/** @typedef {import("../pages/health.js").Part} Part */

/** @param {import("../context.js").Context} context @returns {Part} */
export function lagPart(context) {
  const { t, format, duration } = context;
  const rows = table({
    id: "lag-table",
    caption: t("lag.title"),
    empty: emptyWith(t("lag.empty"), "engage lag-exporter"),
    key: (/** @type {import("../rows.js").LagRow} */ row) =>
      `${row.consumer_group} ${row.topic} ${row.partition}`,
    columns: [
      { id: "topic", kind: "row", head: t("lag.topic"), fill: (cell, row) => setText(cell, row.topic) },
      {
        id: "partition",
        kind: "number",
        head: t("lag.partition"),
        fill: (cell, row) => setText(cell, format.integer(row.partition)),
      },
      {
        id: "lag",
        kind: "number",
        head: t("lag.records"),
        fill: (cell, row) =>
          setText(cell, row.lag < 0 ? t("lag.nothing_committed") : format.integer(row.lag)),
      },
      {
        id: "seconds",
        kind: "number",
        head: t("lag.age"),
        fill: (cell, row) => {
          setText(cell, duration(row.lag_seconds));
          markRow(cell, "slow", row.lag_seconds >= SLOW_SECONDS);
        },
      },
      { id: "group", head: t("lag.group"), fill: (cell, row) => setText(cell, row.consumer_group) },
    ],
  });
  return {
    node: panel({ id: "lag", title: t("lag.title"), note: t("lag.note") }, rows.node),
    show: ({ lag }) => rows.show(lag),
  };
}

/** @param {import("../context.js").Context} context @returns {Part} */
export function freshnessPart(context) {
  const { t, format, duration } = context;
  const rows = table({
    id: "freshness-table",
    caption: t("freshness.title"),
    empty: t("freshness.empty"),
    key: (/** @type {import("../rows.js").FreshnessRow} */ row) => row.table_name,
    columns: [
      {
        id: "table",
        kind: "row",
        head: t("freshness.table"),
        fill: (cell, row) => setText(cell, row.table_name),
      },
      {
        id: "newest",
        head: t("freshness.newest"),
        fill: (cell, row) => setTime(context, cell, row.newest_at, "moment"),
      },
      {
        id: "age",
        kind: "number",
        head: t("freshness.age"),
        fill: (cell, row) =>
          setText(
            cell,
            row.freshness_seconds === null ? format.integer(null) : duration(row.freshness_seconds),
          ),
      },
    ],
  });
  return {
    node: panel({ id: "freshness-panel", title: t("freshness.title") }, rows.node),
    show: ({ freshness }) => rows.show(freshness),
  };
}
