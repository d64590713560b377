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

/** Keeps a change that changed something, and says whether it did. @param {Edited} edited @param {Change} change */
export function record(edited, { layer, before, rect }) {
  if (!rect || isEmpty(rect)) return false;
  const entry = { layer, rect, before: crop(before, edited.width, rect), after: crop(edited[layer], edited.width, rect) };
  if (entry.before.every((v, i) => v === entry.after[i])) return false;
  edited.undo.push(entry);
  if (edited.undo.length > MOST) edited.undo.shift();
  edited.redo = [];
  return true;
}

/** Takes the last change back, or makes it again; returns it. @param {Edited} edited @param {"undo" | "redo"} way */
export function replay(edited, way) {
  const entry = edited[way].pop();
  if (!entry) return null;
  edited[way === "undo" ? "redo" : "undo"].push(entry);
  paste(edited[entry.layer], edited.width, entry.rect, way === "undo" ? entry.before : entry.after);
  return entry;
}
