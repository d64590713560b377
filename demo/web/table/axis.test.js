import assert from "node:assert/strict";
import { test } from "node:test";
import { axisOf, binned, BINS, shareOf, valueAt } from "./axis.js";

test("the axis holds all scores and the threshold", () => {
  assert.deepEqual(axisOf([1, 3], [0, 2], 2.5), { low: 0, high: 3, power: 1 });
  assert.deepEqual(axisOf([1], [2], 9), { low: 1, high: 9, power: 1 });
  const flat = axisOf([1], [1], 1);
  assert.ok(flat.high > flat.low);
});

test("a score far out bends it", () => {
  assert.equal(axisOf([10], [0], 2).power, 1);
  assert.equal(axisOf([10.1], [0], 2).power, 2);
});

test("a value's share leads back to it", () => {
  for (const axis of [{ low: -1, high: 4, power: 1 }, { low: -1, high: 4, power: 2 }]) {
    for (const value of [-1, 0, 1.7, 4]) assert.ok(Math.abs(valueAt(axis, shareOf(axis, value)) - value) < 1e-9);
    assert.equal(shareOf(axis, -5), 0);
    assert.equal(shareOf(axis, 50), 1);
    assert.equal(valueAt(axis, 1), 4);
  }
  assert.equal(shareOf({ low: 0, high: 4, power: 2 }, 1), 0.5);
});

test("every value is in one bin, the highest in the last", () => {
  const bins = binned({ low: 0, high: BINS, power: 1 }, [0, 0.5, 1, BINS]);
  assert.equal(bins.length, 40);
  assert.deepEqual([bins[0], bins[1], bins[BINS - 1]], [2, 1, 1]);
  assert.equal(bins.reduce((sum, n) => sum + n), 4);
});
