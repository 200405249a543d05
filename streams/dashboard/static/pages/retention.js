import { make, setText } from "../dom.js";
import { heatMap } from "../parts/heat_map.js";
import { explained } from "../parts/hint.js";
import { SEND_ONE, emptyWith } from "../parts/marks.js";
import { lifecycleBars } from "../parts/lifecycle_bars.js";
import { pageHead, panel } from "../parts/panel.js";
import { RateChart } from "../parts/rate_chart.js";
import { switcher } from "../parts/switcher.js";
import { markRow, table } from "../parts/table.js";
import { filter, withFilters } from "../places.js";
import { RATES, explanation } from "../rates.js";

const GRAINS = Object.freeze(["day", "week", "month", "quarter"]);
const BASES = Object.freeze(["purchase", "engagement"]);
/** @type {readonly ("on_pct" | "on_or_after_pct")[]} */
const MEASURES = Object.freeze(["on_pct", "on_or_after_pct"]);

/** @typedef {import("../rows.js").PeriodRow} PeriodRow */

/** @type {import("../app.js").MakePage} */
export function retention({ context, main }) {
  const { t } = context;
  let shown = { grain: "month", basis: "purchase", measure: MEASURES[0] };
  const switches = {
    grain: switcher({
      id: "grain",
      label: t("filter.grain"),
      options: GRAINS.map((value) => ({ value, label: t(`grain.${value}`) })),
    }),
    basis: switcher({
      id: "basis",
      label: t("filter.basis"),
      options: BASES.map((value) => ({ value, label: t(`basis.${value}`) })),
    }),
    measure: switcher({
      id: "measure",
      label: t("filter.measure"),
      options: MEASURES.map((value) => ({ value, label: t(`measure.${value}`) })),
    }),
  };
  const chart = new RateChart(context);
  const cohorts = heatMap(context);
  const lifecycle = lifecycleBars(context);
  const periods = table({
    id: "periods-table",
    caption: t("periods.title"),
    columns: columns(context),
    key: (row) => row.period_start,
    empty: emptyWith(t("overview.empty"), SEND_ONE),
  });
  main.append(
    pageHead(
      t("retention.title"),
      make("div", { class: "filters" }, switches.grain.node, switches.basis.node),
    ),
    panel({ id: "periods", title: t("periods.title"), note: t("periods.note") }, chart.node, periods.node),
    panel(
      { id: "cohorts", title: t("cohorts.title"), note: t("cohorts.note"), aside: switches.measure.node },
      cohorts.node,
    ),
    panel({ id: "lifecycle", title: t("lifecycle.title"), note: t("lifecycle.note") }, lifecycle.node),
  );
  return {
    title: t("retention.title"),
    close: () => chart.close(),
    show(query) {
      const measure = MEASURES.find((name) => name === query.get("measure")) ?? MEASURES[0];
      shown = {
        grain: filter(query, "grain", GRAINS, "month"),
        basis: filter(query, "basis", BASES, "purchase"),
        measure,
      };
      for (const name of /** @type {const} */ (["grain", "basis", "measure"])) {
        switches[name].mark(shown[name], (value) => withFilters("/retention", { ...shown, [name]: value }));
      }
      return withFilters("/retention", { grain: shown.grain, basis: shown.basis });
    },
    /** @param {import("../rows.js").Retention} data */
    render(data) {
      chart.show(data.periods, shown.grain);
      periods.show([...data.periods].reverse());
      cohorts.show(data.cohorts, shown.measure, shown.grain);
      lifecycle.show(data.lifecycle, shown.grain);
    },
  };
}

/** @param {import("../context.js").Context} context @returns {import("../parts/table.js").Column<PeriodRow>[]} */
function columns(context) {
  const { t, format } = context;
  const counts = /** @type {const} */ ([
    "customers_start",
    "customers_end",
    "customers_new",
    "customers_won_back",
  ]);
  return [
    {
      id: "period",
      kind: "row",
      head: t("periods.period"),
      fill: (cell, row) => fillPeriod(context, cell, row),
    },
    ...counts.map((name) => ({
      id: name,
      kind: /** @type {const} */ ("number"),
      head: t(`count.${name}`),
      fill: (/** @type {HTMLElement} */ cell, /** @type {PeriodRow} */ row) =>
        setText(cell, format.integer(row[name])),
    })),
    ...RATES.map((rate) => ({
      id: rate,
      kind: /** @type {const} */ ("number"),
      head: t(`metric.${rate}`),
      fill: (/** @type {HTMLElement} */ cell, /** @type {PeriodRow} */ row) =>
        fillRate(context, cell, row, rate),
    })),
  ];
}

/** @param {import("../context.js").Context} context @param {HTMLElement} cell @param {PeriodRow} row */
function fillPeriod({ t, format }, cell, row) {
  const name = format.period(row.period_start, row.grain);
  setText(cell, row.is_complete ? name : t("periods.running", { period: name }));
  markRow(cell, "running", !row.is_complete);
}

/** @type {WeakMap<HTMLElement, ReturnType<typeof explained>>} */
const explanations = new WeakMap();

/**
 * @param {import("../context.js").Context} context
 * @param {HTMLElement} cell
 * @param {PeriodRow} row
 * @param {import("../rates.js").Rate} rate
 */
function fillRate(context, cell, row, rate) {
  const value = explanations.get(cell) ?? explained();
  if (!explanations.has(cell)) {
    explanations.set(cell, value);
    cell.append(value.node);
  }
  value.set(context.format.percent(row[rate]), explanation(context, row, rate));
}
