import { make, setProperty, setText } from "../dom.js";
import { table } from "./table.js";

/** From the axis up, and below it. */
const UP = /** @type {const} */ (["returning", "resurrecting", "new"]);
const PARTS = /** @type {const} */ (["new", "resurrecting", "returning", "dormant"]);

/** @typedef {import("../rows.js").LifecycleRow} LifecycleRow */

/**
 * Active customers of each period by where they come from, and below the axis those who stayed away.
 * @param {import("../context.js").Context} context
 */
export function lifecycleBars(context) {
  const { t, format } = context;
  const moment = make("span", { class: "legend-moment" });
  const values = PARTS.map(() => make("span", { class: "number" }));
  const keys = PARTS.map((part, index) =>
    make(
      "span",
      { class: "legend-key" },
      make("span", { class: "part-mark", "data-part": part, "aria-hidden": "true" }),
      t(`lifecycle.${part}`),
      values[index],
    ),
  );
  const bars = make("div", { class: "lifecycle-bars", "aria-hidden": "true" });
  const nothing = make("p", { class: "empty", hidden: true });
  const numbers = numberTable(context);
  const picture = make(
    "div",
    {},
    make("p", { class: "legend" }, moment, ...keys),
    bars,
    make("details", { class: "numbers" }, make("summary", {}, t("chart.as_table")), numbers.node),
  );
  return {
    node: make("div", { class: "lifecycle", "data-testid": "lifecycle-bars" }, picture, nothing),
    /** @param {readonly LifecycleRow[]} rows oldest first @param {string} grain */
    show(rows, grain) {
      picture.hidden = rows.length === 0;
      nothing.hidden = rows.length > 0;
      setText(nothing, t(grain === "quarter" ? "lifecycle.no_quarter" : "lifecycle.empty"));
      const point = (/** @type {LifecycleRow | undefined} */ row) => {
        setText(moment, row === undefined ? "" : format.period(row.period_start, grain));
        PARTS.forEach((part, index) => setText(values[index], format.integer(row?.[part])));
      };
      drawn(context, bars, rows, grain, point);
      point(rows.at(-1));
      numbers.show([...rows].reverse(), grain);
    },
  };
}

/**
 * @param {import("../context.js").Context} context
 * @param {HTMLElement} bars
 * @param {readonly LifecycleRow[]} rows
 * @param {string} grain
 * @param {(row: LifecycleRow | undefined) => void} point
 */
function drawn({ format }, bars, rows, grain, point) {
  const up = Math.max(1, ...rows.map((row) => row.active));
  const down = Math.max(0, ...rows.map((row) => row.dormant));
  setProperty(bars, "--up", String(up));
  setProperty(bars, "--down", String(down));
  bars.replaceChildren(
    ...rows.map((row) => {
      const above = make(
        "div",
        { class: "above" },
        ...UP.map((part) => segment(part, row[part] / up)).reverse(),
      );
      const below = make("div", { class: "below" }, segment("dormant", down === 0 ? 0 : row.dormant / down));
      const name = make("span", { class: "bar-name" }, format.period(row.period_start, grain));
      return make(
        "div",
        {
          class: "lifecycle-bar",
          "data-running": !row.is_complete,
          onmouseenter: () => point(row),
          onmouseleave: () => point(rows.at(-1)),
        },
        above,
        below,
        name,
      );
    }),
  );
}

/** @param {string} part @param {number} share of its half of the picture */
function segment(part, share) {
  const node = make("div", { "data-part": part });
  setProperty(node, "--share", String(share));
  return node;
}

/** @param {import("../context.js").Context} context */
function numberTable({ t, format }) {
  let grain = "month";
  const rows = table({
    id: "lifecycle-table",
    caption: t("lifecycle.title"),
    empty: "",
    key: (/** @type {LifecycleRow} */ row) => row.period_start,
    columns: [
      {
        id: "period",
        kind: "row",
        head: t("periods.period"),
        fill: (cell, row) => setText(cell, format.period(row.period_start, grain)),
      },
      .../** @type {const} */ ([...PARTS, "active"]).map((part) => ({
        id: part,
        kind: /** @type {const} */ ("number"),
        head: t(`lifecycle.${part}`),
        fill: (/** @type {HTMLElement} */ cell, /** @type {LifecycleRow} */ row) =>
          setText(cell, format.integer(row[part])),
      })),
    ],
  });
  return {
    node: rows.node,
    /** @param {readonly LifecycleRow[]} data @param {string} of */
    show(data, of) {
      grain = of;
      rows.show(data);
    },
  };
}
