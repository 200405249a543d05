import { ask } from "../api.js";
import { make, setText } from "../dom.js";
import { eventWords } from "../event_words.js";
import { KeyedChildren } from "../keyed.js";
import { customerPath, withFilters } from "../places.js";
import { CHANNELS } from "../rows.js";
import { byDay, eventKey, merged } from "../timeline_events.js";
import { setTime } from "../times.js";
import { channelMark } from "./marks.js";

/** @typedef {import("../rows.js").EventRow} EventRow */
/** @typedef {import("../timeline_events.js").Day} Day */

/** A customer's events in three lanes, one per channel, newest first; older ones are fetched on demand. */
export class Timeline {
  #context;
  #id;
  #channel = "";
  /** @type {EventRow[]} newest first */
  #events = [];
  #hasMore = false;
  /** Older events were asked for: what slides out of the newest is kept. */
  #extended = false;
  #asking = new AbortController();
  #days;
  #list = make("div", { class: "timeline-days", "data-testid": "timeline" });
  #older;
  #problem = make("p", { class: "problem", role: "status" });
  #nothing;

  /** @param {import("../context.js").Context} context @param {string} id */
  constructor(context, id) {
    const { t, named } = context;
    this.#context = context;
    this.#id = id;
    this.#days = new KeyedChildren(this.#list, {
      key: (/** @type {Day} */ { day }) => day,
      make: (day) => new DayList(context, day).node,
      fill: (node, day) => /** @type {DayList} */ (lists.get(node)).show(day.rows),
    });
    this.#older = make(
      "button",
      { type: "button", hidden: true, "data-testid": "show-older", onclick: () => this.#showOlder() },
      t("timeline.older"),
    );
    this.#nothing = make("p", { class: "empty", hidden: true }, t("timeline.empty"));
    const lanes = CHANNELS.map((channel) =>
      make("span", { "data-channel": channel }, channelMark(channel), named(`channel.${channel}`, channel)),
    );
    this.node = make(
      "div",
      { class: "timeline" },
      make("div", { class: "lanes", "aria-hidden": "true" }, make("span"), ...lanes),
      this.#list,
      this.#nothing,
      this.#problem,
      this.#older,
    );
  }

  /** @param {string} channel empty for all */
  filter(channel) {
    if (channel === this.#channel) return;
    this.#channel = channel;
    this.#events = [];
    this.#extended = false;
    this.#asking.abort();
  }

  /** @param {EventRow[]} newest @param {boolean} hasMore */
  show(newest, hasMore) {
    const { events, joined } = merged(newest, this.#extended ? this.#events : [], hasMore);
    this.#extended &&= joined;
    if (!this.#extended) this.#hasMore = hasMore;
    this.#draw(events);
  }

  close() {
    this.#asking.abort();
  }

  async #showOlder() {
    const before = this.#events.at(-1)?.occurred_at;
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#older.disabled = true;
    setText(this.#problem, "");
    try {
      const path = withFilters(`${customerPath(this.#id)}/events`, { before, channel: this.#channel });
      const { events, has_more } = await ask(path, signal);
      if (signal.aborted) return;
      this.#extended = true;
      this.#hasMore = has_more;
      this.#draw([...this.#events, ...events]);
    } catch (problem) {
      if (!signal.aborted)
        setText(this.#problem, problem instanceof Error ? problem.message : String(problem));
    } finally {
      this.#older.disabled = false;
    }
  }

  /** @param {EventRow[]} events */
  #draw(events) {
    this.#events = events;
    this.#days.show(byDay(events, this.#context.format.instantDay));
    this.#nothing.hidden = events.length > 0;
    this.#older.hidden = !this.#hasMore || events.length === 0;
  }
}

/** @type {WeakMap<Node, DayList>} */
const lists = new WeakMap();

/** The events of one date of the viewer. */
class DayList {
  #rows;

  /** @param {import("../context.js").Context} context @param {Day} day */
  constructor(context, { day }) {
    const list = make("ol");
    this.node = make("section", { class: "timeline-day" }, make("h3", {}, day), list);
    this.#rows = new KeyedChildren(list, {
      key: eventKey,
      make: () => madeEvent(),
      fill: (item, row) => filledEvent(context, item, row),
    });
    lists.set(this.node, this);
  }

  /** @param {EventRow[]} rows */
  show(rows) {
    this.#rows.show(rows);
  }
}

function madeEvent() {
  return make(
    "li",
    {},
    make("span", { class: "event-time" }),
    make(
      "div",
      { class: "event" },
      make("span", { class: "visually-hidden" }),
      make("strong"),
      make("span", { class: "about" }),
    ),
  );
}

/** @param {import("../context.js").Context} context @param {HTMLElement} item @param {EventRow} row */
function filledEvent(context, item, row) {
  const [time, event] = /** @type {HTMLElement[]} */ ([...item.children]);
  const [channel, what, about] = /** @type {HTMLElement[]} */ ([...event.children]);
  item.dataset.channel = row.channel;
  const words = eventWords(context, row.type, row.summary);
  setTime(context, time, row.occurred_at, "clock");
  setText(channel, `${context.named(`channel.${row.channel}`, row.channel)}: `);
  setText(what, words.what);
  setText(about, words.about);
}
