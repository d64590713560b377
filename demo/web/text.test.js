import assert from "node:assert/strict";
import { test } from "node:test";
import { falseAlarms } from "./alarms.js";
import { grouped, percent, plural } from "./text.js";

test("a share is never rounded to nothing", () => {
  assert.equal(percent(0), "0 %");
  assert.equal(percent(0.0009), "< 0.1 %");
  assert.equal(percent(0.001), "0.1 %");
  assert.equal(percent(0.1234), "12.3 %");
  assert.equal(percent(1), "100 %");
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
  const normals = [1, 2, 3], promised = [["25", "1", "80"], ["50", "5", "90"], ["75", "10", "95"], ["100", "30", "100"]];
  assert.deepEqual(falseAlarms(normals, promised, 2), { above: 1, rate: "about 50 %", between: "between 5 and 90 %" });
  assert.equal(falseAlarms(normals, promised, 9).rate, "about 25 %");
  assert.equal(falseAlarms(normals, promised, 0).rate, "about 100 %");
  assert.deepEqual(falseAlarms([1], [], 0), { above: 1, rate: "", between: "" });
});
