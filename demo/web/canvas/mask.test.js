import assert from "node:assert/strict";
import { test } from "node:test";
import { cleared, combine, count, decided, propose, rowsOf } from "./mask.js";

const draw = (...rows) => Uint8Array.from(rows.join(""), (c) => (c === "#" ? 1 : 0));
const heat = (...rows) => Float32Array.from(rows.join(""), Number);
const proposed = (map, threshold, width, least = 1, fill = false) => {
  const out = new Uint8Array(map.length), area = propose(map, threshold, width, least, fill, out);
  assert.equal(area, count(out));
  return out;
};

test("what is above the threshold is proposed, what equals it is not", () => {
  assert.deepEqual(proposed(heat("0123"), 2, 4), draw("...#"));
  assert.deepEqual(proposed(Float32Array.of(0.1), 0.1, 1), draw("."));  // as 32-bit floats compare
});

test("holes are filled, bays at the border are not", () => {
  const map = heat("99909", "90909", "99909", "00000");
  assert.deepEqual(proposed(map, 5, 5, 1, true), draw("###.#", "###.#", "###.#", "....."));
});

test("what touches any side is no hole", () => {
  for (const [rows, width] of [[["909", "999"], 3], [["999", "909"], 3], [["99", "09", "99"], 2], [["99", "90", "99"], 2]]) {
    const map = heat(...rows);
    assert.deepEqual(proposed(map, 5, width, 1, true), Uint8Array.from(map, (value) => Number(value > 5)));
  }
});

test("a hole that only a diagonal would open is a hole", () => {
  assert.deepEqual(proposed(heat("0900", "9090", "0900", "0000"), 5, 4, 1, true), draw(".#..", "###.", ".#..", "...."));
});

test("regions below the smallest are left out, those of its size stay", () => {
  const map = heat("99000", "00090", "90000", "99000");
  assert.deepEqual(proposed(map, 5, 5, 2), draw("##...", ".....", "#....", "##..."));
  assert.deepEqual(proposed(map, 5, 5, 3), draw(".....", ".....", "#....", "##..."));
});

test("the person decides over the model, the zone over both", () => {
  const layers = {
    width: 3, proposal: Uint8Array.of(1, 0, 1, 0, 1, 1), paint: Uint8Array.of(0, 0, 2, 1, 1, 2),
    zone: Uint8Array.of(0, 0, 0, 0, 1, 1), mask: new Uint8Array(6),
  };
  const wanted = Uint8Array.of(1, 0, 0, 1, 0, 0);
  assert.equal(combine(layers, { left: 0, top: 0, right: 3, bottom: 2 }), 2);
  assert.deepEqual(layers.mask, wanted);
  assert.deepEqual(Uint8Array.from({ length: 6 }, (_, i) => decided(layers, i)), wanted);
  assert.deepEqual(cleared(layers, { left: 0, top: 0, right: 3, bottom: 2 }), Uint8Array.of(0, 0, 1, 0, 0, 0));
  assert.deepEqual(cleared(layers, { left: 0, top: 0, right: 3, bottom: 1 }), Uint8Array.of(0, 0, 1));
  assert.equal(cleared(layers, null).length, 0);
});

test("four pixels at a time are decided as one by one, in any rectangle of any image", () => {
  let seed = 5;
  const chance = (/** @type {number} */ n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 200; round++) {
    const width = 1 + chance(13), height = 1 + chance(9), size = width * height;
    const random = (/** @type {number} */ values) => Uint8Array.from({ length: size }, () => chance(values));
    const layers = { width, paint: random(3), zone: random(2), proposal: random(2), mask: random(2) };
    const left = chance(2) ? 0 : chance(width), right = chance(2) ? width : left + chance(width - left + 1);
    const top = chance(height), bottom = top + chance(height - top + 1), before = layers.mask.slice();
    const grown = combine(layers, { left, top, right, bottom });
    const wanted = before.map((v, i) => {
      const x = i % width, y = Math.floor(i / width);
      return x >= left && x < right && y >= top && y < bottom ? decided(layers, i) : v;
    });
    assert.deepEqual(layers.mask, wanted);
    assert.equal(grown, count(wanted) - count(before));
    const rows = { left: 0, right: width, top: 0, bottom };
    assert.deepEqual([...cleared(layers, rows)], [...layers.paint.slice(0, bottom * width)].map((v, i) =>
      v === 2 && layers.proposal[i] && !layers.zone[i] ? 1 : 0));
  }
});

test("only the rectangle is made anew, and the growth is counted both ways", () => {
  const layers = {
    width: 2, proposal: Uint8Array.of(0, 1, 1, 1), paint: new Uint8Array(4), zone: new Uint8Array(4), mask: Uint8Array.of(1, 0, 1, 0),
  };
  assert.equal(combine(layers, { left: 0, top: 0, right: 1, bottom: 1 }), -1);
  assert.deepEqual(layers.mask, Uint8Array.of(0, 0, 1, 0));
  assert.equal(combine(layers, { left: 1, top: 0, right: 2, bottom: 2 }), 2);
});

test("the rows of a layer are those that hold anything", () => {
  const paint = new Uint8Array(12), all = { left: 0, right: 3, top: 0, bottom: 4 };
  assert.equal(rowsOf(paint, 3), null);
  assert.equal(rowsOf(paint, 3, null), null);
  paint[0] = 1;
  assert.deepEqual(rowsOf(paint, 3, all), { left: 0, right: 3, top: 0, bottom: 1 });
  paint[4] = 2; paint[8] = 1;
  assert.deepEqual(rowsOf(paint, 3), { left: 0, right: 3, top: 0, bottom: 3 });
  assert.deepEqual(rowsOf(paint, 3, { ...all, top: 1 }), { left: 0, right: 3, top: 1, bottom: 3 });
  assert.equal(rowsOf(paint, 3, { ...all, top: 3 }), null);
});

test("a mask is counted whatever its length", () => {
  for (const length of [0, 1, 3, 4, 7, 4099]) {
    const mask = Uint8Array.from({ length }, (_, i) => (i * i) % 3 & 1);
    assert.equal(count(mask), mask.reduce((sum, v) => sum + v, 0));
  }
  assert.equal(count(new Uint8Array(1 << 20).fill(1)), 1 << 20);
});
