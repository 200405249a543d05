import { make, setAttribute, setText } from "../dom.js";

/** As the README has it: it works as it stands. */
export const SEND_ONE = "engage send page_viewed --customer c-42 --property url=https://shop.example/";

/**
 * A channel by name and by a mark whose shape differs, too.
 * @param {import("../context.js").Context} context
 * @param {Element} parent that holds nothing else
 * @param {string} channel
 */
export function setChannel({ named }, parent, channel) {
  let mark = parent.querySelector(".channel");
  if (mark === null) {
    mark = make("span", { class: "channel" });
    parent.replaceChildren(mark);
  }
  setAttribute(mark, "data-channel", channel);
  setText(mark, named(`channel.${channel}`, channel));
}

/** @param {string} channel */
export function channelMark(channel) {
  return make("span", { class: "channel-mark", "data-channel": channel, "aria-hidden": "true" });
}

/**
 * A state in a pill, by word and colour.
 * @param {Element} parent that holds nothing else
 * @param {string} state decides the colour
 * @param {string} text
 */
export function setPill(parent, state, text) {
  let pill = parent.querySelector(".pill");
  if (pill === null) {
    pill = make("span", { class: "pill" });
    parent.replaceChildren(pill);
  }
  setAttribute(pill, "data-state", state);
  setText(pill, text);
}

/** What to do where nothing is yet: a sentence and a command. @param {string} sentence @param {string} command */
export function emptyWith(sentence, command) {
  return make("span", {}, sentence, " ", make("code", {}, command));
}
