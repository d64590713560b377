// The mask: what the model proposes, below what the person painted and where nothing counts.
import { fillRegion, findRegions } from "./regions.js";

/**
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {{ width: number, paint: Uint8Array, zone: Uint8Array, proposal: Uint8Array, mask: Uint8Array }} Layers
 *   `paint` is 0 where the model decides, 1 where the person marked, 2 where the person cleared;
 *   `zone` is 1 where nothing counts
 */

/** @param {Uint8Array} mask */
export function count(mask) {
  // Four at a time: the sum of a word's bytes is the uppermost byte of the product.
  const words = new Uint32Array(mask.buffer, mask.byteOffset, mask.length >> 2);
  let area = 0;
  for (let i = 0; i < words.length; i++) area += Math.imul(words[i], 0x01010101) >>> 24;
  for (let i = words.length << 2; i < mask.length; i++) area += mask[i];
  return area;
}

/** @param {Uint8Array} mask @param {number} width */
function fillHoles(mask, width) {
  const height = mask.length / width, inverse = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) inverse[i] = mask[i] ^ 1;
  const found = findRegions(inverse, width, null, 0);
  found.regions.forEach((r, k) => {
    if (r.left > 0 && r.top > 0 && r.right < width && r.bottom < height) fillRegion(found, k, mask, 1);
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
      const painted = paint[i], marked = (painted & 1 | proposal[i] & ~(painted >> 1)) & ~zone[i] & 1;
      grown += marked - mask[i];
      mask[i] = marked;
    }
  return grown;
}

/** What the model proposes and the person cleared, outside the zone, within rows. @param {Layers} layers @param {Rect | null} rows */
export function cleared({ zone, paint, proposal, width }, rows) {
  const out = new Uint8Array(rows ? rows.bottom * width : 0);
  for (let i = (rows?.top ?? 0) * width; i < out.length; i++) out[i] = (paint[i] >> 1) & proposal[i] & ~zone[i];
  return out;
}

/**
 * The rows in which a layer has anything, over the whole width; looked for within rows, if given.
 * @param {Uint8Array} layer @param {number} width @param {Rect | null} [within] @returns {Rect | null}
 */
export function rowsOf(layer, width, within = { left: 0, right: width, top: 0, bottom: layer.length / width }) {
  if (!within) return null;
  const part = layer.subarray(within.top * width, within.bottom * width);
  let first = 0, last = part.length - 1;
  while (first < part.length && !part[first]) first++;
  if (first === part.length) return null;
  while (!part[last]) last--;
  const row = (/** @type {number} */ at) => within.top + Math.floor(at / width);
  return { left: 0, right: width, top: row(first), bottom: row(last) + 1 };
}
