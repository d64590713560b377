import assert from "node:assert/strict";
import { test } from "node:test";
import { eachInStroke } from "./strokes.js";

const covered = (from, to, radius, width, height) => {
  const seen = new Set(), rect = eachInStroke(from, to, radius, width, height, (i) => seen.add(i));
  return { seen: [...seen].sort((a, b) => a - b), rect };
};

test("a dot of half a pixel is one pixel", () => {
  assert.deepEqual(covered({ x: 2.5, y: 1.5 }, { x: 2.5, y: 1.5 }, 0.5, 5, 3).seen, [7]);
});

test("a stroke covers the centres within its radius, also when the hand is fast", () => {
  const from = { x: 3, y: 2 }, to = { x: 15, y: 9 }, radius = 2.2, { seen, rect } = covered(from, to, radius, 20, 12);
  const wanted = [];
  for (let y = 0; y < 12; y++) for (let x = 0; x < 20; x++) {
    let least = Infinity;  // to many points of the segment
    for (let k = 0; k <= 4000; k++)
      least = Math.min(least, Math.hypot(x + 0.5 - from.x - (k / 4000) * 12, y + 0.5 - from.y - (k / 4000) * 7));
    if (least <= radius) wanted.push(y * 20 + x);
  }
  assert.deepEqual(seen, wanted);
  for (const i of seen) {
    assert.ok(i % 20 >= rect.left && i % 20 < rect.right);
    assert.ok(Math.floor(i / 20) >= rect.top && Math.floor(i / 20) < rect.bottom);
  }
});

test("nothing is painted beyond the image", () => {
  const { seen, rect } = covered({ x: -1, y: -1 }, { x: 0.5, y: 0.5 }, 1, 3, 3);
  assert.deepEqual(seen, [0, 1, 3]);
  assert.deepEqual(rect, { left: 0, top: 0, right: 3, bottom: 3 });
});
