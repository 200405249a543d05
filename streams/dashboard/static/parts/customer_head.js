import { make, setAttribute, setText } from "../dom.js";
import { setMeter } from "./bars.js";
import { figure } from "./figure.js";
import { setPill } from "./marks.js";
import { setTime } from "../times.js";

/** @typedef {import("../rows.js").CustomerRow} CustomerRow */

/**
 * The figures at the head of a customer's page.
 * @param {import("../context.js").Context} context
 */
export function customerHead(context) {
  const { t, named, format } = context;
  const parts = {
    score: figure(t("score.name"), { id: "customer-score" }),
    status: figure(t("customer.status"), { id: "customer-status" }),
    lead: figure(t("lead.name"), { id: "customer-lead" }),
    orders: figure(t("customer.orders"), { id: "customer-orders" }),
    revenue: figure(t("customer.revenue"), { id: "customer-revenue" }),
    events: figure(t("customer.events"), { id: "customer-events" }),
    seen: figure(t("customer.last_seen"), { id: "customer-last-seen" }),
    channel: figure(t("customer.preferred"), { id: "customer-channel" }),
  };
  return {
    node: make(
      "dl",
      { class: "figures customer-head panel" },
      ...Object.values(parts).map(({ node }) => node),
    ),
    /** @param {CustomerRow} row */
    show(row) {
      setMeter(parts.score.value, format.decimal(row.score), row.score / 100);
      setPill(
        parts.status.value,
        row.churn_status ?? "none",
        named(`status.${row.churn_status ?? "anonymous"}`, row.churn_status ?? ""),
      );
      setText(parts.status.note, statusNote(context, row));
      parts.lead.set(format.integer(row.lead_score), row.lead_score === null ? t("lead.bought") : "");
      parts.orders.set(format.integer(row.orders_total));
      parts.revenue.set(
        format.money(row.revenue_minor_total, row.currency),
        row.currency === null ? "" : t("customer.net"),
      );
      parts.events.set(
        format.integer(row.events_total),
        row.first_seen_at === null ? "" : t("customer.since", { day: format.day(row.first_seen_at) }),
      );
      setTime(context, parts.seen.value, row.last_seen_at, "ago");
      setText(parts.seen.note, row.last_seen_at === null ? "" : format.moment(row.last_seen_at));
      const channel = row.preferred_channel;
      parts.channel.set(
        channel === null ? format.integer(null) : named(`channel.${channel}`, channel),
        t("customer.reach", { n: format.integer(row.omnichannel_reach) }),
      );
      setAttribute(parts.status.node, "data-off-season", row.is_off_season === 1);
    },
  };
}

/** @param {import("../context.js").Context} context @param {CustomerRow} row */
function statusNote({ t, format }, row) {
  if (row.is_off_season) return t("customer.off_season");
  if (row.overdue_ratio === null || row.expected_gap_days === null) return "";
  return t("customer.overdue", {
    ratio: format.decimal(row.overdue_ratio),
    days: format.integer(Math.round(row.expected_gap_days)),
  });
}
