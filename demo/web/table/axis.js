// The histogram's axis and bins.

/** @typedef {{ low: number, high: number, power: number }} Axis from `low` to `high`, by a power of the share */

export const BINS = 40;

/**
 * Where some score is far out the axis follows the square root, so that the others stay apart.
 * @param {number[]} scores of the set @param {number[]} normals @param {number} threshold @returns {Axis}
 */
export function axisOf(scores, normals, threshold) {
  const low = Math.min(...scores, ...normals, threshold), top = Math.max(...scores, ...normals, threshold);
  return { low, high: Math.max(top, low + 1e-6), power: top > threshold + 4 * (threshold - low) ? 2 : 1 };
}

/** How far along the axis, 0 to 1. @param {Axis} axis @param {number} value */
export const shareOf = ({ low, high, power }, value) => Math.min(1, Math.max(0, (value - low) / (high - low))) ** (1 / power);

/** @param {Axis} axis @param {number} share */
export const valueAt = ({ low, high, power }, share) => (share >= 1 ? high : low + share ** power * (high - low));

/** How many values are in each bin. @param {Axis} axis @param {number[]} values */
export function binned(axis, values) {
  const bins = new Array(BINS).fill(0);
  for (const value of values) bins[Math.min(BINS - 1, Math.floor(BINS * shareOf(axis, value)))]++;
  return bins;
}
