import assert from "node:assert/strict";
import { test } from "node:test";
import { addResized, decodeMap, fuse, peakOf, rowsSeen, sample } from "./maps.js";

const map = (w, h, ...values) => ({ w, h, values: Float32Array.from(values) });
const scale = (weight, of) => ({ name: "", branch: "pixel", t: 1, noise: 0, weight, map: of });

test("a map comes as 32-bit floats in base64", () => {
  const data = Buffer.from(Float32Array.of(1.5, -2).buffer).toString("base64");
  assert.deepEqual(decodeMap({ w: 2, h: 1, data }).values, Float32Array.of(1.5, -2));
});

test("resizing is bilinear with corners not aligned", () => {
  const total = new Float32Array(4);
  addResized(total, 4, 1, map(2, 1, 0, 4), 1);
  assert.deepEqual([...total], [0, 1, 3, 4]);  // torch's interpolate, align_corners=False
  addResized(total, 4, 1, map(2, 1, 0, 4), -1);
  assert.deepEqual([...total], [0, 0, 0, 0]);
});

test("rows are resized as columns are", () => {
  const across = new Float32Array(8), down = new Float32Array(8);
  addResized(across, 4, 2, map(2, 1, 0, 4), 1);
  addResized(down, 2, 4, map(1, 2, 0, 4), 1);
  assert.deepEqual([...across], [0, 1, 3, 4, 0, 1, 3, 4]);
  assert.deepEqual([...down], [0, 0, 1, 1, 3, 3, 4, 4]);
});

test("the average weighs the scales that are on", () => {
  const scales = [scale(1, map(2, 1, 0, 4)), scale(3, map(2, 1, 8, 8)), scale(4, map(1, 1, 100))];
  assert.deepEqual([...fuse(scales, [true, true, false], 2, 1)], [6, 7]);
  assert.deepEqual([...fuse(scales, [true, false, false], 2, 1)], [0, 4]);
  assert.deepEqual([...fuse(scales, [true, true, true], 2, 1)], [53, 53.5]);
  assert.deepEqual([...fuse(scales, [false, false, true], 2, 3)], [100, 100, 100, 100, 100, 100]);
});

test("the score is the highest value outside the zone", () => {
  const values = Float32Array.of(1, 5, 3);
  assert.deepEqual(peakOf(values, Uint8Array.of(0, 0, 0)), { score: 5, peak: 5, peakAt: 1 });
  assert.deepEqual(peakOf(values, Uint8Array.of(0, 1, 0)), { score: 3, peak: 3, peakAt: 2 });
  assert.deepEqual(peakOf(values, Uint8Array.of(1, 1, 1)), { score: -Infinity, peak: -Infinity, peakAt: -1 });
});

test("a map is sampled under the image's pixel", () => {
  const image = { width: 4, height: 2 }, of = map(2, 2, 1, 2, 3, 4);
  assert.deepEqual([0, 1, 2, 3, 4, 7].map((i) => sample(of, i, image)), [1, 1, 2, 2, 3, 4]);
});

test("rows of the screen have the values that the map has when it is resized", () => {
  const map = { w: 3, h: 2, values: Float32Array.of(0, 2, 4, 6, 8, 10) }, whole = new Float32Array(12 * 6);
  addResized(whole, 12, 6, map, 1);
  const row = rowsSeen(map, 12, (x) => (x + 0.5) / 12);
  for (let y = 0; y < 6; y++)
    assert.deepEqual([...row((y + 0.5) / 6)].map((v) => v.toFixed(4)), [...whole.slice(y * 12, y * 12 + 12)].map((v) => v.toFixed(4)));
});
