import { make, setAttribute, setText } from "../dom.js";
import { eventWords } from "../event_words.js";
import { setMeter } from "../parts/bars.js";
import { figure } from "../parts/figure.js";
import { SEND_ONE, channelMark, emptyWith, setChannel } from "../parts/marks.js";
import { pageHead, panel } from "../parts/panel.js";
import { markRow, table } from "../parts/table.js";
import { visitorFilters } from "../parts/visitor_filters.js";
import { customerPath } from "../places.js";
import { CHANNELS } from "../rows.js";
import { setTime } from "../times.js";

/** A lead this high is worth a word now; the texts say so. */
export const HOT_LEAD_SCORE = 30;

/** @typedef {import("../rows.js").VisitorRow} VisitorRow */

/** @type {import("../app.js").MakePage} */
export function visitors(room) {
  const { context, main } = room;
  const { t, format } = context;
  const counts = countFigures(context);
  const filters = visitorFilters(room);
  const nobody = emptyWith(t("visitors.empty"), SEND_ONE);
  const rows = table({
    id: "visitors-table",
    caption: t("visitors.title"),
    columns: columns(context),
    key: (row) => row.customer_id,
    empty: nobody,
  });
  const shown = make("p", { class: "soft shown", "data-testid": "visitors-shown" });
  main.append(
    pageHead(
      t("visitors.title"),
      make("p", { class: "soft" }, t("visitors.note", { hot: format.integer(HOT_LEAD_SCORE) })),
    ),
    counts.node,
    panel({ id: "visitors", title: t("visitors.list"), aside: filters.node }, rows.node, shown),
  );
  return {
    title: t("visitors.title"),
    show: (query) => filters.mark(query),
    /** @param {import("../rows.js").Visitors} data */
    render(data) {
      counts.show(data);
      rows.show(data.visitors);
      const more = data.total > data.visitors.length;
      setText(
        shown,
        more
          ? t("visitors.shown", {
              shown: format.integer(data.visitors.length),
              total: format.integer(data.total),
            })
          : "",
      );
    },
    close: filters.close,
  };
}

/** @param {import("../context.js").Context} context */
function countFigures({ t, named, format }) {
  const total = figure(t("visitors.total"), { id: "visitors-total" });
  const channels = CHANNELS.map((channel) => ({
    channel,
    shown: figure(named(`channel.${channel}`, channel), {
      id: `visitors-${channel}`,
      before: channelMark(channel),
    }),
  }));
  return {
    node: make(
      "dl",
      { class: "figures panel is-plain" },
      total.node,
      ...channels.map(({ shown }) => shown.node),
    ),
    /** @param {import("../rows.js").Visitors} data */
    show({ total: all, by_channel }) {
      total.set(format.integer(all));
      for (const { channel, shown } of channels) {
        shown.set(format.integer(by_channel.find((row) => row.channel === channel)?.visitors ?? 0));
      }
    },
  };
}

/** @param {import("../context.js").Context} context @returns {import("../parts/table.js").Column<VisitorRow>[]} */
function columns(context) {
  const { t, format } = context;
  return [
    { id: "who", kind: "row", head: t("visitors.who"), fill: (cell, row) => fillWho(context, cell, row) },
    { id: "channel", head: t("visitors.where"), fill: (cell, row) => setChannel(context, cell, row.channel) },
    { id: "event", head: t("visitors.last_event"), fill: (cell, row) => fillEvent(context, cell, row) },
    {
      id: "ago",
      head: t("visitors.last_at"),
      fill: (cell, row) => setTime(context, cell, row.last_at, "ago"),
    },
    {
      id: "since",
      head: t("visitors.since"),
      fill: (cell, row) => setTime(context, cell, row.since_at, "minute"),
    },
    {
      id: "score",
      kind: "number",
      head: t("score.name"),
      fill: (cell, row) => setMeter(cell, format.decimal(row.score), row.score / 100),
    },
    { id: "lead", kind: "number", head: t("lead.name"), fill: (cell, row) => fillLead(context, cell, row) },
  ];
}

/** @param {import("../context.js").Context} context @param {HTMLElement} cell @param {VisitorRow} row */
function fillWho({ t }, cell, row) {
  if (cell.firstElementChild === null) {
    const link = make(
      "a",
      { class: "who", href: customerPath(row.customer_id), title: row.customer_id },
      row.customer_id,
    );
    cell.append(link, make("span", { class: "hot", hidden: true }, t("visitors.hot")));
  }
  const hot = row.lead_score !== null && row.lead_score >= HOT_LEAD_SCORE;
  setAttribute(/** @type {Element} */ (cell.lastElementChild), "hidden", !hot);
  markRow(cell, "hot", hot);
}

/** @param {import("../context.js").Context} context @param {HTMLElement} cell @param {VisitorRow} row */
function fillEvent(context, cell, row) {
  const { what, about } = eventWords(context, row.last_type, row.last_summary);
  if (cell.firstElementChild === null) cell.append(make("span"), make("span", { class: "about" }));
  setText(/** @type {Element} */ (cell.firstElementChild), what);
  setText(/** @type {Element} */ (cell.lastElementChild), about);
  setAttribute(cell, "title", about || null);
}

/** @param {import("../context.js").Context} context @param {HTMLElement} cell @param {VisitorRow} row */
function fillLead({ format }, cell, row) {
  setText(cell, format.integer(row.lead_score));
}
