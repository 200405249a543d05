import { make, setText } from "../dom.js";
import { reasonWords } from "../event_words.js";
import { pointsOf } from "../ledger.js";
import { customerHead } from "../parts/customer_head.js";
import { setPill } from "../parts/marks.js";
import { pageHead, panel } from "../parts/panel.js";
import { scoreLedger } from "../parts/score_ledger.js";
import { channelSwitcher } from "../parts/switcher.js";
import { table } from "../parts/table.js";
import { Timeline } from "../parts/timeline.js";
import { windowsTable } from "../parts/windows_table.js";
import { customerPath, filter, withFilters } from "../places.js";
import { CHANNELS } from "../rows.js";
import { setTime } from "../times.js";

/** @type {import("../app.js").MakePage} */
export function customer({ context, main, id }) {
  const { t } = context;
  const head = customerHead(context);
  const timeline = new Timeline(context, id);
  const channels = channelSwitcher(context, "timeline-filter");
  const windows = windowsTable(context);
  const ledgers = [scorePart(context), leadPart(context)];
  const histories = [transitionPart(context), orderPart(context)];
  const heading = pageHead(id, make("p", { class: "soft" }, t("customer.title")));
  heading.classList.add("is-id");
  main.append(
    heading,
    head.node,
    panel({ id: "windows", title: t("windows.title"), note: t("windows.note") }, windows.node),
    make(
      "div",
      { class: "customer-columns" },
      panel({ id: "timeline-panel", title: t("timeline.title"), aside: channels.node }, timeline.node),
      make(
        "div",
        { class: "stack" },
        ...ledgers.map(({ node }) => node),
        ...histories.map(({ node }) => node),
      ),
    ),
  );
  return {
    title: id,
    close: () => timeline.close(),
    show(query) {
      const channel = filter(query, "channel", CHANNELS, "");
      channels.mark(channel, (value) => withFilters(customerPath(id), { channel: value }));
      timeline.filter(channel);
      return withFilters(customerPath(id), { channel });
    },
    /** @param {import("../rows.js").Customer} data */
    render(data) {
      head.show(data.customer);
      timeline.show(data.events, data.has_more);
      windows.show(data.windows);
      for (const part of [...ledgers, ...histories]) part.show(data);
    },
  };
}

/** @typedef {{node: HTMLElement, show: (data: import("../rows.js").Customer) => void}} Part */

/** @param {import("../context.js").Context} context @returns {Part} */
function scorePart(context) {
  const { node, show } = scoreLedger(context);
  return { node, show: (data) => show(data.score_ledger, data.customer.score) };
}

/** @param {import("../context.js").Context} context @returns {Part} */
function leadPart(context) {
  const { t, format } = context;
  const sum = make("td", { class: "is-number", "data-testid": "lead-points" });
  const foot = make(
    "tfoot",
    {},
    make("tr", {}, make("th", { scope: "row", colspan: 2 }, t("lead.sum")), sum),
  );
  const rows = table({
    id: "lead-ledger-table",
    tall: true,
    caption: t("lead.title"),
    empty: t("lead.empty"),
    foot,
    key: (/** @type {import("../rows.js").LeadRow} */ row) => `${row.rule} ${row.occurred_at}`,
    columns: [
      { id: "rule", kind: "row", head: t("lead.rule"), fill: (cell, row) => setText(cell, row.rule) },
      {
        id: "at",
        head: t("time.when"),
        fill: (cell, row) => setTime(context, cell, row.occurred_at, "moment"),
      },
      {
        id: "points",
        kind: "number",
        head: t("score.points"),
        fill: (cell, row) => setText(cell, format.integer(row.points)),
      },
    ],
  });
  return {
    node: panel({ id: "lead-ledger", title: t("lead.title") }, rows.node),
    show({ lead_ledger: ledger }) {
      setText(sum, format.integer(pointsOf(ledger)));
      rows.show([...ledger].sort((a, b) => b.occurred_at.localeCompare(a.occurred_at)));
    },
  };
}

/** @param {import("../context.js").Context} context @returns {Part} */
function transitionPart(context) {
  const { t, named } = context;
  const rows = table({
    id: "transitions-table",
    tall: true,
    caption: t("history.title"),
    empty: t("history.empty"),
    key: (/** @type {import("../rows.js").TransitionRow} */ row) => `${row.changed_at} ${row.to_status}`,
    columns: [
      {
        id: "at",
        kind: "row",
        head: t("time.when"),
        fill: (cell, row) => setTime(context, cell, row.changed_at, "stamp"),
      },
      {
        id: "from",
        head: t("history.from"),
        fill: (cell, row) => setText(cell, named(`status.${row.from_status}`, row.from_status)),
      },
      {
        id: "to",
        head: t("history.to"),
        fill: (cell, row) => setPill(cell, row.to_status, named(`status.${row.to_status}`, row.to_status)),
      },
      {
        id: "reason",
        head: t("history.reason"),
        fill: (cell, row) => setText(cell, reasonWords(context, row.reason)),
      },
    ],
  });
  return {
    node: panel({ id: "history", title: t("history.title") }, rows.node),
    show: ({ transitions }) => rows.show(transitions),
  };
}

/** @param {import("../context.js").Context} context @returns {Part} */
function orderPart(context) {
  const { t, named, format } = context;
  const rows = table({
    id: "orders-table",
    tall: true,
    caption: t("orders.title"),
    empty: t("orders.empty"),
    key: (/** @type {import("../rows.js").OrderRow} */ row) => row.order_id,
    columns: [
      { id: "order", kind: "row", head: t("orders.order"), fill: (cell, row) => setText(cell, row.order_id) },
      {
        id: "at",
        head: t("time.when"),
        fill: (cell, row) => setTime(context, cell, row.ordered_at, "moment"),
      },
      {
        id: "status",
        head: t("customer.status"),
        fill: (cell, row) => setPill(cell, row.status, named(`order_status.${row.status}`, row.status)),
      },
      {
        id: "net",
        kind: "number",
        head: t("orders.net"),
        fill: (cell, row) => setText(cell, format.money(row.net_minor, row.currency)),
      },
    ],
  });
  return {
    node: panel({ id: "orders", title: t("orders.title") }, rows.node),
    show: ({ orders }) => rows.show(orders),
  };
}
