import { make } from "../dom.js";
import { onTheme } from "../theme.js";
import untyped from "../vendor/uplot/uPlot.esm.js";

/** @type {any} the types that it comes with are TypeScript */
const uPlot = untyped;

const HEIGHT_PX = 200;

/**
 * @typedef {object} TimeChartHow
 * @property {string} label what it shows, for those who do not see it; the numbers stand in a table beside it
 * @property {any[]} series of uPlot
 * @property {(seconds: number) => string} time of the axis' ticks
 * @property {(value: number) => string} value of the axis' ticks
 * @property {() => [number, number] | null} [times] the first and last second to show; those of the data if left out
 * @property {(index: number | null) => void} pointed at a moment, or at none
 * @property {(plot: any, least: number, largest: number) => [number, number]} [range] of the values; from 0 to a bit
 *   above the largest if left out
 */

/** One uPlot over time, kept for as long as its page: new data replace the old, colours follow the theme. */
export class TimeChart {
  #plot;
  #observer;
  #end = new AbortController();

  /** @param {TimeChartHow} how */
  constructor(how) {
    this.node = make("div", { class: "time-chart", role: "img", "aria-label": how.label });
    this.#plot = new uPlot(options(how), null, this.node);
    this.#observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT_PX });
    });
    this.#observer.observe(this.node);
    onTheme(() => this.#plot.redraw(), this.#end.signal);
  }

  /** @param {(number | null)[][]} data seconds since 1970, then one row per series */
  show(data) {
    this.#plot.setData(data);
  }

  close() {
    this.#end.abort();
    this.#observer.disconnect();
    this.#plot.destroy();
  }
}

/** How a series draws upright bars, each from the start of its time on. */
export const bars = uPlot.paths.bars({ size: [0.82, 64], align: 1 });

/** @param {string} name of a custom property @returns {string} its colour now */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** @param {any} _ @param {number} __ @param {number} largest @returns {[number, number]} */
function fromZero(_, __, largest) {
  return [0, Math.max(1, largest * 1.05)];
}

/** @param {TimeChartHow} how */
function options({ series, time, value, pointed, times = () => null, range = fromZero }) {
  const font = "12px system-ui, sans-serif";
  const axis = {
    stroke: () => colour("--soft"),
    font,
    ticks: { show: false },
    grid: { stroke: () => colour("--rule"), width: 1 },
  };
  return {
    width: 600,
    height: HEIGHT_PX,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
    scales: {
      x: {
        range: (/** @type {any} */ _, /** @type {number} */ first, /** @type {number} */ last) =>
          times() ?? [first, last],
      },
      y: { range },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: 72,
        values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(time),
      },
      {
        ...axis,
        size: 52,
        space: 36,
        values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(value),
      },
    ],
    series: [{}, ...series],
    hooks: { setCursor: [(/** @type {any} */ plot) => pointed(plot.cursor.idx ?? null)] },
  };
}
