// Areas that are drawn at once: an outline filled, a mask grown or shrunk.

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
 * The runs of pixels, from start to before stop, whose centres lie inside a closed outline, by the
 * even-odd rule.
 * @param {Point[]} points @param {number} width @param {number} height @returns {[number, number][]}
 */
export function runsInside(points, width, height) {
  const { top, bottom } = spanned(points, width, height), /** @type {[number, number][]} */ runs = [];
  for (let y = top; y < bottom; y++) {
    const middle = y + 0.5, crossings = [];
    for (let k = 0; k < points.length; k++) {
      const a = points[k], b = points[(k + 1) % points.length];
      if (a.y <= middle !== b.y <= middle) crossings.push(a.x + ((middle - a.y) / (b.y - a.y)) * (b.x - a.x));
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const start = Math.max(0, Math.ceil(crossings[k] - 0.5)), stop = Math.min(width, Math.ceil(crossings[k + 1] - 0.5));
      if (start < stop) runs.push([y * width + start, y * width + stop]);
    }
  }
  return runs;
}

/**
 * A mask's part grown by a pixel all round (`value` 1) or shrunk (0): where a neighbour, also a
 * diagonal one, has the value. Beyond the image nothing is marked and nothing is missing.
 * @param {Uint8Array} mask @param {number} width @param {number} height @param {Rect} rect @param {0 | 1} value
 * @param {(index: number) => void} put for each pixel that changes
 * @returns {Rect | null} where they lie
 */
export function spread(mask, width, height, rect, value, put) {
  const left = Math.max(0, rect.left - 1), right = Math.min(width, rect.right + 1);
  const top = Math.max(0, rect.top - 1), bottom = Math.min(height, rect.bottom + 1), changed = [];
  /** Rows that were looked at. @type {Map<number, Uint8Array | null>} */
  const rows = new Map();
  const near = (/** @type {number} */ y) => {
    if (!rows.has(y)) rows.set(y, nearIn(mask, width, height, y, left, right, value));
    return rows.get(y);
  };
  for (let y = top; y < bottom; y++) {
    rows.delete(y - 2);
    if (!mask.subarray(y * width + left, y * width + right).includes(1 - value)) continue;  // nothing to change
    const above = near(y - 1), here = near(y), below = near(y + 1);
    for (let x = left, i = y * width + left; x < right; x++, i++)
      if (mask[i] !== value && (here?.[x - left] || above?.[x - left] || below?.[x - left])) changed.push(i);
  }
  changed.forEach(put);
  return changed.length ? { left, right, top: Math.floor(changed[0] / width), bottom: Math.floor(changed[changed.length - 1] / width) + 1 } : null;
}

/** Which pixels of a row's part have the value or a neighbour to the left or right that has; null for none. @param {Uint8Array} mask @param {number} width @param {number} height @param {number} y @param {number} left @param {number} right @param {number} value */
function nearIn(mask, width, height, y, left, right, value) {
  const row = mask.subarray(y * width, (y + 1) * width);
  if (y < 0 || y >= height || !row.includes(value)) return null;
  const out = new Uint8Array(right - left);
  for (let x = left; x < right; x++) out[x - left] = row[x - 1] === value || row[x] === value || row[x + 1] === value ? 1 : 0;
  return out;
}

/**
 * The level that parts the scores in runs of pixels best (Otsu, 1979), among 64 steps; of many
 * pixels a hundred thousand or so are looked at.
 * @param {Float32Array} map @param {[number, number][]} runs
 */
export function partingLevel(map, runs) {
  const steps = 64, counts = new Float64Array(steps), pixels = runs.reduce((sum, [start, stop]) => sum + stop - start, 0);
  const stride = Math.max(1, Math.floor(pixels / 1e5)), values = [];
  for (const [start, stop] of runs) for (let i = start + (start % stride ? stride - (start % stride) : 0); i < stop; i += stride) values.push(map[i]);
  let low = Infinity, high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  if (!(high > low)) return -Infinity;
  for (const value of values) counts[Math.min(steps - 1, Math.floor(((value - low) / (high - low)) * steps))]++;
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
