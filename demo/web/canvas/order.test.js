import assert from "node:assert/strict";
import { test } from "node:test";
import { byScore, neighbour, nextUndecided, ORDERS } from "./order.js";

const entry = (item, score, decision = "undecided") => ({ item, name: item, score, decision });

test("the loudest image comes first, equals by name", () => {
  const queue = [entry("b", 1), entry("c", 2), entry("a", 1)].sort(byScore);
  assert.deepEqual(queue.map(({ item }) => item), ["c", "a", "b"]);
});

test("neighbours end at the ends", () => {
  const queue = [entry("a", 3), entry("b", 2), entry("c", 1)];
  assert.equal(neighbour(queue, "b", 1), "c");
  assert.equal(neighbour(queue, "b", -1), "a");
  assert.equal(neighbour(queue, "c", 1), undefined);
  assert.equal(neighbour(queue, "a", -1), undefined);
});

test("the next undecided one is looked for all round, itself apart", () => {
  const queue = [entry("a", 4), entry("b", 3, "defective"), entry("c", 2), entry("d", 1, "good")];
  assert.equal(nextUndecided(queue, "a"), "c");
  assert.equal(nextUndecided(queue, "b"), "c");
  assert.equal(nextUndecided(queue, "c"), "a");
  assert.equal(nextUndecided([entry("a", 1), entry("b", 0, "defective")], "a"), undefined);
});

test("what lies nearest the threshold comes first where that is wished", () => {
  const queue = [["a", 9, 2], ["b", 2.5, 2], ["c", 1, 2], ["d", 4, 3.9]].map(([name, score, threshold]) => ({ item: name, name, score, threshold, decision: "undecided" }));
  assert.deepEqual(queue.sort(ORDERS.doubt).map(({ name }) => name), ["d", "b", "c", "a"]);
  assert.deepEqual(queue.sort(ORDERS.score).map(({ name }) => name), ["a", "d", "b", "c"]);
});
