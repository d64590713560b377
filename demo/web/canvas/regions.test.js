import assert from "node:assert/strict";
import { test } from "node:test";
import { fillRegion, findRegions, regionAt } from "./regions.js";

/** A mask from a drawing: # is marked. */
const draw = (...rows) => Uint8Array.from(rows.join(""), (c) => (c === "#" ? 1 : 0));

/** Which pixels belong together, by flooding: the slow way. */
function flooded(mask, width, diagonal) {
  const label = new Int32Array(mask.length).fill(-1), height = mask.length / width;
  let count = 0;
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || label[start] >= 0) continue;
    const open = [start];
    label[start] = count;
    while (open.length) {
      const i = open.pop(), x = i % width, y = Math.floor(i / width);
      for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) {
        const u = x + dx, v = y + dy, j = v * width + u;
        if (u < 0 || v < 0 || u >= width || v >= height || (!diagonal && dx && dy)) continue;
        if (mask[j] && label[j] < 0) { label[j] = count; open.push(j); }
      }
    }
    count++;
  }
  return { label, count };
}

test("regions are those that flooding finds, on random masks", () => {
  let seed = 3;
  const chance = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 60; round++) {
    const width = 1 + Math.floor(chance() * 12), height = 1 + Math.floor(chance() * 12), share = chance();
    const mask = Uint8Array.from({ length: width * height }, () => (chance() < share ? 1 : 0));
    for (const reach of [0, 1]) {
      const found = findRegions(mask, width, null, reach), { label, count } = flooded(mask, width, reach === 1);
      assert.equal(found.regions.length, count);
      const mine = Array.from(mask, (_, i) => regionAt(found, i));
      assert.deepEqual(mine, [...label]);  // both count them in the order of their first pixels
    }
  }
});

test("a region has its box, centre, peak and mean", () => {
  const mask = draw(".##.", "..#.", "#...");
  const map = Float32Array.from(mask, (_, i) => i);
  const [first, second] = findRegions(mask, 4, map, 0).regions;
  assert.deepEqual(first, { area: 3, left: 1, top: 0, right: 3, bottom: 2, sx: 5, sy: 1, sum: 9, peak: 6, at: 6 });
  assert.deepEqual([second.area, second.at, second.left, second.top], [1, 8, 0, 2]);
  assert.equal(findRegions(mask, 4, map, 1).regions.length, 2);
});

test("diagonal neighbours are joined if asked", () => {
  const mask = draw("#.", ".#");
  assert.equal(findRegions(mask, 2, null, 1).regions.length, 1);
  assert.equal(findRegions(mask, 2, null, 0).regions.length, 2);
});

test("a row's end is not next to the next row's beginning", () => {
  assert.equal(findRegions(draw("...#", "#..."), 4, null, 1).regions.length, 2);
});

test("a hit is the region under the pixel, and its pixels are visited", () => {
  const mask = draw("##..", "...#"), found = findRegions(mask, 4, null);
  assert.deepEqual([0, 1, 2, 6, 7].map((i) => regionAt(found, i)), [0, 0, -1, -1, 1]);
  const layer = new Uint8Array(8);
  fillRegion(found, 1, layer, 2);
  assert.deepEqual(layer, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2));
  assert.equal(regionAt(findRegions(new Uint8Array(0), 4, null), 2), -1);
});
