// Undo and redo: each change as the rectangle it touched, before and after.
import { isEmpty } from "./geometry.js";

/**
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {"paint" | "zone"} Layer
 * @typedef {{ layer: Layer, before: Uint8Array, rect: Rect | null }} Change a copy of the whole layer, and what has changed since
 * @typedef {{ layer: Layer, rect: Rect, before: Uint8Array, after: Uint8Array }} Entry
 * @typedef {{ width: number, paint: Uint8Array, zone: Uint8Array, undo: Entry[], redo: Entry[] }} Edited
 */

const MOST = 200;

/** @param {Uint8Array} layer @param {number} stride @param {Rect} rect */
export function crop(layer, stride, { left, top, right, bottom }) {
  const width = right - left, patch = new Uint8Array(width * (bottom - top));
  for (let y = top; y < bottom; y++) patch.set(layer.subarray(y * stride + left, y * stride + right), (y - top) * width);
  return patch;
}

/** @param {Uint8Array} layer @param {number} stride @param {Rect} rect @param {Uint8Array} patch */
export function paste(layer, stride, { left, top, right, bottom }, patch) {
  const width = right - left;
  for (let y = top; y < bottom; y++) layer.set(patch.subarray((y - top) * width, (y - top + 1) * width), y * stride + left);
}

/** @param {Uint8Array} a @param {Uint8Array} b of the same length */
function isSame(a, b) {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i === a.length;
}

/** Keeps a change that changed something and returns it, or null. @param {Edited} edited @param {Change} change */
export function record(edited, { layer, before, rect }) {
  if (!rect || isEmpty(rect)) return null;
  const entry = { layer, rect, before: crop(before, edited.width, rect), after: crop(edited[layer], edited.width, rect) };
  if (isSame(entry.before, entry.after)) return null;
  edited.undo.push(entry);
  if (edited.undo.length > MOST) edited.undo.shift();
  edited.redo = [];
  return entry;
}

/** Takes the last change back, or makes it again; returns it. @param {Edited} edited @param {"undo" | "redo"} way */
export function replay(edited, way) {
  const entry = edited[way].pop();
  if (!entry) return null;
  edited[way === "undo" ? "redo" : "undo"].push(entry);
  paste(edited[entry.layer], edited.width, entry.rect, way === "undo" ? entry.before : entry.after);
  return entry;
}
