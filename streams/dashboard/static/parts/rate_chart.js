import { make, setText } from "../dom.js";
import { TimeChart, colour } from "./time_chart.js";

const LINES = /** @type {const} */ ([
  { rate: "retention_rate_pct", colour: "--rate-retention", dash: [] },
  { rate: "churn_gross_pct", colour: "--rate-churn", dash: [5, 4] },
]);

/** Retention and churn, period by period; the numbers stand in the table below. */
export class RateChart {
  #context;
  #chart;
  #grain = "month";
  #moment = make("span", { class: "legend-moment" });
  #values = LINES.map(() => make("span", { class: "number" }));
  /** @type {readonly import("../rows.js").PeriodRow[]} */
  #rows = [];

  /** @param {import("../context.js").Context} context */
  constructor(context) {
    this.#context = context;
    const { t, format } = context;
    this.#chart = new TimeChart({
      label: t("periods.chart"),
      series: LINES.map(({ colour: name, dash }) => ({
        stroke: () => colour(name),
        width: 2,
        dash,
        points: { size: 5, fill: () => colour(name) },
      })),
      time: (seconds) => format.period(new Date(seconds * 1000).toISOString(), this.#grain),
      value: (pct) => format.percentWhole(pct),
      // Won-back customers can lift the retention rate above 100.
      range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ largest) => [
        0,
        Math.max(100, largest),
      ],
      pointed: (index) => this.#point(index),
    });
    const keys = LINES.map(({ rate, colour: name }, index) =>
      make(
        "span",
        { class: "legend-key" },
        make("span", { class: "line-mark", "data-line": name.slice(2), "aria-hidden": "true" }),
        t(`metric.${rate}`),
        this.#values[index],
      ),
    );
    this.node = make(
      "div",
      { "data-testid": "rate-chart" },
      make("p", { class: "legend" }, this.#moment, ...keys),
      this.#chart.node,
    );
  }

  /** @param {readonly import("../rows.js").PeriodRow[]} rows oldest first @param {string} grain */
  show(rows, grain) {
    this.#grain = grain;
    this.#rows = rows.filter((row) => row.is_complete);
    this.node.hidden = this.#rows.filter((row) => row.retention_rate_pct !== null).length < 2;
    const starts = this.#rows.map((row) => Date.parse(row.period_start) / 1000);
    this.#chart.show([starts, ...LINES.map(({ rate }) => this.#rows.map((row) => row[rate]))]);
    this.#point(null);
  }

  close() {
    this.#chart.close();
  }

  /** @param {number | null} index of a period; the newest when none is pointed at */
  #point(index) {
    const row = index === null ? this.#rows.at(-1) : this.#rows[index];
    const { format } = this.#context;
    setText(this.#moment, row === undefined ? "" : format.period(row.period_start, this.#grain));
    LINES.forEach(({ rate }, at) => setText(this.#values[at], format.percent(row?.[rate])));
  }
}
