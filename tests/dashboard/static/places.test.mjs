import assert from "node:assert/strict";
import { test } from "node:test";
import { eventWords, reasonWords } from "../../../streams/dashboard/static/event_words.js";
import {
  customerPath,
  filter,
  minScore,
  place,
  withFilters,
} from "../../../streams/dashboard/static/places.js";

test("an id of any characters comes back from its address", () => {
  for (const id of ["c-42", "a/b", "50%", "<script>alert(1)</script>", "Zoë #1?x=y", "anon:7f"]) {
    assert.deepEqual(place(customerPath(id), ""), { page: "customer", id, query: new URLSearchParams() });
  }
});

test("what is no page is nowhere, not an error", () => {
  for (const path of ["/nothing", "/customers/", "/customers/%E0%A4%A", "/constructor"]) {
    assert.equal(place(path, "").page, "nowhere", path);
  }
});

test("filters stand in the address only when they are set", () => {
  assert.equal(
    withFilters("/visitors", { channel: "chat", min_score: "50" }),
    "/visitors?channel=chat&min_score=50",
  );
  assert.equal(withFilters("/visitors", { channel: "", min_score: null }), "/visitors");
});

test("a filter that does not exist is none", () => {
  assert.equal(filter(new URLSearchParams("channel=fax"), "channel", ["chat"], ""), "");
});

test("a least score is a number from 0 to 100, or none", () => {
  assert.deepEqual(["50", "7.5", "", "0", "-3", "abc", "500", " "].map(minScore), [
    "50",
    "7.5",
    "",
    "",
    "",
    "",
    "100",
    "",
  ]);
});

const context = {
  t: (key, values) => `${key} ${JSON.stringify(values)}`,
  named: (_, otherwise) => otherwise,
};

test("a summary is told apart from the type that it begins with", () => {
  assert.deepEqual(eventWords(context, "page_viewed", "page viewed: Home: sale"), {
    what: "page viewed",
    about: "Home: sale",
  });
  assert.deepEqual(eventWords(context, "message_sent", "message sent"), { what: "message sent", about: "" });
  assert.deepEqual(eventWords(context, "page_viewed", "something else"), {
    what: "page viewed",
    about: "something else",
  });
});

test("reasons of the worker are translated, others stay as they are", () => {
  assert.equal(
    reasonWords(context, "61 days since last order, expected 28"),
    'reason.silence {"days":"61","expected":"28"}',
  );
  assert.equal(
    reasonWords(context, "order after 97 days, expected 28"),
    'reason.order_after {"days":"97","expected":"28"}',
  );
  assert.equal(reasonWords(context, "because"), "because");
});
