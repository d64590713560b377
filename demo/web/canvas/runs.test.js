import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRuns, encodeRuns } from "./runs.js";

test("zeros come first, row by row", () => {
  assert.deepEqual(encodeRuns(Uint8Array.of(0, 0, 1, 1, 1, 0)), [2, 3, 1]);
  assert.deepEqual(encodeRuns(Uint8Array.of(1, 0)), [0, 1, 1]);
  assert.deepEqual(encodeRuns(Uint8Array.of(0, 0)), [2]);
  assert.deepEqual(encodeRuns(new Uint8Array(0)), []);
});

test("one value among several is one layer", () => {
  const paint = Uint8Array.of(0, 1, 2, 2, 0, 1);
  assert.deepEqual(encodeRuns(paint, 1), [1, 1, 3, 1]);
  assert.deepEqual(encodeRuns(paint, 2), [2, 2, 2]);
});

test("what is decoded is what was encoded, and the rest is left", () => {
  let seed = 7;
  const paint = Uint8Array.from({ length: 500 }, () => (seed = (seed * 48271) % 2147483647) % 3);
  const back = new Uint8Array(paint.length);
  for (const value of [1, 2]) decodeRuns(encodeRuns(paint, value), back, value);
  assert.deepEqual(back, paint);
  assert.deepEqual(decodeRuns([1, 1], Uint8Array.of(5, 5, 5)), Uint8Array.of(5, 1, 5));
});
