import assert from "node:assert/strict";
import { test } from "node:test";
import { begun, duration, followed, progressOf, summary } from "./run.js";

const rows = (waiting, scored, failed = 0) => [
  ...Array.from({ length: waiting }, () => ({ state: "waiting", score: null, decision: "undecided" })),
  ...Array.from({ length: scored }, (_, k) => ({ state: "scored", score: k, threshold: 0.5, decision: "undecided" })),
  ...Array.from({ length: failed }, () => ({ state: "failed", score: null, decision: "undecided" })),
];
const idle = { run: null, serial: null, stopped: false };

test("files are read, then slice after slice is asked for, until nothing waits", () => {
  let course = followed(idle, { serial: 1, phase: "reading", done: 2, total: 5 }, rows(2, 0), 10);
  assert.deepEqual(course.run, { reading: [2, 5] });
  course = followed(course, { serial: 2, phase: "read", more: true }, rows(5, 0), 20);
  assert.deepEqual([course.run, course.ask], [{ began: 20, before: 0 }, true]);
  course = followed(course, { serial: 3, phase: "scoring", more: false }, rows(4, 1), 30);
  assert.deepEqual([course.run, course.ask], [{ began: 20, before: 0 }, undefined]);
  course = followed(course, { serial: 4, phase: "scoring", more: true }, rows(2, 3), 40);
  assert.deepEqual([course.run, course.ask], [{ began: 20, before: 0 }, true]);
  course = followed(course, { serial: 5, phase: "scoring", more: false }, rows(0, 5), 50);
  assert.deepEqual([course.run, course.finished], [null, true]);
});

test("news is taken once", () => {
  const news = { serial: 2, phase: "scoring", more: true }, course = followed(idle, news, rows(1, 0), 1);
  assert.equal(followed(course, news, rows(1, 0), 2), course);
  assert.equal(followed(course, news, rows(0, 1), 2).run, null);
  assert.equal(followed(course, null, rows(1, 0), 2), course);
});

test("a run that was stopped asks for no more; new files begin anew", () => {
  const stopped = { ...idle, stopped: true };
  assert.equal(followed(stopped, { serial: 1, phase: "scoring", more: true }, rows(1, 1), 1).ask, undefined);
  assert.equal(followed(stopped, { serial: 1, phase: "scoring", more: false }, rows(1, 1), 1).run, null);
  assert.equal(followed(stopped, { serial: 1, phase: "reading", done: 0, total: 1 }, rows(0, 0), 1).stopped, false);
});

test("a mistake ends it without a summary", () => {
  const course = { ...idle, run: { began: 1, before: 0 } };
  const next = followed(course, { serial: 1, phase: "stopped" }, rows(2, 1), 5);
  assert.deepEqual([next.run, next.finished], [null, false]);
});

test("what another page began is followed as well", () => {
  assert.deepEqual(followed(idle, { serial: 1, phase: "scoring", more: false }, rows(2, 3), 7).run, { began: 7, before: 3 });
});

test("progress tells the time left once something is done", () => {
  const run = begun(rows(4, 2), 1000);
  assert.deepEqual(run, { began: 1000, before: 2 });
  assert.equal(progressOf(run, rows(4, 2), 3000).text, "0 of 4");
  assert.deepEqual(progressOf(run, rows(3, 3), 3000), { what: "Scoring", done: 1, total: 4, text: "1 of 4, about 6 s left" });
  assert.deepEqual(progressOf({ reading: [1, 3] }, [], 0), { what: "Reading", done: 1, total: 3, text: "1 of 3 files" });
});

test("durations are short, and never nothing", () => {
  assert.deepEqual([0.2, 89, 90, 150].map(duration), ["1 s", "89 s", "2 min", "3 min"]);
});

test("the summary counts defects and files that failed", () => {
  assert.equal(summary(rows(0, 3), null), "Done: 2 of 3 images look defective.");
  assert.equal(summary(rows(0, 1, 2), null), "Done: 0 of 1 image look defective; 2 files could not be used.");
});
