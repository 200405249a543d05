import { make, setAttribute, setProperty, setText } from "../dom.js";
import { MISSING } from "../format.js";
import { KeyedChildren } from "../keyed.js";
import { emptyWith, setPill } from "./marks.js";

/**
 * Goals with their progress from the baseline to the target.
 * @param {import("../context.js").Context} context
 */
export function goalList(context) {
  const list = make("ul", { class: "goals", "data-testid": "goal-list" });
  const nothing = make(
    "p",
    { class: "empty", hidden: true },
    emptyWith(context.t("goals.empty"), "engage goal add --help"),
  );
  const items = new KeyedChildren(list, {
    key: (/** @type {import("../rows.js").GoalRow} */ goal) => goal.goal_id,
    make: () => made(),
    fill: (item, goal) => filled(context, item, goal),
  });
  return {
    node: make("div", { class: "goals-frame" }, list, nothing),
    /** @param {import("../rows.js").GoalRow[]} goals */
    show(goals) {
      items.show(goals);
      list.hidden = goals.length === 0;
      nothing.hidden = goals.length > 0;
    },
  };
}

function made() {
  return make(
    "li",
    {},
    make("div", { class: "goal-name" }, make("strong"), make("span", { class: "soft" })),
    make(
      "div",
      { class: "goal-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
      make("span"),
    ),
    make("span", { class: "goal-figures" }),
    make("span", { class: "goal-due soft" }),
    make("span", { class: "goal-status" }),
  );
}

/** @param {import("../context.js").Context} context @param {HTMLElement} item @param {import("../rows.js").GoalRow} goal */
function filled({ t, named, format }, item, goal) {
  const [name, bar, numbers, due, status] = /** @type {HTMLElement[]} */ ([...item.children]);
  const metric = named(`metric.${goal.metric}`, goal.metric);
  setText(/** @type {Element} */ (name.firstElementChild), metric);
  setText(/** @type {Element} */ (name.lastElementChild), `${goal.segment} · ${goal.goal_id}`);
  const value = (/** @type {number | null} */ figure) =>
    goal.metric.endsWith("_pct") ? format.percent(figure) : format.short(figure);
  const [baseline, current, target] = [goal.baseline, goal.current, goal.target].map(value);
  const ends = { baseline, target };
  setText(
    numbers,
    goal.current === null ? t("goals.figures_none", ends) : t("goals.figures", { ...ends, current }),
  );
  setText(due, t("goals.due", { day: format.day(goal.due_date) }));
  const share = Math.min(1, Math.max(0, goal.progress_ratio ?? 0));
  setAttribute(bar, "aria-label", t("goals.progress", { metric }));
  setAttribute(bar, "aria-valuenow", Math.round(share * 100));
  setAttribute(
    bar,
    "aria-valuetext",
    goal.progress_ratio === null ? MISSING : format.percent(goal.progress_ratio * 100),
  );
  setAttribute(bar, "data-state", goal.status ?? "none");
  setProperty(/** @type {HTMLElement} */ (bar.firstElementChild), "--share", String(share));
  setPill(status, goal.status ?? "none", t(`goal_status.${goal.status ?? "none"}`));
}
