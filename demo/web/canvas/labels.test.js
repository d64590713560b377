import assert from "node:assert/strict";
import { test } from "node:test";
import { labelOf, relabelled } from "./labels.js";
import { findRegions } from "./regions.js";

/** Two regions of an image shown at half the size of its file. */
function image(labels = []) {
  const mask = Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 1), map = Float32Array.of(1, 9, 0, 0, 0, 0, 0, 5);
  return { labels, shrink: 0.5, width: 4, found: findRegions(mask, 4, map) };
}

test("a label is of the region that its point lies in", () => {
  const { found: { regions: [left, right] }, ...rest } = image([{ x: 2, y: 1, label: "dent" }]), now = { ...rest, found: image().found };
  assert.equal(labelOf(now, now.found.regions[0]), "dent");
  assert.equal(labelOf(now, now.found.regions[1]), "");
  assert.equal(labelOf(now, left), "");  // of another finding
  assert.notEqual(left, right);
});

test("it is anchored at the peak, in pixels of the file", () => {
  const now = image(), [left] = now.found.regions;
  now.labels = relabelled(now, left, "dent");
  assert.deepEqual(now.labels, [{ x: 3, y: 1, label: "dent" }]);
  assert.equal(labelOf(now, left), "dent");
});

test("a region has one label, an empty one takes it away, others stay", () => {
  const now = image(), [left, right] = now.found.regions;
  now.labels = relabelled(now, left, "dent");
  now.labels = relabelled(now, right, "hole");
  now.labels = relabelled(now, left, "crack");
  assert.deepEqual(now.found.regions.map((region) => labelOf(now, region)), ["crack", "hole"]);
  now.labels = relabelled(now, left, "");
  assert.deepEqual(now.labels.map(({ label }) => label), ["hole"]);
});
