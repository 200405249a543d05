import { make, setText } from "../dom.js";
import { MISSING } from "../format.js";
import { CHANNELS } from "../rows.js";
import { channelMark } from "./marks.js";
import { scrollable } from "./scrollable.js";

const WINDOWS = Object.freeze(["1h", "24h", "7d", "30d", "90d"]);

/** @typedef {"events" | "points" | "active_days" | "conversations" | "messages" | "orders"} Figure */
/** @type {Readonly<Record<import("../rows.js").Channel, readonly Figure[]>>} what each channel can have */
const FIGURES = Object.freeze({
  website: ["events", "points", "active_days"],
  chat: ["events", "points", "active_days", "conversations", "messages"],
  purchase: ["events", "points", "active_days", "orders"],
});

/**
 * The rolling windows of a customer, channel by channel. A window without an event is a row of zeros.
 * @param {import("../context.js").Context} context
 */
export function windowsTable(context) {
  const { t, named, format } = context;
  const groups = CHANNELS.map((channel) =>
    make(
      "th",
      { scope: "colgroup", colspan: FIGURES[channel].length, class: "group-start" },
      channelMark(channel),
      named(`channel.${channel}`, channel),
    ),
  );
  const heads = CHANNELS.flatMap((channel) =>
    FIGURES[channel].map((name, index) =>
      make(
        "th",
        { scope: "col", class: index === 0 ? "is-number group-start" : "is-number" },
        t(`window_figure.${name}`),
      ),
    ),
  );
  const rows = WINDOWS.map((name) => windowRow(context, name));
  const caption = t("windows.title");
  const head = make(
    "thead",
    {},
    make("tr", {}, make("th", { scope: "col", rowspan: 2 }, t("windows.window")), ...groups),
    make("tr", {}, ...heads),
  );
  const columns = [
    make("col"),
    ...CHANNELS.map((channel) => make("colgroup", { span: FIGURES[channel].length })),
  ];
  const wrap = make(
    "div",
    { class: "table-wrap" },
    make(
      "table",
      { class: "windows", "data-testid": "windows-table" },
      make("caption", { class: "visually-hidden" }, caption),
      make("colgroup", {}, columns[0]),
      ...columns.slice(1),
      head,
      make("tbody", {}, ...rows.map(({ node }) => node)),
    ),
  );
  scrollable(wrap, caption);
  return {
    node: wrap,
    /** @param {import("../rows.js").WindowRow[]} windows */
    show(windows) {
      for (const row of rows) row.show(windows, format);
    },
  };
}

/** @param {import("../context.js").Context} context @param {string} name */
function windowRow({ t }, name) {
  const cells = CHANNELS.flatMap((channel) =>
    FIGURES[channel].map((figure, index) => ({
      channel,
      figure,
      cell: make("td", { class: index === 0 ? "is-number group-start" : "is-number" }),
    })),
  );
  return {
    node: make(
      "tr",
      { "data-window": name },
      make("th", { scope: "row" }, t(`window.${name}`)),
      ...cells.map(({ cell }) => cell),
    ),
    /** @param {import("../rows.js").WindowRow[]} windows @param {import("../format.js").Formats} format */
    show(windows, format) {
      for (const { channel, figure, cell } of cells) {
        const row = windows.find(
          (candidate) => candidate.channel === channel && candidate.window_name === name,
        );
        // Points and active days are counted by date: windows below a day have none.
        const never = (figure === "points" || figure === "active_days") && (name === "1h" || name === "24h");
        setText(cell, never ? MISSING : format.short(row?.[figure] ?? 0));
      }
    },
  };
}
