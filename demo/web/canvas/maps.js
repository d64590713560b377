// Score maps: decoded, resized as the library does, averaged.

/**
 * @typedef {{ w: number, h: number, values: Float32Array }} ScoreMap
 * @typedef {{ name: string, branch: string, t: number, noise: number, weight: number, map: ScoreMap }} Scale
 */

/** @param {string} text in base64 */
export const decodeBytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** @param {{ w: number, h: number, data: string }} map @returns {ScoreMap} */
export const decodeMap = (map) => ({ ...map, values: new Float32Array(decodeBytes(map.data).buffer) });

/**
 * Adds weight * map, resized bilinearly as the library does (corners not aligned), onto `total`.
 * @param {Float32Array} total @param {number} width @param {number} height
 * @param {ScoreMap} map @param {number} weight
 */
export function addResized(total, width, height, map, weight) {
  const { w, h, values } = map, row = new Float32Array(w + 1), share = new Float32Array(width);
  // Columns of the image from one column of the map to the next: first[l] to first[l + 1].
  const first = new Int32Array(w + 1).fill(width);
  for (let x = width - 1; x >= 0; x--) {
    const at = Math.max(0, ((x + 0.5) * w) / width - 0.5), left = Math.min(w - 1, Math.floor(at));
    first[left] = x;
    share[x] = at - left;
  }
  for (let l = w - 1; l >= 0; l--) first[l] = Math.min(first[l], first[l + 1]);
  for (let y = 0; y < height; y++) {
    const at = Math.max(0, ((y + 0.5) * h) / height - 0.5), top = Math.min(h - 1, Math.floor(at));
    const bottom = Math.min(h - 1, top + 1), part = at - top;
    for (let x = 0; x < w; x++)
      row[x] = weight * (values[top * w + x] * (1 - part) + values[bottom * w + x] * part);
    row[w] = row[w - 1];
    for (let l = 0; l < w; l++) {
      const value = row[l], step = row[l + 1] - value;
      for (let x = first[l], stop = first[l + 1]; x < stop; x++) total[y * width + x] += value + share[x] * step;
    }
  }
}

/**
 * A map's values along rows of the screen, bilinearly: where the columns are is worked out once.
 * @param {ScoreMap} map @param {number} width of the screen's part
 * @param {(x: number) => number} across how far along the image a column of it is, 0 to 1
 * @returns {(down: number) => Float32Array} the row so far down the image; the same array each time
 */
export function rowsSeen({ w, h, values }, width, across) {
  const left = new Int32Array(width), share = new Float32Array(width), out = new Float32Array(width), row = new Float32Array(w + 1);
  for (let x = 0; x < width; x++) {
    const at = Math.min(w - 1, Math.max(0, across(x) * w - 0.5));
    left[x] = Math.floor(at);
    share[x] = at - left[x];
  }
  return (down) => {
    const at = Math.min(h - 1, Math.max(0, down * h - 0.5)), top = Math.floor(at), bottom = Math.min(h - 1, top + 1), part = at - top;
    for (let x = 0; x < w; x++) row[x] = values[top * w + x] * (1 - part) + values[bottom * w + x] * part;
    row[w] = row[w - 1];
    for (let x = 0; x < width; x++) out[x] = row[left[x]] + share[x] * (row[left[x] + 1] - row[left[x]]);
    return out;
  };
}

/**
 * Weighted mean of the scales that are on, at image size. Scales of one size are summed first.
 * @param {Scale[]} scales @param {boolean[]} on @param {number} width @param {number} height
 * @param {Float32Array} [total] what it is written into
 */
export function fuse(scales, on, width, height, total = new Float32Array(width * height)) {
  const whole = scales.reduce((sum, s, i) => sum + (on[i] ? s.weight : 0), 0) || 1;
  /** @type {Map<string, ScoreMap>} */
  const sums = new Map();
  scales.forEach(({ map, weight }, i) => {
    if (!on[i]) return;
    const key = `${map.w}x${map.h}`, share = weight / whole;
    const sum = sums.get(key) ?? { ...map, values: new Float32Array(map.values.length) };
    sums.set(key, sum);
    for (let k = 0; k < sum.values.length; k++) sum.values[k] += share * map.values[k];
  });
  total.fill(0);
  for (const map of sums.values()) addResized(total, width, height, map, 1);
  return total;
}

/**
 * The score: the highest value outside the ignore zone, which is `peak`, and where; or what the
 * amounts of things are worth, where that is more.
 * @param {Float32Array} map @param {Uint8Array} zone @param {number | null} [composition]
 */
export function peakOf(map, zone, composition) {
  let best = -Infinity, at = -1;
  for (let i = 0; i < map.length; i++) if (map[i] > best && !zone[i]) { best = map[i]; at = i; }
  return { score: at < 0 ? best : Math.max(best, composition ?? -Infinity), peak: best, peakAt: at };
}

/**
 * A map's value under a pixel of the image.
 * @param {ScoreMap} map @param {number} index @param {{ width: number, height: number }} image
 */
export function sample({ values, w, h }, index, { width, height }) {
  const x = index % width, y = Math.floor(index / width);
  return values[Math.floor((y / height) * h) * w + Math.floor((x / width) * w)];
}
