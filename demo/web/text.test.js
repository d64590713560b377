import assert from "node:assert/strict";
import { test } from "node:test";
import { falseAlarms } from "./alarms.js";
import { grouped, percent, plural } from "./text.js";

test("a share is never rounded to nothing", () => {
  assert.equal(percent(0), "0 %");
  assert.equal(percent(0.0009), "< 0.1 %");
  assert.equal(percent(0.001), "0.1 %");
  assert.equal(percent(0.1234), "12.3 %");
});

test("thousands are set apart by a narrow space", () => {
  assert.equal(grouped(1234567.4), "1\u202f234\u202f567");
  assert.equal(grouped(999), "999");
});

test("one is not many", () => {
  assert.equal(plural(1, "image"), "1 image");
  assert.equal(plural(0, "image"), "0 images");
  assert.equal(plural(2, "child", "children"), "2 children");
});

test("false alarms count the part that is to come", () => {
  const normals = [1, 2, 3, 4];
  assert.deepEqual(falseAlarms(normals, 3, false), { above: 1, rate: 40, bound: "at most" });
  assert.deepEqual(falseAlarms(normals, 9, true), { above: 0, rate: 20, bound: "about" });
  assert.equal(falseAlarms(normals, 0, false).rate, 100);
  assert.equal(falseAlarms([], 0, false).rate, 100);
});
