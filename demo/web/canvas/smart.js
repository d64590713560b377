// Smart select: how far each pixel around a click is from it, over the image's edges and the map's.

/**
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {{ rect: Rect, far: Uint16Array }} Reach `far`: the distance of each pixel of the rectangle
 */

/** Side of the window in which it grows, and the largest distance that counts. */
export const WINDOW = 400;
export const MOST = 1023;

/** A square around a point, within the image. @param {number} x @param {number} y @param {{ width: number, height: number }} image @returns {Rect} */
export function windowAround(x, y, { width, height }) {
  const side = (/** @type {number} */ at, /** @type {number} */ length) => {
    const first = Math.max(0, Math.min(at - (WINDOW >> 1), length - WINDOW));
    return [first, Math.min(length, first + WINDOW)];
  };
  const [left, right] = side(x, width), [top, bottom] = side(y, height);
  return { left, top, right, bottom };
}

/**
 * Geodesic distance from a seed (Dijkstra's, with a bucket for each distance): a step to a neighbour
 * costs 1 and the difference of grey and of heat between the two, in levels of 255.
 * @param {Uint8Array | Uint8ClampedArray} grey @param {Uint8Array | Uint8ClampedArray} heat of a window, row by row
 * @param {number} width of it @param {number} seed index of the seed
 */
export function distances(grey, heat, width, seed) {
  const far = new Uint16Array(grey.length).fill(MOST + 1), height = grey.length / width;
  // A bucket is a list of entries, each naming a pixel and the entry before it.
  const heads = new Int32Array(MOST + 1).fill(-1), pixels = new Int32Array(4 * grey.length + 1), before = new Int32Array(pixels.length);
  let entries = 0;
  put(seed, 0);
  for (let d = 0; d <= MOST; d++)
    for (let entry = heads[d]; entry >= 0; entry = before[entry]) {
      const i = pixels[entry];
      if (far[i] !== d) continue;
      const x = i % width, y = (i - x) / width;
      if (x > 0) relax(i, i - 1, d);
      if (x < width - 1) relax(i, i + 1, d);
      if (y > 0) relax(i, i - width, d);
      if (y < height - 1) relax(i, i + width, d);
    }
  return far;

  /** @param {number} i @param {number} d */
  function put(i, d) {
    far[i] = d;
    pixels[entries] = i; before[entries] = heads[d];
    heads[d] = entries++;
  }

  /** @param {number} i @param {number} j @param {number} d */
  function relax(i, j, d) {
    const next = d + 1 + Math.abs(grey[i] - grey[j]) + Math.abs(heat[i] - heat[j]);
    if (next <= MOST && next < far[j]) put(j, next);
  }
}

/** Calls `put` with the image's index of each pixel that is no farther. @param {Reach} reach @param {number} most @param {number} width of the image @param {(index: number) => void} put */
export function eachWithin({ rect, far }, most, width, put) {
  const across = rect.right - rect.left;
  for (let k = 0; k < far.length; k++)
    if (far[k] <= most) put((rect.top + Math.floor(k / across)) * width + rect.left + (k % across));
}
