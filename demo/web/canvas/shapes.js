// Areas that are drawn at once: an outline filled, a mask grown, shrunk or without its holes.
import { isEmpty } from "./geometry.js";

/**
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {{ x: number, y: number }} Point of the image
 */

/** The pixels that points span, within the image. @param {Point[]} points @param {number} width @param {number} height @returns {Rect} */
export function spanned(points, width, height) {
  const xs = points.map(({ x }) => x), ys = points.map(({ y }) => y);
  return {
    left: Math.max(0, Math.floor(Math.min(...xs))), top: Math.max(0, Math.floor(Math.min(...ys))),
    right: Math.min(width, Math.ceil(Math.max(...xs))), bottom: Math.min(height, Math.ceil(Math.max(...ys))),
  };
}

/**
 * Calls `put(start, stop)` for each run of pixels whose centres lie inside a closed outline, by the
 * even-odd rule; returns the rectangle they lie in.
 * @param {Point[]} points @param {number} width @param {number} height @param {(start: number, stop: number) => void} put
 */
export function eachInside(points, width, height, put) {
  const rect = spanned(points, width, height);
  for (let y = rect.top; y < rect.bottom; y++) {
    const middle = y + 0.5, crossings = [];
    for (let k = 0; k < points.length; k++) {
      const a = points[k], b = points[(k + 1) % points.length];
      if (a.y <= middle !== b.y <= middle) crossings.push(a.x + ((middle - a.y) / (b.y - a.y)) * (b.x - a.x));
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const start = Math.max(0, Math.ceil(crossings[k] - 0.5)), stop = Math.min(width, Math.ceil(crossings[k + 1] - 0.5));
      if (start < stop) put(y * width + start, y * width + stop);
    }
  }
  return rect;
}

/**
 * A mask's part grown by a pixel all round (`value` 1) or shrunk (0): where a neighbour, also a
 * diagonal one, has the value. Beyond the image nothing is marked and nothing is missing.
 * @param {Uint8Array} mask @param {number} width @param {number} height @param {Rect} rect @param {0 | 1} value
 * @param {(index: number) => void} put for each pixel that changes
 */
export function spread(mask, width, height, rect, value, put) {
  const left = Math.max(0, rect.left - 1), right = Math.min(width, rect.right + 1);
  const top = Math.max(0, rect.top - 1), bottom = Math.min(height, rect.bottom + 1), changed = [];
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const i = y * width + x;
      if (mask[i] !== value && hasNeighbour(mask, width, height, x, y, value)) changed.push(i);
    }
  changed.forEach(put);
  return { left, top, right, bottom };
}

/** @param {Uint8Array} mask @param {number} width @param {number} height @param {number} x @param {number} y @param {number} value */
function hasNeighbour(mask, width, height, x, y, value) {
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1), i = v * width + u; u <= Math.min(width - 1, x + 1); u++, i++) if (mask[i] === value) return true;
  return false;
}

/**
 * The level that parts the scores inside a rectangle best (Otsu, 1979), among 64 steps.
 * @param {Float32Array} map @param {number} width @param {Rect} rect @param {(index: number) => boolean} inside
 */
export function partingLevel(map, width, rect, inside) {
  if (isEmpty(rect)) return -Infinity;
  const steps = 64, counts = new Float64Array(steps);
  let low = Infinity, high = -Infinity;
  const each = (/** @type {(value: number) => void} */ visit) => {
    for (let y = rect.top; y < rect.bottom; y++)
      for (let i = y * width + rect.left, stop = y * width + rect.right; i < stop; i++) if (inside(i)) visit(map[i]);
  };
  each((value) => { low = Math.min(low, value); high = Math.max(high, value); });
  if (!(high > low)) return -Infinity;
  each((value) => { counts[Math.min(steps - 1, Math.floor(((value - low) / (high - low)) * steps))]++; });
  const whole = counts.reduce((sum, n) => sum + n, 0), mass = counts.reduce((sum, n, k) => sum + n * k, 0);
  let best = 0, at = 0, below = 0, belowMass = 0;
  for (let k = 0; k < steps - 1; k++) {
    below += counts[k]; belowMass += k * counts[k];
    if (!below || below === whole) continue;
    const apart = (belowMass / below - (mass - belowMass) / (whole - below)) ** 2 * below * (whole - below);
    if (apart > best) { best = apart; at = k + 1; }
  }
  return low + (at / steps) * (high - low);
}
