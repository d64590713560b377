import assert from "node:assert/strict";
import { test } from "node:test";
import { distances, eachWithin, MOST, WINDOW, windowAround } from "./smart.js";

test("a window lies within the image, around the point where that can be", () => {
  const image = { width: 4000, height: 300 };
  assert.deepEqual(windowAround(2000, 10, image), { left: 2000 - WINDOW / 2, right: 2000 + WINDOW / 2, top: 0, bottom: 300 });
  assert.deepEqual(windowAround(3999, 299, image), { left: 4000 - WINDOW, right: 4000, top: 0, bottom: 300 });
});

test("it grows over what is alike and stops at an edge", () => {
  const width = 20, grey = new Uint8Array(400).fill(100), heat = new Uint8Array(400);
  for (let y = 5; y < 15; y++) grey.fill(220, y * width + 5, y * width + 15);
  const far = distances(grey, heat, width, 10 * width + 10), found = new Set();
  eachWithin({ rect: { left: 100, top: 50, right: 120, bottom: 70 }, far }, 60, 1000, (i) => found.add(i));
  assert.equal(found.size, 100);
  assert.ok([...found].every((i) => { const x = (i % 1000) - 100, y = Math.floor(i / 1000) - 50; return x >= 5 && x < 15 && y >= 5 && y < 15; }));
  assert.equal(far[10 * width + 12], 2);
  assert.equal(far[10 * width + 16], 5 + 1 + 120);
});

test("the map's edges stop it where the image has none, and distances are the shortest", () => {
  let seed = 5;
  const chance = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const width = 9, grey = Uint8Array.from({ length: 81 }, () => chance() * 60), heat = Uint8Array.from({ length: 81 }, () => chance() * 60);
  const far = distances(grey, heat, width, 40), slow = new Float64Array(81).fill(Infinity);
  slow[40] = 0;
  for (let round = 0; round < 81; round++)  // Bellman and Ford's way
    for (let i = 0; i < 81; i++) for (const [j, ok] of [[i - 1, i % 9 > 0], [i + 1, i % 9 < 8], [i - 9, i > 8], [i + 9, i < 72]])
      if (ok) slow[i] = Math.min(slow[i], slow[j] + 1 + Math.abs(grey[i] - grey[j]) + Math.abs(heat[i] - heat[j]));
  assert.deepEqual([...far], [...slow].map((d) => (d > MOST ? MOST + 1 : d)));
});
