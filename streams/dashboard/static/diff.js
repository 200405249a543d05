/** How one list of keys becomes another with the fewest moves: what stays where it is keeps focus and scroll. */

/**
 * The positions of a longest increasing run of numbers, which need not be adjacent.
 * @param {number[]} numbers
 * @returns {number[]} ascending
 */
export function longestIncreasing(numbers) {
  /** @type {number[]} where the best run of each length ends */
  const ends = [];
  /** @type {number[]} */
  const before = new Array(numbers.length).fill(-1);
  numbers.forEach((number, index) => {
    let length = 0;
    for (let high = ends.length; length < high;) {
      const middle = (length + high) >> 1;
      if (numbers[ends[middle]] < number) length = middle + 1;
      else high = middle;
    }
    before[index] = length > 0 ? ends[length - 1] : -1;
    ends[length] = index;
  });
  const run = [];
  for (let at = ends.length > 0 ? ends[ends.length - 1] : -1; at >= 0; at = before[at]) run.push(at);
  return run.reverse();
}

/**
 * @param {readonly string[]} before distinct keys as they are
 * @param {readonly string[]} after distinct keys as they are to be
 * @returns {{removed: string[], placed: Set<string>}} `placed` are new or must move; all others stay
 */
export function difference(before, after) {
  const wanted = new Set(after);
  const position = new Map(before.map((key, index) => [key, index]));
  const kept = after.filter((key) => position.has(key));
  const still = new Set(longestIncreasing(kept.map((key) => position.get(key) ?? -1)).map((at) => kept[at]));
  return {
    removed: before.filter((key) => !wanted.has(key)),
    placed: new Set(after.filter((key) => !still.has(key))),
  };
}

/**
 * Keys made distinct: a second `a` becomes `a#2`. Rows without a key of their own (events) may look alike.
 * @param {readonly string[]} keys
 * @returns {string[]}
 */
export function distinct(keys) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return keys.map((key) => {
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    return times === 1 ? key : `${key}#${times}`;
  });
}
