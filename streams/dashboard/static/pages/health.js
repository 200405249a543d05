import { make } from "../dom.js";
import { figure } from "../parts/figure.js";
import { freshnessPart, lagPart } from "../parts/lag_panels.js";
import { pageHead } from "../parts/panel.js";
import { reasonsPart, rejectsPart } from "../parts/reject_panels.js";

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
