// The mask: what the model proposes, below what the person painted and where nothing counts.
import { fillRegion, findRegions } from "./regions.js";

/**
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {{ width: number, paint: Uint8Array, zone: Uint8Array, proposal: Uint8Array, mask: Uint8Array }} Layers
 *   `paint` is 0 where the model decides, 1 where the person marked, 2 where the person cleared;
 *   `zone` is 1 where nothing counts
 */

/** Four pixels in one: layers hold bytes of 0, 1 and 2. @param {Uint8Array} layer */
const words = (layer) => new Uint32Array(layer.buffer, layer.byteOffset, layer.length >> 2);
const ONES = 0x01010101;

/** How many ones there are in a word of zeros and ones: the sum of its bytes is the uppermost of the product. @param {number} word */
const sumOf = (word) => Math.imul(word, ONES) >>> 24;

/** @param {Uint8Array} mask */
export function count(mask) {
  const whole = words(mask);
  let area = 0;
  for (let k = 0; k < whole.length; k++) area += sumOf(whole[k]);
  for (let i = whole.length << 2; i < mask.length; i++) area += mask[i];
  return area;
}

/** What is enclosed by a mask: the regions of what it leaves, and which of them do not touch the rim. @param {Uint8Array} mask @param {number} width */
export function holesOf(mask, width) {
  const height = mask.length / width, inverse = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) inverse[i] = mask[i] ^ 1;
  const found = findRegions(inverse, width, null, 0), { regions } = found;
  const holes = regions.map((_, k) => k).filter((k) => {
    const { left, top, right, bottom } = regions[k];
    return left > 0 && top > 0 && right < width && bottom < height;
  });
  return { found, holes };
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
  if (fill) { const { found, holes } = holesOf(out, width); for (const k of holes) fillRegion(found, k, out, 1); }
  if (least > 1) dropSmall(out, width, least);
  return fill || least > 1 ? count(out) : area;
}

/** @param {Layers} layers @param {number} i */
export function decided({ zone, paint, proposal }, i) {
  return zone[i] ? 0 : paint[i] === 0 ? proposal[i] : paint[i] & 1;
}

/** The mask anew within a rectangle; returns by how many pixels it grew. @param {Layers} layers @param {Rect} rect */
export function combine(layers, { left, top, right, bottom }) {
  const { width } = layers;
  if (left === 0 && right === width) return combineRun(layers, top * width, bottom * width);
  let grown = 0;
  for (let y = top; y < bottom; y++) grown += combineRun(layers, y * width + left, y * width + right);
  return grown;
}

/** @param {Layers} layers @param {number} start @param {number} stop */
function combineRun(layers, start, stop) {
  const first = Math.min(stop, (start + 3) & ~3), last = Math.max(first, stop & ~3);
  let grown = 0;
  for (let i = start; i < first; i++) grown += bringUp(layers, i);
  if (first < last) {
    const [zone, paint, proposal, mask] = [layers.zone, layers.paint, layers.proposal, layers.mask].map(words);
    for (let k = first >> 2; k < last >> 2; k++) {
      const painted = paint[k], marked = (painted | proposal[k] & ~(painted >>> 1)) & ~zone[k] & ONES;
      grown += sumOf(marked) - sumOf(mask[k]);
      mask[k] = marked;
    }
  }
  for (let i = last; i < stop; i++) grown += bringUp(layers, i);
  return grown;
}

/** One pixel of the mask anew; returns by how much it grew. @param {Layers} layers @param {number} i */
export function bringUp(layers, i) {
  const marked = decided(layers, i), grown = marked - layers.mask[i];
  layers.mask[i] = marked;
  return grown;
}

/** What the model proposes and the person cleared, outside the zone, within rows. @param {Layers} layers @param {Rect | null} rows */
export function cleared({ zone, paint, proposal, width }, rows) {
  const out = new Uint8Array(rows ? rows.bottom * width : 0), whole = words(out), start = (rows?.top ?? 0) * width;
  const [nowhere, painted, proposed] = [zone, paint, proposal].map(words);
  for (let k = start >> 2; k < whole.length; k++) whole[k] = (painted[k] >>> 1) & proposed[k] & ~nowhere[k] & ONES;
  for (let i = whole.length << 2; i < out.length; i++) out[i] = (paint[i] >> 1) & proposal[i] & ~zone[i];
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
