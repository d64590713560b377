import assert from "node:assert/strict";
import { test } from "node:test";
import { captionOf, factsOf, mapWords, meaningOf, underWords, verdictOf } from "./words.js";

const now = { name: "a.png", score: 3.456, threshold: 2, calibrated: 2, scales: [1], of: 4, normals: [1, 2, 3], promised: [["25", "1", "80"], ["50", "5", "90"], ["75", "9", "95"], ["100", "30", "100"]] };

test("a score above the threshold is a defect, one that equals it is not", () => {
  const bad = verdictOf(now);
  assert.equal(bad.kind, "bad");
  assert.equal(bad.reason, "a.png: its score of 3.46 is above the calibrated threshold of 2.00.");
  const good = verdictOf({ ...now, score: 2 });
  assert.equal(good.headline, "Looks like a good part");
  assert.match(good.reason, /is not above the calibrated/);
});

test("a threshold of the person's own is called that", () => {
  assert.match(verdictOf({ ...now, threshold: 3 }).reason, /the threshold you set of 3\.00/);
});

test("no verdict before all maps, no score where nothing counts", () => {
  assert.deepEqual([verdictOf({ ...now, partial: true }).kind, verdictOf({ ...now, partial: true }).reason], ["wait", "a.png: 1 of 4 maps so far."]);
  assert.match(verdictOf({ ...now, score: -Infinity }).reason, /all of it lies in the ignore zone/);
});

test("the threshold's meaning is the rate of false alarms", () => {
  const { meaning, alarms, spoken } = meaningOf(now);
  assert.equal(meaning, "1 of the 3 photographs of good parts kept for calibration score above this threshold. " +
    "Expect false alarms on about 50 % of good parts, between 5 and 90 %.");
  assert.equal(alarms, "about 50 % false alarms");
  assert.equal(spoken, "2.00: about 50 percent false alarms");
  assert.match(meaningOf({ ...now, promised: [] }).meaning, /No promise/);
});

test("what is not the model's part gets that verdict before any other, whatever the threshold", () => {
  for (const more of [{}, { score: 1 }, { threshold: 9 }, { parts: 1 }]) {
    const { kind, headline, reason } = verdictOf({ ...now, ...more, withheld: "strange" });
    assert.deepEqual([kind, headline], ["strange", "Not this model's part"]);
    assert.match(reason, /^a\.png: This doesn't look like .*another part, camera, light, focus or scale.*train a model/);
  }
  assert.equal(verdictOf({ ...now, withheld: "strange", partial: true }).kind, "wait");
});

test("one part makes no verdict and no promise, and the score is shown", () => {
  const single = { ...now, normals: [4], promised: [], parts: 1, withheld: "unpromised" };
  const said = verdictOf(single);
  assert.deepEqual([said.kind, said.headline], ["none", "No verdict: one photograph promises nothing"]);
  assert.match(said.reason, /^a\.png: a score of 3\.46, and the map shows/);
  assert.doesNotMatch(said.reason + meaningOf(single).meaning, /above|defect/);
  assert.match(verdictOf({ ...single, normals: [1, 2, 3] }).headline, /3 photographs of one part promise nothing/);
  assert.match(verdictOf({ ...single, score: -Infinity }).reason, /^a\.png: the map/);
  assert.match(meaningOf(single).meaning, /^No promise: the threshold comes from one part/);
  assert.match(meaningOf({ ...single, parts: 0 }).meaning, /earlier version/);
  assert.equal(meaningOf(single).alarms, "no promise");
});

test("a region's facts are in pixels of the file", () => {
  const region = { area: 10, left: 2, top: 4, right: 7, bottom: 6, sx: 45, sy: 42, sum: 25, peak: 3, at: 0 };
  assert.deepEqual(factsOf({ shrink: 0.5, mask: { length: 200 } }, region),
    ["40 px, 5.0 %", "4, 8, 10, 4", "9.0, 8.4", "3.00", "2.50"]);
});

test("a map is named in plain words, with the term behind them", () => {
  assert.deepEqual(mapWords({ branch: "pixel", t: 20 }), ["fine marks", "pixel KL, t = 20"]);
  assert.deepEqual(mapWords({ branch: "pixel", t: 200 }), ["large areas", "pixel KL, t = 200"]);
  assert.deepEqual(mapWords({ branch: "feature", t: 367 }), ["coarse structure", "features, t = 367"]);
  assert.deepEqual(mapWords({ branch: "feature_800", t: 100 }), ["closer look", "features at 800 px, t = 100"]);
  assert.equal(captionOf({ branch: "pixel", t: 40, noise: 0.254 }), "marks · pixel KL, t = 40: noise is 25 % of the signal's range");
  assert.equal(captionOf(undefined), "The mean of all maps");
});

test("under the cursor stand the score, how often good parts reach it, and the maps that say so", () => {
  const image = { ...now, map: Float32Array.of(0, 2.5), scales: [{ branch: "pixel", t: 20 }, { branch: "feature", t: 367 }] };
  assert.equal(underWords(image, 1, [0.2, 0.8]),
    "2.50 here · about 50 % of good parts reach that somewhere · 80 % coarse structure, 20 % fine marks");
  assert.equal(underWords({ ...image, promised: [] }, 1, [1, 0.01]), "2.50 here · 100 % fine marks");
});
