// What is under the cursor: the score, how often good parts reach it, which map says so.
import { toImage } from "./geometry.js";
import { shares } from "./strip.js";
import { underWords } from "./words.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** The image's pixel under the pointer, -1 for none. @param {Desk} desk */
export function pixelUnder({ now, hover, view }) {
  if (!now || !hover) return -1;
  const point = toImage(view, hover.x, hover.y), x = Math.floor(point.x), y = Math.floor(point.y);
  return x >= 0 && y >= 0 && x < now.width && y < now.height ? y * now.width + x : -1;
}

/** @param {Desk} desk */
export function under(desk) {
  const { now } = desk, at = pixelUnder(desk);
  if (!now || at === desk.under) return;
  desk.under = at;
  const parts = shares(desk, at);
  if (now.look === null) desk.put(".caption", at < 0 ? "" : underWords(now, at, parts));
}
