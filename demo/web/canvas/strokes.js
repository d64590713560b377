// What a brush covers.

/**
 * What a tool writes: a layer, a value, and the value of its opposite (Alt or the right button).
 * @type {Record<string, { layer: "paint" | "zone", value: number, other: number }>}
 */
export const PAINTS = {
  brush: { layer: "paint", value: 1, other: 2 },
  eraser: { layer: "paint", value: 2, other: 1 },
  zone: { layer: "zone", value: 1, other: 0 },
  outline: { layer: "paint", value: 1, other: 2 },
  smart: { layer: "paint", value: 1, other: 2 },
};

/** Tools that have a size. */
export const SIZED = new Set(["brush", "eraser", "zone"]);

/**
 * Calls `put(index)` for each pixel whose centre lies within `radius` of the segment: hard edges.
 * Returns the rectangle it looked at.
 * @param {{ x: number, y: number }} from @param {{ x: number, y: number }} to @param {number} radius
 * @param {number} width @param {number} height @param {(index: number) => void} put
 */
export function eachInStroke({ x: x0, y: y0 }, { x: x1, y: y1 }, radius, width, height, put) {
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - radius)), right = Math.min(width - 1, Math.ceil(Math.max(x0, x1) + radius));
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - radius)), bottom = Math.min(height - 1, Math.ceil(Math.max(y0, y1) + radius));
  const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy || 1, most = radius * radius;
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - x0, py = y + 0.5 - y0;
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const ex = px - along * dx, ey = py - along * dy;
      if (ex * ex + ey * ey <= most) put(y * width + x);
    }
  return { left, top, right: right + 1, bottom: bottom + 1 };
}
