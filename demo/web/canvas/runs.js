// Run lengths of a layer, row by row, zeros first: what is sent to the server and kept there.

/** @param {Uint8Array} mask @param {number} [value] */
export function encodeRuns(mask, value = 1) {
  const runs = [];
  let at = 0, inside = false;
  while (at < mask.length) {
    let next = at;
    if (!inside) next = mask.indexOf(value, at);
    else while (next < mask.length && mask[next] === value) next++;
    if (next < 0) next = mask.length;
    runs.push(next - at);
    at = next; inside = !inside;
  }
  return runs;
}

/** Writes the runs into `mask`, which it returns. @param {number[]} runs @param {Uint8Array} mask @param {number} [value] */
export function decodeRuns(runs, mask, value = 1) {
  let at = 0;
  runs.forEach((length, k) => { if (k % 2) mask.fill(value, at, at + length); at += length; });
  return mask;
}
