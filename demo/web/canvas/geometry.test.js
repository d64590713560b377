import assert from "node:assert/strict";
import { test } from "node:test";
import { bestFit, boxed, fitted, inSight, isEmpty, onScreen, panned, spread, toImage, union, zoomed, zoomedTo } from "./geometry.js";

const screen = { width: 800, height: 600 }, image = { width: 400, height: 200, shrink: 1 };
const view = { scale: 2, x: 10, y: -20, fitted: false, ratio: 1 };
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("the screen's point is the image's", () => {
  assert.deepEqual(toImage(view, 10, -20), { x: 0, y: 0 });
  assert.deepEqual(toImage(view, 30, 0), { x: 10, y: 10 });
});

test("a fitted image is whole, in the middle, with a rim", () => {
  const { scale, x, y } = fitted(screen, image);
  assert.equal(scale, 1.96);
  assert.equal(bestFit(screen, image), 1.96);
  near(2 * x + 400 * scale, 800);
  near(2 * y + 200 * scale, 600);
  near(bestFit({ width: 800, height: 100 }, image), 0.49);
});

test("zooming keeps the point under the pointer", () => {
  const at = { x: 123, y: 45 }, before = toImage(view, at.x, at.y);
  for (const scale of [1, 2.5, 30]) {
    const next = { ...view, ...zoomed(view, screen, image, scale, at) }, after = toImage(next, at.x, at.y);
    assert.equal(next.scale, scale);
    near(after.x, before.x);
    near(after.y, before.y);
  }
});

test("zooming ends at 64, and below at half the fitted size or at 100 %", () => {
  const to = (scale, of = image, ratio = 1) => zoomed({ ...view, ratio }, screen, of, scale, { x: 0, y: 0 }).scale;
  assert.equal(to(1000), 64);
  near(to(0.01), 0.98);
  near(to(0.01, { ...image, shrink: 4 }), 0.25);
  near(to(0.01, image, 0.5), 0.5);
});

test("a corner of the image stays in sight", () => {
  const pushed = (dx, dy) => panned(view, screen, image, dx, dy);
  assert.deepEqual(pushed(5, -3), { x: 15, y: -23, fitted: false });
  assert.deepEqual(pushed(9999, 9999), { x: 760, y: 560, fitted: false });
  assert.deepEqual(pushed(-9999, -9999), { x: 40 - 800, y: 40 - 400, fitted: false });
});

test("a region comes into the middle, no smaller than the fitted image, no larger than six times that", () => {
  const middle = (region) => {
    const next = zoomedTo(screen, image, region);
    near((region.left + region.right) / 2 * next.scale + next.x, 400);
    near((region.top + region.bottom) / 2 * next.scale + next.y, 300);
    return next.scale;
  };
  near(middle({ left: 10, top: 10, right: 11, bottom: 11 }), 6 * 1.96);
  near(middle({ left: 0, top: 0, right: 400, bottom: 200 }), 1.96);
  near(middle({ left: 100, top: 20, right: 150, bottom: 60 }), 5);
  near(middle({ left: 100, top: 20, right: 180, bottom: 30 }), 800 / 240);
});

test("only what is in sight is drawn", () => {
  assert.deepEqual(inSight(view, screen, image), { left: 0, top: 10, right: 395, bottom: 200 });
  assert.ok(isEmpty(inSight({ ...view, x: 900 }, screen, image)));
});

test("a changed part covers its pixels on the screen, with a margin, within it", () => {
  assert.deepEqual(onScreen(view, screen, { left: 20, top: 20, right: 21, bottom: 21 }, 3), { left: 47, top: 17, right: 55, bottom: 25 });
  assert.deepEqual(onScreen(view, screen, { left: 0, top: 0, right: 400, bottom: 200 }, 30), { left: 0, top: 0, right: 800, bottom: 410 });
});

test("a union covers both", () => {
  const a = { left: 1, top: 5, right: 3, bottom: 6 }, b = { left: 2, top: 0, right: 9, bottom: 4 };
  assert.deepEqual(union(a, b), { left: 1, top: 0, right: 9, bottom: 6 });
  assert.deepEqual(union(null, b), b);
  assert.notEqual(union(null, b), b);
});

test("a box may be drawn from any corner and beyond the image", () => {
  const wanted = { left: 1, top: 2, right: 5, bottom: 4 };
  assert.deepEqual(boxed({ x0: 1.5, y0: 2, x1: 4.2, y1: 3.1 }, image), wanted);
  assert.deepEqual(boxed({ x0: 4.2, y0: 3.1, x1: 1.5, y1: 2 }, image), wanted);
  assert.deepEqual(boxed({ x0: -5, y0: -5, x1: 999, y1: 999 }, image), { left: 0, top: 0, right: 400, bottom: 200 });
});

test("two fingers have a middle and a distance", () => {
  assert.deepEqual(spread({ x: 0, y: 0 }, { x: 6, y: 8 }), { x: 3, y: 4, span: 10 });
  assert.equal(spread({ x: 1, y: 1 }, { x: 1, y: 1 }).span, 1);
});
