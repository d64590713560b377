import assert from "node:assert/strict";
import { test } from "node:test";
import { crop, paste, record, recordSetting, replay } from "./history.js";

const image = () => ({ width: 4, paint: new Uint8Array(12), zone: new Uint8Array(12), undo: [], redo: [] });

/** Writes a value into a rectangle of a layer, as a stroke does. */
function stroke(edited, layer, value, rect) {
  const change = { layer, before: edited[layer].slice(), rect };
  for (let y = rect.top; y < rect.bottom; y++) edited[layer].fill(value, y * 4 + rect.left, y * 4 + rect.right);
  return record(edited, change);
}

test("a crop is a rectangle's rows, and goes back where it came from", () => {
  const layer = Uint8Array.from({ length: 12 }, (_, i) => i), rect = { left: 1, top: 1, right: 3, bottom: 3 };
  assert.deepEqual(crop(layer, 4, rect), Uint8Array.of(5, 6, 9, 10));
  const back = new Uint8Array(12);
  paste(back, 4, rect, crop(layer, 4, rect));
  assert.deepEqual([...back], [0, 0, 0, 0, 0, 5, 6, 0, 0, 9, 10, 0]);
});

test("changes are undone one by one and done again", () => {
  const edited = image(), states = [edited.paint.slice()];
  for (const [value, left] of [[1, 0], [2, 1], [1, 2]]) {
    assert.ok(stroke(edited, "paint", value, { left, top: 0, right: left + 2, bottom: 2 }));
    states.push(edited.paint.slice());
  }
  for (const k of [2, 1, 0]) { assert.equal(replay(edited, "undo").layer, "paint"); assert.deepEqual(edited.paint, states[k]); }
  assert.equal(replay(edited, "undo"), null);
  for (const k of [1, 2, 3]) { replay(edited, "redo"); assert.deepEqual(edited.paint, states[k]); }
  assert.equal(replay(edited, "redo"), null);
});

test("layers are apart", () => {
  const edited = image(), rect = { left: 0, top: 0, right: 1, bottom: 1 };
  stroke(edited, "zone", 1, rect);
  stroke(edited, "paint", 1, rect);
  replay(edited, "undo");
  assert.deepEqual([edited.paint[0], edited.zone[0]], [0, 1]);
});

test("a new change ends what could be done again", () => {
  const edited = image(), rect = { left: 0, top: 0, right: 1, bottom: 1 };
  stroke(edited, "paint", 1, rect);
  replay(edited, "undo");
  stroke(edited, "paint", 2, rect);
  assert.equal(replay(edited, "redo"), null);
  assert.equal(edited.paint[0], 2);
});

test("what changed nothing is not kept", () => {
  const edited = image(), rect = { left: 0, top: 0, right: 2, bottom: 1 };
  assert.ok(!stroke(edited, "paint", 0, rect));
  assert.ok(!stroke(edited, "paint", 1, { ...rect, right: 0 }));
  assert.ok(!record(edited, { layer: "paint", before: edited.paint.slice(), rect: null }));
  assert.equal(edited.undo.length, 0);
});

test("two hundred changes are kept", () => {
  const edited = image();
  for (let k = 0; k < 203; k++) stroke(edited, "paint", 1 + (k % 2), { left: 0, top: 0, right: 1, bottom: 1 });
  let undone = 0;
  while (replay(edited, "undo")) undone++;
  assert.equal(undone, 200);
});

test("what is set is undone between strokes, and a slider that moves on is one change", () => {
  const edited = { ...image(), threshold: 1, least: 1 };
  const set = (key, value, at) => { const was = { [key]: edited[key] }; edited[key] = value; recordSetting(edited, was, { [key]: value }, at); };
  set("threshold", 2, 0); set("threshold", 3, 100); set("threshold", 4, 200);
  stroke(edited, "paint", 1, { left: 0, top: 0, right: 1, bottom: 1 });
  set("threshold", 5, 300);
  set("least", 9, 310);
  set("least", 9, 2000);  // nothing new
  assert.equal(edited.undo.length, 4);
  const values = () => [edited.threshold, edited.least, edited.paint[0]];
  const seen = [values()];
  while (replay(edited, "undo")) seen.push(values());
  assert.deepEqual(seen, [[5, 9, 1], [5, 1, 1], [4, 1, 1], [4, 1, 0], [1, 1, 0]]);
  while (replay(edited, "redo"));
  assert.deepEqual(values(), [5, 9, 1]);
});
