import assert from "node:assert/strict";
import { test } from "node:test";
import { choicesOf, marksOf, offered, pairsOf, summaryOf, troubleOf } from "./rows.js";

/** @returns {any} */
const mask = (/** @type {number} */ id, /** @type {string[]} */ candidates) => ({ id, name: `m${id}.png`, width: 4, height: 3, area: 2, how: "", candidates });
/** @type {import("./rows.js").Shot[]} */
const images = [["a", "A/1.png", 4, 3], ["b", "B/1.png", 4, 3], ["c", "C/1.png", 9, 9], ["d", "A/10.png", 4, 3], ["e", "A/2.png", 4, 3]];

test("only images of its size can be a mask's, the likely ones first", () => {
  const { likely, others } = choicesOf(mask(1, ["b", "c"]), images);
  assert.deepEqual(likely.map(([id]) => id), ["b"]);
  assert.deepEqual(others.map(([, name]) => name), ["A/1.png", "A/2.png", "A/10.png"]);
});

test("one that may be meant is offered and not ticked; of two none is", () => {
  assert.deepEqual(offered(mask(1, ["b"]), images), { item: "b", ticked: false });
  assert.deepEqual(offered(mask(1, ["a", "b"]), images), { item: "", ticked: false });
  assert.deepEqual(offered(mask(1, []), images), { item: "", ticked: false });
  assert.deepEqual(offered(mask(1, ["c"]), images), { item: "", ticked: false });
});

test("what is ticked and has an image goes", () => {
  const masks = [mask(1, []), mask(2, []), mask(3, [])];
  const choices = new Map([[1, { item: "a", ticked: true }], [2, { item: "", ticked: true }], [3, { item: "b", ticked: false }]]);
  assert.deepEqual(pairsOf(masks, choices), [{ id: 1, item: "a" }]);
});

test("two masks cannot be one image's", () => {
  const masks = [mask(1, []), mask(2, [])];
  const choices = new Map([[1, { item: "a", ticked: true }], [2, { item: "a", ticked: true }]]);
  assert.equal(troubleOf(masks, choices, images), "m1.png and m2.png cannot both be the mask of A/1.png.");
  choices.set(2, { item: "a", ticked: false });
  assert.equal(troubleOf(masks, choices, images), "");
});

test("the words", () => {
  /** @returns {any} */
  const said = (/** @type {number} */ count, /** @type {number} */ total, role = "truth") => ({ count, total, role });
  assert.equal(summaryOf(said(0, 0)), "");
  assert.equal(summaryOf(said(1, 0)), "1 mask put on its image.");
  assert.equal(summaryOf(said(2, 1, "draft")), "2 drafts put on their images; 1 mask waits for your word.");
  assert.equal(marksOf(mask(1, [])), "marks 2 of 4 × 3 pixels");
  assert.equal(marksOf({ ...mask(1, []), area: 0, how: "1, 2 as classes" }), "marks nothing of 4 × 3 pixels; 1, 2 as classes");
});
