// Connected regions of a mask, found run by run. Masks are Uint8Array of 0 and 1, row by row.

/**
 * @typedef {{ area: number, left: number, top: number, right: number, bottom: number,
 *   sx: number, sy: number, sum: number, peak: number, at: number }} Region
 *   sums of x, y and scores over its pixels; the peak score and the index of its pixel
 * @typedef {{ regions: Region[], starts: number[], ends: number[], of: Int32Array, width: number }} Found
 *   the runs in order, and which region each is of
 */

/**
 * Runs row by row, joined to those above; `parent` is the forest of what is joined.
 * @param {Uint8Array} mask @param {number} width @param {number} reach
 */
function joinedRuns(mask, width, reach) {
  /** @type {number[]} */
  const starts = [], /** @type {number[]} */ ends = [], /** @type {number[]} */ parent = [];
  const root = (/** @type {number} */ k) => { while (parent[k] !== k) k = parent[k] = parent[parent[k]]; return k; };
  let above = 0, aboveStop = 0, row = -1, rowFirst = 0, zero = -1;
  for (let at = mask.indexOf(1); at >= 0; ) {
    const y = Math.floor(at / width), stop = (y + 1) * width;
    if (y !== row) {
      [above, aboveStop] = y === row + 1 && row >= 0 ? [rowFirst, starts.length] : [0, 0];
      row = y;
      rowFirst = starts.length;
    }
    // The next zero may be rows ahead: it is looked for once, not once a row.
    if (zero < at) { zero = mask.indexOf(0, at); if (zero < 0) zero = mask.length; }
    const end = Math.min(zero, stop);
    const k = starts.length;
    starts.push(at); ends.push(end); parent.push(k);
    while (above < aboveStop && ends[above] + width + reach <= at) above++;
    for (let j = above; j < aboveStop && starts[j] + width < end + reach; j++) {
      const a = root(j), b = root(k);
      if (a !== b) parent[Math.max(a, b)] = Math.min(a, b);
    }
    at = end < mask.length ? mask.indexOf(1, end) : -1;
  }
  return { starts, ends, root };
}

/**
 * `reach` 1 joins diagonal neighbours, 0 does not. Without a map there are no peaks.
 * @param {Uint8Array} mask @param {number} width @param {Float32Array | null} map @param {number} [reach]
 * @returns {Found}
 */
export function findRegions(mask, width, map, reach = 1) {
  const { starts, ends, root } = joinedRuns(mask, width, reach);
  /** @type {Region[]} */
  const regions = [], of = new Int32Array(starts.length);
  /** @type {Map<number, number>} */
  const index = new Map();
  for (let k = 0; k < starts.length; k++) {
    const r = root(k), y = Math.floor(starts[k] / width), x0 = starts[k] - y * width, n = ends[k] - starts[k];
    let mine = index.get(r);
    if (mine === undefined) {
      index.set(r, (mine = regions.length));
      regions.push({ area: 0, left: width, top: y, right: 0, bottom: y, sx: 0, sy: 0, sum: 0, peak: -Infinity, at: starts[k] });
    }
    const region = regions[(of[k] = mine)];
    region.area += n; region.bottom = y + 1;
    region.left = Math.min(region.left, x0); region.right = Math.max(region.right, x0 + n);
    region.sx += n * (x0 + (n - 1) / 2); region.sy += n * y;
    if (map) addScores(region, map, starts[k], ends[k]);
  }
  return { regions, starts, ends, of, width };
}

/** @param {Region} region @param {Float32Array} map @param {number} start @param {number} stop */
function addScores(region, map, start, stop) {
  let sum = 0, { peak, at } = region;
  for (let i = start; i < stop; i++) {
    const score = map[i];
    sum += score;
    if (score > peak) { peak = score; at = i; }
  }
  region.sum += sum; region.peak = peak; region.at = at;
}

/** Which region a pixel is in, -1 for none. @param {Found} found @param {number} index */
export function regionAt(found, index) {
  let low = 0, high = found.starts.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (found.ends[middle] <= index) low = middle + 1;
    else if (found.starts[middle] > index) high = middle - 1;
    else return found.of[middle];
  }
  return -1;
}

/** Writes a value into the pixels of a region. @param {Found} found @param {number} region @param {Uint8Array} layer @param {number} value */
export function fillRegion({ starts, ends, of }, region, layer, value) {
  for (let k = 0; k < starts.length; k++) if (of[k] === region) layer.fill(value, starts[k], ends[k]);
}
