import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, distinct, longestIncreasing } from "../../../streams/dashboard/static/diff.js";

/** What KeyedChildren does with the answer: takes out, then puts each placed key before its follower. */
function applied(before, after) {
  const { removed, placed } = difference(before, after);
  const shown = before.filter((key) => !removed.includes(key));
  [...after].reverse().forEach((key, index) => {
    if (!placed.has(key)) return;
    if (shown.includes(key)) shown.splice(shown.indexOf(key), 1);
    const follower = index === 0 ? shown.length : shown.indexOf(after[after.length - index]);
    shown.splice(follower, 0, key);
  });
  return { shown, placed };
}

test("rows that keep their order are not touched", () => {
  assert.deepEqual(difference(["a", "b", "c"], ["a", "b", "c"]), { removed: [], placed: new Set() });
});

test("a new row on top moves none of the others", () => {
  assert.deepEqual(difference(["a", "b"], ["x", "a", "b"]).placed, new Set(["x"]));
});

test("one that rises is the only one to move", () => {
  assert.deepEqual(difference(["a", "b", "c", "d"], ["d", "a", "b", "c"]).placed, new Set(["d"]));
});

test("those that are gone are taken out", () => {
  assert.deepEqual(difference(["a", "b", "c"], ["b"]), { removed: ["a", "c"], placed: new Set() });
});

test("any list becomes any other, with no more moves than needed", () => {
  let seed = 20261122;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const some = () => distinct(Array.from({ length: random(9) }, () => "abcdefghij"[random(10)]));

  for (let round = 0; round < 3000; round += 1) {
    const [before, after] = [some(), some()];
    const { shown, placed } = applied(before, after);
    assert.deepEqual(shown, after, `${before} → ${after}`);
    const kept = after.filter((key) => before.includes(key));
    assert.equal(after.length - placed.size, longestByTrying(kept.map((key) => before.indexOf(key))));
  }
});

/** The length of the longest increasing run, from its definition. */
function longestByTrying(numbers) {
  const best = numbers.map(() => 1);
  numbers.forEach((number, index) => {
    for (let earlier = 0; earlier < index; earlier += 1) {
      if (numbers[earlier] < number) best[index] = Math.max(best[index], best[earlier] + 1);
    }
  });
  return Math.max(0, ...best);
}

test("the longest run is told by its positions", () => {
  assert.deepEqual(longestIncreasing([3, 1, 2, 0, 4]), [1, 2, 4]);
  assert.deepEqual(longestIncreasing([]), []);
});

test("keys that look alike are numbered", () => {
  assert.deepEqual(distinct(["a", "b", "a", "a"]), ["a", "b", "a#2", "a#3"]);
});
