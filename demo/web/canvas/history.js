// Undo and redo: each change as the rectangle it touched, before and after.
import { isEmpty } from "./geometry.js";

/**
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {"paint" | "zone"} Layer
 * @typedef {{ layer: Layer, before: Uint8Array, rect: Rect | null }} Change a copy of the whole layer, and what has changed since
 * @typedef {{ layer: Layer, rect: Rect, before: Uint8Array, after: Uint8Array }} Patch
 * @typedef {{ was: Record<string, unknown>, is: Record<string, unknown>, at: number }} Setting what was set: threshold, labels, ...
 * @typedef {Patch | Setting} Entry
 * @typedef {{ width: number, paint: Uint8Array, zone: Uint8Array, undo: Entry[], redo: Entry[] }} Edited
 */

const MOST = 200, ONE_MOVE = 800;

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
  push(edited, entry);
  return entry;
}

/**
 * Keeps what was set; a slider that moves on is one change.
 * @param {Edited} edited @param {Record<string, unknown>} was @param {Record<string, unknown>} is @param {number} at in milliseconds
 */
export function recordSetting(edited, was, is, at) {
  if (JSON.stringify(was) === JSON.stringify(is)) return;
  const last = edited.undo.at(-1);
  if (last && "was" in last && at - last.at < ONE_MOVE && Object.keys(last.is).join() === Object.keys(is).join()) {
    Object.assign(last, { is, at });
    edited.redo = [];
  } else push(edited, { was, is, at });
}

/** @param {Edited} edited @param {Entry} entry */
function push(edited, entry) {
  edited.undo.push(entry);
  if (edited.undo.length > MOST) edited.undo.shift();
  edited.redo = [];
}

/** Takes the last change back, or makes it again; returns it. @param {Edited} edited @param {"undo" | "redo"} way */
export function replay(edited, way) {
  const entry = edited[way].pop();
  if (!entry) return null;
  edited[way === "undo" ? "redo" : "undo"].push(entry);
  if ("was" in entry) Object.assign(edited, way === "undo" ? entry.was : entry.is);
  else paste(edited[entry.layer], edited.width, entry.rect, way === "undo" ? entry.before : entry.after);
  return entry;
}
