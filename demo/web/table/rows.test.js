import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf, cutOf, reordered, truthOf, verdictOf, visible, waitingIn } from "./rows.js";

const row = (name, score, more = {}) => ({
  id: name, name, state: "scored", score, threshold: 2, area: 5, pixels: 100, regions: 1, decision: "undecided",
  edited: false, kind: null, other: false, note: "", error: "", ...more,
});
const shown = (rows, choice = {}, chosen = null) =>
  visible(rows, { filter: "all", query: "", order: { key: "score", down: true }, ...choice }, chosen).map(({ name }) => name);

test("the threshold tried on the set leaves alone what a person has settled", () => {
  assert.equal(cutOf(row("a", 1), 7), 7);
  assert.equal(cutOf(row("a", 1), null), 2);
  assert.equal(cutOf(row("a", 1, { edited: true }), 7), 2);
  assert.equal(cutOf(row("a", 1, { decision: "defective" }), 7), 2);
});

test("the verdict is the model's, whatever a person says or draws", () => {
  const verdict = (score, more, chosen = null) => verdictOf(row("a", score, more), chosen);
  assert.equal(verdict(3, {}), "bad");
  assert.equal(verdict(2, {}), "good");
  assert.equal(verdict(3, {}, 4), "good");
  assert.equal(verdict(9, { decision: "good" }), "bad");
  assert.equal(verdict(1, { decision: "defective" }), "good");
  assert.equal(verdict(1, { edited: true }), "good");
  assert.equal(verdict(null, { state: "waiting" }), "waiting");
  assert.equal(verdict(null, { state: "failed" }), "error");
  assert.equal(verdict(Math.fround(0.1), {}, 0.1), "good");  // as 32-bit floats compare
});

test("no score makes a verdict on another part, or by a single part's threshold", () => {
  const verdict = (score, more, chosen = null) => verdictOf(row("a", score, { withheld: "strange", ...more }), chosen);
  assert.deepEqual([verdict(9, {}), verdict(1, {}), verdict(9, {}, 20)], ["strange", "strange", "strange"]);
  assert.equal(verdict(9, { withheld: "unpromised" }), "none");
  assert.equal(verdict(9, { withheld: "" }), "bad");
  assert.equal(verdict(9, { decision: "good" }), "strange");
  assert.equal(verdict(null, { state: "failed" }), "error");
  const some = [row("a", 9), row("b", 8, { withheld: "strange" }), row("c", 1, { withheld: "strange" }), row("d", 1, { withheld: "unpromised" })];
  assert.deepEqual(["bad", "good", "strange", "undecided"].map((filter) => countOf(some, filter, null)), [1, 0, 2, 4]);
  assert.deepEqual(shown(some, { order: { key: "verdict", down: true } }), ["b", "c", "a", "d"]);
});

const rows = [
  row("b", 1), row("A", 3), row("c", null, { state: "waiting" }), row("d", 2.5, { decision: "good", note: "x" }),
  row("e", null, { state: "failed", error: "broken" }),
];

test("a person and the model disagree only where both have said something", () => {
  const filtered = (filter, chosen = null) => shown([
    row("a", 9, { decision: "good" }), row("b", 1, { decision: "defective" }), row("c", 9, { decision: "defective" }),
    row("d", 9), row("e", 9, { decision: "skipped" }), row("f", 9, { decision: "good", withheld: "strange" }),
  ], { filter }, chosen);
  assert.deepEqual(filtered("disagree"), ["a", "b"]);
  assert.deepEqual(filtered("undecided"), ["d"]);
});

test("near the threshold is what a small change would turn", () => {
  const near = (chosen) => shown([row("a", 2.1), row("b", 1.81), row("c", 1.7), row("d", 2.3), row("e", 2, { withheld: "strange" }), row("f", null, { state: "waiting" })],
    { filter: "near" }, chosen);
  assert.deepEqual(near(null), ["a", "b"]);
  assert.deepEqual(near(2.4), ["d"]);
});

test("a column sorts either way, what has no value comes last", () => {
  assert.deepEqual(shown(rows), ["A", "d", "b", "c", "e"]);
  assert.deepEqual(shown(rows, { order: { key: "score", down: false } }), ["b", "d", "A", "c", "e"]);
  assert.deepEqual(shown(rows, { order: { key: "name", down: false } }), ["A", "b", "c", "d", "e"]);
  assert.deepEqual(shown(rows, { order: { key: "verdict", down: true } }), ["A", "d", "b", "c", "e"]);
  assert.deepEqual(shown(rows, { order: { key: "note", down: false } }), ["e", "d", "b", "A", "c"]);
  assert.deepEqual(shown([row("a", 1, { area: 1 }), row("b", 1, { area: 9 })], { order: { key: "area", down: true } }), ["b", "a"]);
});

test("equals stay in the order they came", () => {
  const equal = ["x", "m", "a"].map((name) => row(name, 1));
  for (const down of [true, false]) assert.deepEqual(shown(equal, { order: { key: "score", down } }), ["x", "m", "a"]);
});

test("filters and the name's part choose rows", () => {
  assert.deepEqual(shown(rows, { filter: "bad" }), ["A", "d"]);
  assert.deepEqual(shown(rows, { filter: "bad" }, 0.5), ["A", "d", "b"]);
  assert.deepEqual(shown(rows, { filter: "good" }), ["b"]);
  assert.deepEqual(shown(rows, { filter: "undecided" }), ["A", "b"]);
  assert.deepEqual(shown(rows, { filter: "error" }), ["e"]);
  assert.deepEqual(shown(rows, { query: "a" }), ["A"]);
  assert.equal(countOf(rows, "good", null), 1);
  assert.equal(waitingIn(rows), 1);
});

test("a heading's second click turns the order; numbers begin with the highest", () => {
  assert.deepEqual(reordered({ key: "score", down: true }, "score"), { key: "score", down: false });
  assert.deepEqual(reordered({ key: "score", down: true }, "name"), { key: "name", down: false });
  assert.deepEqual(reordered({ key: "name", down: false }, "area"), { key: "area", down: true });
});

test("what is known of an image", () => {
  const known = (/** @type {string | null} */ kind, /** @type {boolean} */ truth) => truthOf(/** @type {any} */ ({ kind, truth }));
  assert.equal(known(null, false), "");
  assert.equal(known(null, true), "has a true mask");
  assert.equal(known("good", false), "truth: good");
  assert.equal(known("crack", true), "truth: crack");
  assert.equal(known("crack", false), "truth: crack, no mask");
});
