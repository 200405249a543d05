import { make, setText } from "../dom.js";
import { setTime } from "../times.js";
import { setMeter } from "./bars.js";
import { setPill } from "./marks.js";
import { panel } from "./panel.js";
import { table } from "./table.js";

/** @typedef {import("../pages/health.js").Part} Part */

/** @param {import("../context.js").Context} context @returns {Part} */
export function reasonsPart(context) {
  const { t, named, format } = context;
  let most = 1;
  const rows = table({
    id: "reasons-table",
    caption: t("reasons.title"),
    empty: t("reasons.empty"),
    key: (/** @type {{reason: string, rejected: number}} */ row) => row.reason,
    columns: [
      {
        id: "reason",
        kind: "row",
        head: t("rejects.reason"),
        fill: (cell, row) => setText(cell, named(`reject.${row.reason}`, row.reason)),
      },
      {
        id: "rejected",
        kind: "number",
        head: t("reasons.count"),
        fill: (cell, row) => setMeter(cell, format.integer(row.rejected), row.rejected / most),
      },
    ],
  });
  return {
    node: panel({ id: "reasons", title: t("reasons.title") }, rows.node),
    show({ rejects_by_reason: reasons }) {
      most = Math.max(1, ...reasons.map((row) => row.rejected));
      rows.show(reasons);
    },
  };
}

/** @param {import("../context.js").Context} context @returns {Part} */
export function rejectsPart(context) {
  const { t, named } = context;
  const rows = table({
    id: "rejects-table",
    caption: t("rejects.title"),
    empty: t("rejects.empty"),
    key: (/** @type {import("../rows.js").RejectRow} */ row) =>
      `${row.source_topic} ${row.source_partition} ${row.source_offset}`,
    columns: [
      {
        id: "at",
        kind: "row",
        head: t("time.when"),
        fill: (cell, row) => setTime(context, cell, row.rejected_at, "moment"),
      },
      {
        id: "reason",
        head: t("rejects.reason"),
        fill: (cell, row) =>
          setPill(
            cell,
            row.replayed_at === null ? "rejected" : "replayed",
            named(`reject.${row.reason}`, row.reason),
          ),
      },
      { id: "detail", head: t("rejects.detail"), fill: (cell, row) => setText(cell, row.detail) },
      {
        id: "source",
        head: t("rejects.source"),
        fill: (cell, row) =>
          setText(cell, `${row.source_topic}/${row.source_partition}@${row.source_offset}`),
      },
      {
        id: "payload",
        head: t("rejects.payload"),
        fill: (cell, row) => fillPayload(cell, row.payload_preview),
      },
      {
        id: "replayed",
        head: t("rejects.replayed"),
        fill: (cell, row) => setTime(context, cell, row.replayed_at, "moment"),
      },
    ],
  });
  return {
    node: panel({ id: "rejects", title: t("rejects.title"), note: t("rejects.note") }, rows.node),
    show: ({ rejects }) => rows.show(rejects),
  };
}

/** @param {HTMLElement} cell @param {string} preview */
function fillPayload(cell, preview) {
  const code = cell.firstElementChild ?? cell.appendChild(make("code"));
  setText(code, preview);
}
