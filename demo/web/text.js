// Numbers as the page writes them.

/** @param {number} share of a whole, 0 to 1 */
export const percent = (share) => (share === 0 ? "0 %" : share === 1 ? "100 %" : share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);

/** @param {number} n */
export const grouped = (n) => Math.round(n).toLocaleString("en").replaceAll(",", "\u202f");

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
