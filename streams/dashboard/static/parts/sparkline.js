import { makeSvg, setAttribute } from "../dom.js";

const WIDTH = 100;
const HEIGHT = 24;

/** A line without axes beside a number that says the same. @param {string} channel */
export function sparkline(channel) {
  const line = makeSvg("polyline", { points: "", "vector-effect": "non-scaling-stroke" });
  const node = makeSvg(
    "svg",
    {
      class: "sparkline",
      "data-channel": channel,
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    line,
  );
  return {
    node,
    /** @param {readonly number[]} values */
    show(values) {
      setAttribute(line, "points", points(values));
    },
  };
}

/** @param {readonly number[]} values from 0 at the bottom to the largest at the top @returns {string} */
export function points(values) {
  const top = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  return values
    .map((value, index) => `${round(index * step)},${round(HEIGHT - 1 - (value / top) * (HEIGHT - 2))}`)
    .join(" ");
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
