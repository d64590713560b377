import assert from "node:assert/strict";
import { test } from "node:test";
import { learn, local, missing, translated } from "./words.js";

test("without a catalogue every text stays", () => {
  assert.equal(translated("Good"), "Good");
  assert.deepEqual(missing(), []);
});

test("texts, sentences with parts that change, and several sentences", () => {
  learn({
    Good: "Gut", "{#} image": "{#} Bild", "{#} images": "{#} Bilder", "{}, {#} decided": "{}, {#} entschieden", here: "hier",
    "Look.": "Sieh.", "{} of {#}": "{2} mal {1}", "aa (b)?": "c",
  });
  assert.equal(translated("Good"), "Gut");
  assert.equal(translated("  Good \n"), "  Gut \n");
  assert.equal(translated("3 images, 1 decided"), "3 Bilder, 1 entschieden");
  assert.equal(translated("copy the image"), "copy the image");  // {#} is a number and nothing else
  assert.equal(translated("Look. Stop."), "Sieh. Stop.");
  assert.equal(translated("here · Good · there"), "hier · Gut · there");
  assert.equal(translated("Good of 7"), "7 mal Gut");
  assert.equal(translated("aa (b)?"), "c");
  assert.equal(translated("part.png of 2.50"), "2.50 mal part.png");
});

test("what is said already is not translated again, and what has no word is told", () => {
  learn({ Good: "Skip", Skip: "Later" });
  assert.equal(translated(translated("Good")), "Skip");
  assert.equal(translated("Unknown words"), "Unknown words");
  assert.deepEqual(missing(), ["Unknown words"]);
  assert.equal(translated("12"), "12");
});

test("numbers get the reader's decimal sign", () => {
  assert.equal(local("0.20"), "0.20");
  assert.equal(local("no 0.20"), "no 0.20");
});
