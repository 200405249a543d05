import { cohortGrid } from "../cohorts.js";
import { make, setProperty } from "../dom.js";
import { scrollable } from "./scrollable.js";

/**
 * Cohort retention as a table whose cells are shaded by their share.
 * @param {import("../context.js").Context} context
 */
export function heatMap(context) {
  const { t } = context;
  const caption = make("caption", { class: "visually-hidden" });
  const head = make("thead");
  const body = make("tbody");
  const wrap = make(
    "div",
    { class: "table-wrap" },
    make("table", { class: "heat", "data-testid": "cohorts-table" }, caption, head, body),
  );
  const nothing = make("p", { class: "empty", hidden: true }, t("cohorts.empty"));
  scrollable(wrap, t("cohorts.title"));
  return {
    node: make("div", { class: "table-frame is-heat" }, wrap, nothing),
    /**
     * @param {readonly import("../rows.js").CohortRow[]} rows
     * @param {"on_pct" | "on_or_after_pct"} measure
     * @param {string} grain
     */
    show(rows, measure, grain) {
      const { columns, cohorts } = cohortGrid(rows, measure);
      caption.textContent = `${t("cohorts.title")}: ${t(`measure.${measure}`)}`;
      const numbers = Array.from({ length: columns }, (_, k) =>
        make("th", { scope: "col", class: "is-number" }, String(k)),
      );
      head.replaceChildren(
        make(
          "tr",
          {},
          make("th", { scope: "col" }, t("cohorts.cohort")),
          make("th", { scope: "col", class: "is-number" }, t("cohorts.size")),
          ...numbers,
        ),
      );
      body.replaceChildren(...cohorts.map((cohort) => cohortRow(context, cohort, grain)));
      wrap.hidden = cohorts.length === 0;
      nothing.hidden = cohorts.length > 0;
    },
  };
}

/** @param {import("../context.js").Context} context @param {import("../cohorts.js").Cohort} cohort @param {string} grain */
function cohortRow(context, cohort, grain) {
  const { format } = context;
  const name = make("th", { scope: "row" }, format.period(cohort.start, grain));
  return make(
    "tr",
    {},
    name,
    make("td", { class: "is-number size" }, format.integer(cohort.size)),
    ...cohort.shares.map((share) => shareCell(context, share)),
  );
}

/** @param {import("../context.js").Context} context @param {import("../cohorts.js").Share} share */
function shareCell({ t, format }, share) {
  if (share === null) return make("td", { class: "is-absent" });
  if (share.running)
    return make(
      "td",
      { class: "is-running", title: t("rate.running") },
      make("span", { "aria-hidden": "true" }, "…"),
      make("span", { class: "visually-hidden" }, t("rate.running")),
    );
  const cell = make("td", { class: "share is-number" }, format.percent(share.pct));
  setProperty(cell, "--share", String((share.pct ?? 0) / 100));
  return cell;
}
