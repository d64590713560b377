// The mask: what the model proposes, below what the person painted and where nothing counts.
import { eachPixel, findRegions } from "./regions.js";

/**
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {{ width: number, paint: Uint8Array, zone: Uint8Array, proposal: Uint8Array, mask: Uint8Array }} Layers
 *   `paint` is 0 where the model decides, 1 where the person marked, 2 where the person cleared;
 *   `zone` is 1 where nothing counts
 */

/** @param {Uint8Array} mask */
export function count(mask) {
  const length = mask.length;
  let area = 0;
  for (let i = 0; i < length; i++) area += mask[i];
  return area;
}

/** @param {Uint8Array} mask @param {number} width */
function fillHoles(mask, width) {
  const found = findRegions(mask.map((v) => 1 - v), width, null, 0), height = mask.length / width;
  found.regions.forEach((r, k) => {
    if (r.left > 0 && r.top > 0 && r.right < width && r.bottom < height) eachPixel(found, k, (i) => { mask[i] = 1; });
  });
}

/** @param {Uint8Array} mask @param {number} width @param {number} least in pixels */
function dropSmall(mask, width, least) {
  const found = findRegions(mask, width, null), small = found.regions.map((r) => r.area < least);
  for (let k = 0; k < found.starts.length; k++)
    if (small[found.of[k]]) mask.fill(0, found.starts[k], found.ends[k]);
}

/**
 * What the model proposes, into `out`: above the threshold, holes filled and small regions left
 * out if asked. Returns how many pixels that are.
 * @param {Float32Array} map @param {number} threshold @param {number} width
 * @param {number} least @param {boolean} fill @param {Uint8Array} out
 */
export function propose(map, threshold, width, least, fill, out) {
  const level = Math.fround(threshold), length = out.length;
  let area = 0;
  for (let i = 0; i < length; i++) { const above = map[i] > level ? 1 : 0; out[i] = above; area += above; }
  if (fill) fillHoles(out, width);
  if (least > 1) dropSmall(out, width, least);
  return fill || least > 1 ? count(out) : area;
}

/** @param {Layers} layers @param {number} i */
export function decided({ zone, paint, proposal }, i) {
  return zone[i] ? 0 : paint[i] === 0 ? proposal[i] : paint[i] & 1;
}

/** The mask anew within a rectangle; returns by how many pixels it grew. @param {Layers} layers @param {Rect} rect */
export function combine({ zone, paint, proposal, mask, width }, { left, top, right, bottom }) {
  let grown = 0;
  for (let y = top; y < bottom; y++)
    for (let i = y * width + left, stop = y * width + right; i < stop; i++) {
      const marked = zone[i] ? 0 : paint[i] === 0 ? proposal[i] : paint[i] & 1;
      grown += marked - mask[i];
      mask[i] = marked;
    }
  return grown;
}

/** What the model proposes and the person cleared, outside the zone. @param {Layers} layers */
export function cleared({ zone, paint, proposal }) {
  return paint.map((value, i) => (value === 2 && proposal[i] && !zone[i] ? 1 : 0));
}

/**
 * The rows that a layer has anything in, over the whole width.
 * @param {Uint8Array[]} layers @param {number} width @returns {Rect | null}
 */
export function rowsOf(layers, width) {
  let first = Infinity, last = -1;
  for (const layer of layers)
    for (const value of [1, 2]) {
      const at = layer.indexOf(value);
      if (at >= 0) { first = Math.min(first, at); last = Math.max(last, layer.lastIndexOf(value)); }
    }
  if (last < 0) return null;
  return { left: 0, right: width, top: Math.floor(first / width), bottom: Math.floor(last / width) + 1 };
}
