import { make, setText } from "../dom.js";
import { setMeter } from "../parts/bars.js";
import { figure } from "../parts/figure.js";
import { emptyWith, setPill } from "../parts/marks.js";
import { pageHead, panel } from "../parts/panel.js";
import { markRow, table } from "../parts/table.js";
import { setTime } from "../times.js";

/** Older than this, a worker that has something to read would have written. The alerts of deploy/ warn later. */
const SLOW_SECONDS = 60;

/** @typedef {import("../rows.js").Health} Health */
/** @typedef {{node: HTMLElement, show: (data: Health) => void}} Part */

/** @type {import("../app.js").MakePage} */
export function health({ context, main }) {
  const { t } = context;
  const parts = [
    headFigures(context),
    lagPart(context),
    freshnessPart(context),
    reasonsPart(context),
    rejectsPart(context),
  ];
  const [head, lag, freshness, reasons, rejects] = parts.map(({ node }) => node);
  main.append(
    pageHead(t("health.title")),
    head,
    make(
      "div",
      { class: "two-columns is-wide-first" },
      lag,
      make("div", { class: "stack" }, freshness, reasons),
    ),
    rejects,
  );
  return {
    title: t("health.title"),
    show: () => "/health",
    /** @param {Health} data */
    render(data) {
      for (const part of parts) part.show(data);
    },
  };
}

/** @param {import("../context.js").Context} context @returns {Part} */
function headFigures({ t, format, duration }) {
  const behind = figure(t("health.behind"), { id: "lag-seconds" });
  const records = figure(t("health.records"), { id: "lag-records" });
  const newest = figure(t("health.newest"), { id: "freshness" });
  const refused = figure(t("health.refused"), { id: "rejected" });
  return {
    node: make(
      "dl",
      { class: "figures panel" },
      ...[behind, records, newest, refused].map(({ node }) => node),
    ),
    show({ lag, freshness, rejects_by_reason: reasons }) {
      const slowest = Math.max(0, ...lag.map((row) => row.lag_seconds));
      behind.set(lag.length === 0 ? format.integer(null) : duration(slowest), t("health.behind.note"));
      records.set(
        lag.length === 0
          ? format.integer(null)
          : format.integer(lag.reduce((sum, row) => sum + Math.max(0, row.lag), 0)),
        t("health.records.note"),
      );
      const events = freshness.find((row) => row.table_name === "events")?.freshness_seconds ?? null;
      newest.set(events === null ? format.integer(null) : duration(events), t("health.newest.note"));
      refused.set(
        format.integer(reasons.reduce((sum, row) => sum + row.rejected, 0)),
        t("health.refused.note"),
      );
    },
  };
}

/** @param {import("../context.js").Context} context @returns {Part} */
function lagPart(context) {
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
      { id: "group", head: t("lag.group"), fill: (cell, row) => setText(cell, row.consumer_group) },
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
    ],
  });
  return {
    node: panel({ id: "lag", title: t("lag.title"), note: t("lag.note") }, rows.node),
    show: ({ lag }) => rows.show(lag),
  };
}

/** @param {import("../context.js").Context} context @returns {Part} */
function freshnessPart(context) {
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

/** @param {import("../context.js").Context} context @returns {Part} */
function reasonsPart(context) {
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
function rejectsPart(context) {
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
