// The colour scale of the heat map; the files to take away have the same (ddad/export/render.py).

const ANCHORS = [[0, 0, 4], [60, 15, 90], [140, 41, 99], [212, 72, 66], [250, 140, 30], [252, 255, 164]];

/** Red, green and blue of each of 256 levels. */
export const HEAT = Array.from({ length: 256 }, (_, i) => {
  const x = (i / 255) * 5, k = Math.min(4, Math.floor(x));
  return ANCHORS[k].map((v, c) => Math.trunc(v + (ANCHORS[k + 1][c] - v) * (x - k)));
});

/** How many levels a unit of score is. @param {{ low: number, high: number }} range */
export const gainOf = ({ low, high }) => 255 / Math.max(high - low, 1e-12);

/** A score in units of a level, as one of the levels. @param {number} level */
export const clipped = (level) => (level <= 0 ? 0 : level >= 255 ? 255 : (level + 0.5) | 0);

/** The 32 bits of a canvas pixel of each level; opacity, 0 to 1, grows with the level. @param {number} opacity */
export function translucent(opacity) {
  return Uint32Array.from(HEAT, ([r, g, b], i) => ((Math.round(i * opacity) << 24) | (b << 16) | (g << 8) | r) >>> 0);
}

/** The 32 bits of an opaque canvas pixel of each level. */
export const OPAQUE = Uint32Array.from(HEAT, ([r, g, b]) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0);
