import assert from "node:assert/strict";
import { test } from "node:test";
import { partingLevel, runsInside, spanned, spread } from "./shapes.js";

const drawn = (points, width, height) => {
  const mask = new Uint8Array(width * height);
  for (const [start, stop] of runsInside(points, width, height)) mask.fill(1, start, stop);
  return mask;
};
const rows = (mask, width) => [...mask].join("").match(new RegExp(`.{${width}}`, "g"));
const draw = (...lines) => Uint8Array.from(lines.join(""), Number);

test("an outline is filled where the centres of pixels lie inside it", () => {
  const box = [{ x: 1, y: 1 }, { x: 4, y: 1 }, { x: 4, y: 3 }, { x: 1, y: 3 }];
  assert.deepEqual(rows(drawn(box, 5, 4), 5), ["00000", "01110", "01110", "00000"]);
  const beyond = [{ x: -9, y: -9 }, { x: 2.4, y: -9 }, { x: 2.4, y: 99 }, { x: -9, y: 99 }];
  assert.deepEqual(rows(drawn(beyond, 5, 2), 5), ["11000", "11000"]);
  const bow = [{ x: 0, y: 0 }, { x: 4, y: 4 }, { x: 4, y: 0 }, { x: 0, y: 4 }];  // crosses itself
  assert.deepEqual(rows(drawn(bow, 4, 4), 4), ["0001", "1011", "1011", "0001"]);
  assert.deepEqual(spanned(box, 3, 2), { left: 1, top: 1, right: 3, bottom: 2 });
});

test("every pixel of a random outline is inside by the crossing of a ray", () => {
  let seed = 11;
  const chance = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 40; round++) {
    const points = Array.from({ length: 3 + Math.floor(chance() * 6) }, () => ({ x: chance() * 14 - 2, y: chance() * 12 - 2 }));
    const mask = drawn(points, 10, 8);
    for (let y = 0; y < 8; y++) for (let x = 0; x < 10; x++) {
      let inside = false;
      points.forEach((a, k) => {
        const b = points[(k + 1) % points.length];
        if (a.y <= y + 0.5 !== b.y <= y + 0.5 && a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x) <= x + 0.5) inside = !inside;
      });
      assert.equal(mask[y * 10 + x], inside ? 1 : 0);
    }
  }
});

test("a mask grows and shrinks by a pixel all round, to the rim of the image", () => {
  const mask = draw("00000", "00100", "00000", "00000"), grown = mask.slice(), all = { left: 0, top: 0, right: 5, bottom: 4 };
  spread(mask, 5, 4, { left: 2, top: 1, right: 3, bottom: 2 }, 1, (i) => { grown[i] = 1; });
  assert.deepEqual(rows(grown, 5), ["01110", "01110", "01110", "00000"]);
  const shrunk = grown.slice();
  spread(grown, 5, 4, all, 0, (i) => { shrunk[i] = 0; });
  assert.deepEqual(rows(shrunk, 5), ["00100", "00100", "00000", "00000"]);  // nothing is missing beyond the rim
});

test("a random mask grows and shrinks as each pixel's neighbours say", () => {
  let seed = 7;
  const chance = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 60; round++) {
    const width = 1 + Math.floor(chance() * 9), height = 1 + Math.floor(chance() * 9), share = chance();
    const mask = Uint8Array.from({ length: width * height }, () => (chance() < share ? 1 : 0));
    for (const value of /** @type {const} */ ([0, 1])) {
      const out = mask.slice(), wanted = mask.slice();
      spread(mask, width, height, { left: 0, top: 0, right: width, bottom: height }, value, (i) => { out[i] = value; });
      for (let i = 0; i < mask.length; i++) for (let j = 0; j < mask.length; j++)
        if (mask[j] === value && Math.abs((i % width) - (j % width)) <= 1 && Math.abs(Math.floor(i / width) - Math.floor(j / width)) <= 1) wanted[i] = value;
      assert.deepEqual(out, wanted);
    }
  }
});

test("the level lies between what is low and what is high", () => {
  const map = Float32Array.of(0, 0.1, 5, 5.1, 0.2, 5.2, 9, 9), level = partingLevel(map, [[0, 4], [4, 6]]);
  assert.ok(level > Math.fround(0.2) && level <= 5, String(level));
  assert.equal(partingLevel(map, [[6, 8]]), -Infinity);  // all alike
  assert.equal(partingLevel(map, []), -Infinity);
  const large = Float32Array.from({ length: 1e6 }, (_, i) => (i % 7 ? 0 : 7) + (i % 3) / 10);
  const parted = partingLevel(large, [[0, 1e6]]);
  assert.ok(parted > Math.fround(0.2) && parted <= 7, String(parted));
});
