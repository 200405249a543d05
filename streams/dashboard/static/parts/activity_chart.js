import { grid, hours, shownTimes, stacked, total } from "../activity.js";
import { make, setText } from "../dom.js";
import { CHANNELS } from "../rows.js";
import { setTime } from "../times.js";
import { SEND_ONE, channelMark, emptyWith } from "./marks.js";
import { table } from "./table.js";
import { TimeChart, bars, colour } from "./time_chart.js";

/** Events of 24 hours in bars of five minutes, channels on one another; the same numbers by hour in a table. */
export class ActivityChart {
  #context;
  #chart;
  #moment = make("span", { class: "legend-moment" });
  #values = CHANNELS.map(() => make("span", { class: "number" }));
  #table;
  #details;
  #nothing;
  /** @type {import("../activity.js").Grid | null} */
  #grid = null;
  /** @type {number | null} */
  #pointed = null;

  /** @param {import("../context.js").Context} context */
  constructor(context) {
    this.#context = context;
    const { t, format } = context;
    this.#chart = new TimeChart({
      label: t("overview.activity.label"),
      // The tallest first: what stands below it is painted over it.
      series: [...CHANNELS].reverse().map((channel) => barSeries(channel)),
      times: () => (this.#grid === null ? null : shownTimes(this.#grid)),
      time: (seconds) => format.minute(new Date(seconds * 1000).toISOString()),
      value: (count) => (Number.isInteger(count) ? format.integer(count) : ""),
      pointed: (index) => this.#point(index),
    });
    this.#table = hourTable(context);
    this.#details = make(
      "details",
      { class: "numbers", ontoggle: () => this.#showTable() },
      make("summary", {}, t("chart.as_table")),
      this.#table.node,
    );
    const silence = emptyWith(t("overview.empty"), SEND_ONE);
    this.#nothing = make("p", { class: "empty", hidden: true, "data-testid": "no-events" }, silence);
    const picture = make("div", { class: "picture" }, this.#chart.node, this.#nothing);
    this.node = make("div", {}, this.#legend(), picture, this.#details);
  }

  #legend() {
    const { named } = this.#context;
    const keys = CHANNELS.map((channel, index) =>
      make(
        "span",
        { class: "legend-key" },
        channelMark(channel),
        named(`channel.${channel}`, channel),
        this.#values[index],
      ),
    );
    return make("p", { class: "legend" }, this.#moment, ...keys);
  }

  /** @param {readonly import("../rows.js").ActivityRow[]} rows @param {string} asOf */
  show(rows, asOf) {
    this.#grid = grid(rows, Date.parse(asOf), CHANNELS);
    this.#chart.show([this.#grid.starts, ...stacked(this.#grid, CHANNELS).reverse()]);
    this.#nothing.hidden = rows.length > 0;
    this.#point(this.#pointed);
    this.#showTable();
  }

  close() {
    this.#chart.close();
  }

  /** @param {number | null} index of a bucket; the sums of all when none is pointed at */
  #point(index) {
    this.#pointed = index;
    const shown = this.#grid;
    if (shown === null) return;
    const { t, format } = this.#context;
    const start = index === null ? null : new Date(shown.starts[index] * 1000).toISOString();
    setText(this.#moment, start === null ? t("overview.activity.day") : format.moment(start));
    CHANNELS.forEach((channel, at) => {
      const count = index === null ? total(shown, channel) : shown.counts[channel][index];
      setText(this.#values[at], format.integer(count));
    });
  }

  #showTable() {
    if (this.#grid !== null && this.#details.open) this.#table.show(hours(this.#grid, CHANNELS));
  }
}

/** @param {string} channel */
function barSeries(channel) {
  return {
    label: channel,
    fill: () => colour(`--${channel}`),
    width: 0,
    paths: bars,
    points: { show: false },
  };
}

/** @param {import("../context.js").Context} context */
function hourTable(context) {
  const { t, named, format } = context;
  return table({
    id: "activity-table",
    caption: t("overview.activity.label"),
    empty: "",
    key: (/** @type {{start: string, counts: number[]}} */ row) => row.start,
    columns: [
      {
        id: "hour",
        kind: "row",
        head: t("overview.activity.hour"),
        fill: (cell, row) => setTime(context, cell, row.start, "moment"),
      },
      ...CHANNELS.map((channel, at) => ({
        id: channel,
        kind: /** @type {const} */ ("number"),
        head: named(`channel.${channel}`, channel),
        fill: (/** @type {HTMLElement} */ cell, /** @type {{start: string, counts: number[]}} */ row) =>
          setText(cell, format.integer(row.counts[at])),
      })),
    ],
  });
}
