import { make } from "../dom.js";
import { ActivityChart } from "../parts/activity_chart.js";
import { uprightBars } from "../parts/bars.js";
import { figure, figures } from "../parts/figure.js";
import { goalList } from "../parts/goal_list.js";
import { channelMark } from "../parts/marks.js";
import { pageHead, panel } from "../parts/panel.js";
import { rateTable } from "../parts/rate_table.js";
import { sparkline } from "../parts/sparkline.js";
import { grid } from "../activity.js";
import { CHANNELS } from "../rows.js";

const SPARK_BUCKETS = 24;

/** @type {import("../app.js").MakePage} */
export function overview({ context, main }) {
  const { t } = context;
  const rates = rateFigures(context);
  const people = peopleFigures(context);
  const activity = new ActivityChart(context);
  const scores = scorePanel(context);
  const retention = rateTable(context);
  const goals = goalList(context);
  main.append(
    pageHead(t("overview.title")),
    panel(
      { id: "activity", title: t("overview.activity.title"), note: t("overview.activity.note") },
      rates.node,
      activity.node,
    ),
    people.node,
    make(
      "div",
      { class: "two-columns" },
      scores.node,
      panel(
        {
          id: "retention-now",
          title: t("overview.retention.title"),
          aside: make("a", { href: "/retention" }, t("overview.retention.more")),
        },
        retention.node,
      ),
    ),
    panel({ id: "goals", title: t("goals.title") }, goals.node),
  );
  return {
    title: t("overview.title"),
    show: () => "/overview",
    close: () => activity.close(),
    /** @param {import("../rows.js").Overview} data */
    render(data) {
      rates.show(data);
      activity.show(data.activity, data.as_of);
      people.show(data);
      scores.show(data.scores);
      retention.show(data.retention);
      goals.show(data.goals);
    },
  };
}

/** @param {import("../context.js").Context} context */
function rateFigures({ t, named, format }) {
  const parts = CHANNELS.map((channel) => {
    const spark = sparkline(channel);
    const shown = figure(named(`channel.${channel}`, channel), {
      id: `rate-${channel}`,
      before: channelMark(channel),
      after: make("dd", { class: "figure-chart" }, spark.node),
    });
    return { channel, spark, ...shown };
  });
  return {
    node: figures("rates", ...parts),
    /** @param {import("../rows.js").Overview} data */
    show(data) {
      const { counts } = grid(data.activity, Date.parse(data.as_of), CHANNELS);
      for (const { channel, spark, set } of parts) {
        const rate = data.rates.find((row) => row.channel === channel);
        set(format.rate(rate?.events_per_second), t("overview.per_second"));
        // The bucket that runs would look like a fall.
        spark.show(counts[channel].slice(-SPARK_BUCKETS - 1, -1));
      }
    },
  };
}

/** @param {import("../context.js").Context} context */
function peopleFigures({ t, format }) {
  const live = figure(make("a", { href: "/visitors" }, t("overview.live")), { id: "live-visitors" });
  const active = /** @type {const} */ (["dau", "wau", "mau"]).map((name) => ({
    name,
    shown: figure(t(`active.${name}`), { id: name }),
  }));
  return {
    node: figures("people panel", live, ...active.map(({ shown }) => shown)),
    /** @param {import("../rows.js").Overview} data */
    show({ live_visitors, stickiness }) {
      live.set(format.integer(live_visitors), t("overview.live.note"));
      for (const { name, shown } of active)
        shown.set(format.integer(stickiness?.[name]), t(`active_note.${name}`));
    },
  };
}

/** @param {import("../context.js").Context} context */
function scorePanel({ t, format }) {
  const names = Array.from({ length: 10 }, (_, index) => `${index * 10}–${index * 10 + 10}`);
  const bars = uprightBars({ id: "score-bars", label: t("overview.scores.title"), names });
  return {
    node: panel(
      { id: "scores", title: t("overview.scores.title"), note: t("overview.scores.note") },
      bars.node,
    ),
    /** @param {import("../rows.js").ScoreBin[]} bins */
    show: (bins) =>
      bars.show(
        bins.map((bin) => bin.customers),
        format.integer,
      ),
  };
}
