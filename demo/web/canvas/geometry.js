// From the screen to the image and back. The screen is counted in device pixels.

/**
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Rect right and bottom excluded
 * @typedef {{ width: number, height: number }} Size
 * @typedef {{ scale: number, x: number, y: number, fitted: boolean, ratio: number }} View
 *   device pixels an image pixel, where the image's corner is, whether it follows the window's
 *   size, device pixels a pixel of the page's layout
 * @typedef {{ x0: number, y0: number, x1: number, y1: number }} Box
 */

const CLOSEST = 64, IN_SIGHT = 40;

/** @param {View} view @param {number} x @param {number} y */
export const toImage = (view, x, y) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });

/** @param {Size} screen @param {Size} image */
export const bestFit = (screen, image) => Math.min(screen.width / image.width, screen.height / image.height) * 0.98;

/** @param {Size} screen @param {Size} image */
export function fitted(screen, image) {
  const scale = bestFit(screen, image);
  return { scale, x: (screen.width - image.width * scale) / 2, y: (screen.height - image.height * scale) / 2, fitted: true };
}

/**
 * The image point under `at` stays there. `shrink` is how much smaller than the original it is shown.
 * @param {View} view @param {Size} screen @param {Size & { shrink: number }} image
 * @param {number} scale @param {{ x: number, y: number }} at
 */
export function zoomed(view, screen, image, scale, at) {
  const least = Math.min(bestFit(screen, image) / 2, view.ratio / image.shrink);
  const next = Math.min(CLOSEST, Math.max(least, scale)), by = next / view.scale;
  return { scale: next, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by, fitted: false };
}

/**
 * A corner of the image always stays in sight.
 * @param {View} view @param {Size} screen @param {Size} image @param {number} dx @param {number} dy
 */
export function panned(view, screen, image, dx, dy) {
  const keep = (/** @type {number} */ at, /** @type {number} */ room, /** @type {number} */ length) =>
    Math.min(room - IN_SIGHT, Math.max(IN_SIGHT - length, at));
  return {
    x: keep(view.x + dx, screen.width, image.width * view.scale),
    y: keep(view.y + dy, screen.height, image.height * view.scale), fitted: false,
  };
}

/** A region in the middle, with room around it. @param {Size} screen @param {Size} image @param {Rect} region */
export function zoomedTo(screen, image, region) {
  const width = region.right - region.left, height = region.bottom - region.top, best = bestFit(screen, image);
  const wanted = Math.min(screen.width / (width * 3), screen.height / (height * 3), best * 6);
  const scale = Math.max(wanted, best);
  return {
    scale, fitted: false,
    x: screen.width / 2 - (region.left + width / 2) * scale, y: screen.height / 2 - (region.top + height / 2) * scale,
  };
}

/** The part of the image that is in sight, in whole pixels. @param {View} view @param {Size} screen @param {Size} image @returns {Rect} */
export function inSight(view, screen, image) {
  return {
    left: Math.max(0, Math.floor(-view.x / view.scale)), top: Math.max(0, Math.floor(-view.y / view.scale)),
    right: Math.min(image.width, Math.ceil((screen.width - view.x) / view.scale)),
    bottom: Math.min(image.height, Math.ceil((screen.height - view.y) / view.scale)),
  };
}

/**
 * Where a part of the image is on the screen, with a margin around it.
 * @param {View} view @param {Size} screen @param {Rect} rect @param {number} margin @returns {Rect}
 */
export function onScreen({ scale, x, y }, screen, rect, margin) {
  return {
    left: Math.max(0, Math.floor(rect.left * scale + x) - margin), top: Math.max(0, Math.floor(rect.top * scale + y) - margin),
    right: Math.min(screen.width, Math.ceil(rect.right * scale + x) + margin),
    bottom: Math.min(screen.height, Math.ceil(rect.bottom * scale + y) + margin),
  };
}

/** @param {Rect | null} a @param {Rect} b @returns {Rect} */
export function union(a, b) {
  if (!a) return { ...b };
  return {
    left: Math.min(a.left, b.left), top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom),
  };
}

/** @param {Rect} rect */
export const isEmpty = ({ left, top, right, bottom }) => right <= left || bottom <= top;

/** The pixels that a drawn box touches, within the image. @param {Box} box @param {Size} image @returns {Rect} */
export function boxed({ x0, y0, x1, y1 }, { width, height }) {
  return {
    left: Math.max(0, Math.floor(Math.min(x0, x1))), top: Math.max(0, Math.floor(Math.min(y0, y1))),
    right: Math.min(width, Math.ceil(Math.max(x0, x1))), bottom: Math.min(height, Math.ceil(Math.max(y0, y1))),
  };
}

/**
 * Two fingers: their middle and how far apart they are.
 * @param {{ x: number, y: number }} a @param {{ x: number, y: number }} b
 */
export const spread = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, span: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) });
