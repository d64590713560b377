import assert from "node:assert/strict";
import { test } from "node:test";
import { clipped, gainOf, HEAT, OPAQUE, translucent } from "./heat.js";

test("levels are rounded and clipped", () => {
  assert.deepEqual([-3, 0, 0.49, 0.5, 254.6, 255, 999].map(clipped), [0, 0, 0, 1, 255, 255, 255]);
  assert.equal(gainOf({ low: 1, high: 6 }), 51);
  assert.ok(Number.isFinite(gainOf({ low: 1, high: 1 })));
});

test("a canvas pixel is alpha, blue, green, red", () => {
  const [r, g, b] = HEAT[200];
  assert.equal(OPAQUE[200], 0xff000000 + b * 65536 + g * 256 + r);
  const bytes = new Uint8Array(Uint32Array.of(translucent(0.5)[200]).buffer);
  assert.deepEqual([...bytes], [r, g, b, 100]);
});

test("quiet parts show the photograph, and no heat is none", () => {
  assert.equal(translucent(1)[0] >>> 24, 0);
  assert.equal(translucent(1)[255] >>> 24, 255);
  assert.ok(translucent(0).every((pixel) => pixel >>> 24 === 0));
});
